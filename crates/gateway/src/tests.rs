use http::HeaderMap;

use crate::headers::{remove_hop_by_hop, request_id};
use crate::route::{covers, has_dot_segment};
use crate::{Route, RouteError, RouteTable, Upstream};

fn route(prefix: &str) -> Result<Route, RouteError> {
    Route::new(prefix, Upstream::new("service", []))
}

#[test]
fn a_prefix_covers_whole_segments_only() {
    for path in ["/api", "/api/", "/api/x", "/api/x/y"] {
        assert!(covers("/api", path), "{path}");
    }
    for path in ["/", "/apis", "/ap", "/x/api", "/API"] {
        assert!(!covers("/api", path), "{path}");
    }
    assert!(covers("/", "/anything"));
}

#[test]
fn the_longest_prefix_wins_whatever_the_order() {
    let routes = ["/", "/api/catalog", "/api", "/api/catalog/images"].map(|prefix| route(prefix).unwrap());
    let table = RouteTable::new(routes.into()).unwrap();
    let found = |path: &str| table.find(path).unwrap().prefix.to_string();
    assert_eq!(found("/api/catalog/images/7"), "/api/catalog/images");
    assert_eq!(found("/api/catalog/image"), "/api/catalog");
    assert_eq!(found("/api/catalogue"), "/api");
    assert_eq!(found("/index.html"), "/");
    assert!(RouteTable::new(vec![route("/api").unwrap()]).unwrap().find("/x").is_none());
}

#[test]
fn what_is_for_operators_is_not_behind_a_route_that_covers_everything() {
    let table = RouteTable::new(vec![route("/").unwrap(), route("/api").unwrap()]).unwrap();
    for path in ["/admin", "/admin/projections/x/skip", "//admin/x", "/%61dmin/x", "/ADMIN/x", "\\admin"] {
        assert!(table.find(path).is_none(), "{path}");
    }
    for path in ["/administer", "/api/admin", "/x/admin", "/%zzadmin", "/", "/admi%6"] {
        assert!(table.find(path).is_some(), "{path}");
    }
    let named = RouteTable::new(vec![route("/").unwrap(), route("/admin").unwrap()]).unwrap();
    assert!(named.find("/admin/projections").is_some(), "who names it means it");
}

#[test]
fn prefixes_that_could_not_match_are_refused() {
    assert!(matches!(route("api"), Err(RouteError::NotAPath(_))));
    assert!(matches!(route("/api/"), Err(RouteError::TrailingSlash(_))));
    for prefix in ["/a//b", "/a/../b", "/a?b", "/a%20b", "/ä", "/a b"] {
        assert!(matches!(route(prefix), Err(RouteError::Segment(_))), "{prefix}");
    }
    assert!(matches!(route("/_gateway/x"), Err(RouteError::Reserved(_))));
    let twice = vec![route("/a").unwrap(), route("/a").unwrap()];
    assert_eq!(RouteTable::new(twice), Err(RouteError::Twice("/a".to_owned())));
}

#[test]
fn dot_segments_are_seen_through_their_encodings() {
    for path in ["/a/../b", "/a/%2e%2E/b", "/.", "/a/.%2e", "/a\\..\\b"] {
        assert!(has_dot_segment(path), "{path}");
    }
    for path in ["/a/..b", "/a.b/c...", "/", "/.well-known/x"] {
        assert!(!has_dot_segment(path), "{path}");
    }
}

#[test]
fn what_connection_names_is_removed_with_it() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "close, X-Private"),
        ("connection", "x-other"),
        ("x-private", "1"),
        ("x-other", "2"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("content-type", "text/plain"),
    ] {
        headers.append(name, value.parse().unwrap());
    }
    remove_hop_by_hop(&mut headers);
    let left: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    assert_eq!(left, ["content-type"]);
}

#[test]
fn a_request_id_is_kept_only_if_it_is_sensible() {
    let id = |text: &str| request_id(&[("x-request-id".parse().unwrap(), text.parse().unwrap())].into_iter().collect());
    assert_eq!(id("abc-1_2.3"), "abc-1_2.3");
    for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
        assert_eq!(id(bad).len(), 32, "{bad:?} was kept");
    }
}
