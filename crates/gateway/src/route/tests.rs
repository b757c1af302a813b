use http::{HeaderMap, Method};

use super::{
    Asked, HeaderMatch, HostPattern, NotFound, Rewrite, Route, RouteError, RouteTable, Unwritable, covers,
    lenient::has_dot_segment,
};
use crate::Upstream;

fn route(path: &str) -> Result<Route, RouteError> {
    Route::new(path, Upstream::new("service", []))
}

/// A route of this path, as a change to a plain one leaves it.
fn with(path: &str, change: impl FnOnce(&mut Route)) -> Route {
    let mut route = route(path).unwrap();
    change(&mut route);
    route
}

fn asked<'a>(method: &'a Method, host: &'a str, path: &'a str, headers: &'a HeaderMap) -> Asked<'a> {
    Asked { method, host: Some(host), path, headers }
}

/// The name of the route that a GET gets.
fn found(table: &RouteTable, path: &str) -> Option<String> {
    let headers = HeaderMap::new();
    let found = table.find(asked(&Method::GET, "shop.example", path, &headers));
    found.ok().map(|(route, _)| route.name.to_string())
}

fn host(text: &str) -> HostPattern {
    HostPattern::parse(text).unwrap()
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
    let found_for = |path: &str| found(&table, path).unwrap();
    assert_eq!(found_for("/api/catalog/images/7"), "/api/catalog/images");
    assert_eq!(found_for("/api/catalog/image"), "/api/catalog");
    assert_eq!(found_for("/api/catalogue"), "/api");
    assert_eq!(found_for("/index.html"), "/");
    assert!(RouteTable::new(vec![route("/api").unwrap()]).is_ok_and(|table| found(&table, "/x").is_none()));
}

#[test]
fn what_is_for_operators_is_not_behind_a_route_that_covers_everything() {
    let table = RouteTable::new(vec![route("/").unwrap(), route("/api").unwrap()]).unwrap();
    for path in [
        "/admin",
        "/admin/projections/x/skip",
        "//admin/x",
        "/%61dmin/x",
        "/ADMIN/x",
        "\\admin",
        "/%2fadmin/x",
        "/admin;x/y",
    ] {
        assert!(found(&table, path).is_none(), "{path}");
    }
    for path in ["/administer", "/api/admin", "/x/admin", "/%zzadmin", "/", "/admi%6"] {
        assert!(found(&table, path).is_some(), "{path}");
    }
    let named = RouteTable::new(vec![route("/").unwrap(), route("/admin").unwrap()]).unwrap();
    assert!(found(&named, "/admin/projections").is_some(), "who names it means it");
}

#[test]
fn prefixes_that_could_not_match_are_refused() {
    assert!(matches!(route("api"), Err(RouteError::NotAPath(_))));
    assert!(matches!(route("/api/"), Err(RouteError::TrailingSlash(_))));
    for prefix in ["/a//b", "/a/../b", "/a?b", "/a%20b", "/ä", "/a b"] {
        assert!(matches!(route(prefix), Err(RouteError::Segment(_))), "{prefix}");
    }
    assert!(matches!(route("/_gateway/x"), Err(RouteError::Reserved(_))));
    for path in ["/a/{id", "/a/x{id}", "/a/{}", "/a/{1}", "/a/{*rest}/b", "/a/{b-c}"] {
        assert!(matches!(route(path), Err(RouteError::Parameter(_))), "{path}");
    }
    assert!(matches!(route("/{id}/{id}"), Err(RouteError::ParameterTwice(_))));
    assert!(matches!(route(&"/a".repeat(33)), Err(RouteError::Long(_))));
}

#[test]
fn dot_segments_are_seen_through_their_encodings() {
    for path in [
        "/a/../b",
        "/a/%2e%2E/b",
        "/.",
        "/a/.%2e",
        "/a\\..\\b",
        "/public/..%2Fprivate",
        "/public/..%5cprivate",
        "/public%2f../private",
        "/public/..;/private",
        "/public/..;x=1/private",
        "/public/.%2e%3b/private",
    ] {
        assert!(has_dot_segment(path), "{path}");
    }
    for path in ["/a/..b", "/a.b/c...", "/", "/.well-known/x", "/a%2Fb", "/a;..", "/100%"] {
        assert!(!has_dot_segment(path), "{path}");
    }
}

#[test]
fn a_path_is_compared_as_services_read_it() {
    let table = RouteTable::new(vec![route("/api").unwrap(), route("/api/secret").unwrap()]).unwrap();
    for path in ["/api/secret", "/api/%73ecret/x", "/api//secret", "//api/secret/", "/%61pi/s%65cret"] {
        assert_eq!(found(&table, path).as_deref(), Some("/api/secret"), "{path}");
    }
    for path in ["/api/secre%2Ft", "/api/%secret", "/api/se%zzcret", "/api/SECRET"] {
        assert_eq!(found(&table, path).as_deref(), Some("/api"), "{path}");
    }
}

#[test]
fn parameters_take_one_segment_and_the_rest_takes_what_is_left() {
    let paths = ["/products/{id}", "/products/{id}/reviews", "/products/new", "/files/{*rest}", "/{any}"];
    let table = RouteTable::new(paths.map(|path| route(path).unwrap()).into()).unwrap();
    for (path, name) in [
        ("/products/7", Some("/products/{id}")),
        ("/products/7/reviews", Some("/products/{id}/reviews")),
        ("/products/new", Some("/products/new")),
        ("/products/new/x", Some("/products/new")),
        ("/products/7/other", None),
        ("/products", Some("/{any}")),
        ("/files/a/b", Some("/files/{*rest}")),
        ("/files", Some("/{any}")),
        ("/", None),
    ] {
        assert_eq!(found(&table, path).as_deref(), name, "{path}");
    }
    let headers = HeaderMap::new();
    let captured = |path: &str| {
        let (_, captures) = table.find(asked(&Method::GET, "a", path, &headers)).unwrap();
        captures.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>()
    };
    assert_eq!(captured("/products/a%2Fb%41"), ["id=a%2Fb%41"]);
    assert_eq!(captured("/files/a//b/"), ["rest=a/b"]);
}

#[test]
fn hosts_before_paths_before_methods_before_headers() {
    let header = |value| HeaderMatch::new("x-version", value).unwrap();
    let table = RouteTable::new(vec![
        route("/api").unwrap(),
        with("/", |route| (route.name, route.hosts) = ("exact".into(), vec![host("Shop.example")])),
        with("/", |route| (route.name, route.hosts) = ("under".into(), vec![host("*.example")])),
        with("/", |route| (route.name, route.hosts) = ("deeper".into(), vec![host("*.shop.example")])),
        with("/api", |route| (route.name, route.methods) = ("post".into(), vec![Method::POST])),
        with("/api", |route| (route.name, route.headers) = ("two".into(), vec![header(Some("2"))])),
        with("/api", |route| (route.name, route.headers) = ("three".into(), vec![header(Some("3"))])),
    ])
    .unwrap();
    let (plain, mut versioned) = (HeaderMap::new(), HeaderMap::new());
    versioned.append("x-version", "1".parse().unwrap());
    versioned.append("x-version", "2".parse().unwrap());
    for (method, host, headers, name) in [
        (&Method::GET, "other.test", &plain, "/api"),
        (&Method::GET, "other.test", &versioned, "two"),
        (&Method::POST, "other.test", &versioned, "post"),
        (&Method::GET, "SHOP.example", &versioned, "exact"),
        (&Method::GET, "www.shop.example", &plain, "deeper"),
        (&Method::GET, "www.example", &plain, "under"),
        (&Method::GET, "example", &plain, "/api"),
    ] {
        let (route, _) = table.find(asked(method, host, "/api/x", headers)).unwrap();
        assert_eq!(&*route.name, name, "{method} {host}");
    }
}

#[test]
fn another_method_goes_to_the_next_route_or_is_told_which_there_are() {
    let get = |path| with(path, |route| route.methods = vec![Method::GET]);
    let table = RouteTable::new(vec![get("/a"), get("/a/b"), route("/a/b/c").unwrap()]).unwrap();
    let headers = HeaderMap::new();
    let find = |method: &Method, path: &str| {
        table.find(asked(method, "a", path, &headers)).map(|(route, _)| route.name.to_string())
    };
    assert_eq!(find(&Method::HEAD, "/a/b"), Ok("/a/b".to_owned()), "who takes GET takes HEAD");
    assert_eq!(find(&Method::PUT, "/a/b/c"), Ok("/a/b/c".to_owned()));
    assert_eq!(find(&Method::PUT, "/a/b"), Err(NotFound::OtherMethods(vec![Method::GET])));
    assert_eq!(find(&Method::PUT, "/b"), Err(NotFound::NoRoute));
}

#[test]
fn no_route_is_chosen_by_what_concerns_a_connection_alone_but_a_websockets() {
    for (name, value) in [
        ("Connection", None),
        ("te", Some("trailers")),
        ("transfer-encoding", Some("chunked")),
        ("keep-alive", None),
        ("proxy-authorization", None),
        ("upgrade", Some("h2c")),
        ("upgrade", Some("websocket, h2c")),
    ] {
        let refused = HeaderMatch::new(name, value);
        assert!(matches!(refused, Err(RouteError::OfConnection(_))), "{name}: {refused:?}");
    }
    let mut asks = HeaderMap::new();
    asks.insert("upgrade", "websocket".parse().unwrap());
    for value in [None, Some("websocket"), Some("WebSocket")] {
        assert!(HeaderMatch::new("Upgrade", value).unwrap().holds(&asks), "{value:?}");
    }
}

#[test]
fn what_a_browser_asks_about_has_the_headers_that_it_names() {
    let cors = |route: &mut Route| {
        let any = crate::Cors::new(crate::Origins::Any, &[], &[], &[], false, std::time::Duration::ZERO).unwrap();
        route.policies = std::sync::Arc::new(crate::Policies { cors: Some(any.into()), ..crate::Policies::default() });
    };
    let by = |name: &'static str, header, value| {
        with("/a", |route| {
            route.name = name.into();
            route.headers = vec![HeaderMatch::new(header, value).unwrap()];
            cors(route);
        })
    };
    let table = RouteTable::new(vec![
        by("versioned", "x-version", Some("2")),
        with("/b", |route| {
            (route.name, route.methods) = ("deleting".into(), vec![Method::DELETE]);
            route.headers = vec![HeaderMatch::new("accept", Some("text/csv")).unwrap()];
            cors(route);
        }),
        with("/c", cors),
        with("/c", |route| {
            (route.name, route.headers) = ("csv".into(), vec![HeaderMatch::new("accept", Some("text/csv")).unwrap()]);
            cors(route);
        }),
        with("/d", |route| route.headers = vec![HeaderMatch::new("x-version", None).unwrap()]),
    ])
    .unwrap();
    let find = |path: &str, lines: &[(&'static str, &str)]| {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, value.parse().unwrap());
        }
        let found = table.find(asked(&Method::OPTIONS, "a", path, &headers));
        found.ok().map(|(route, _)| route.name.to_string())
    };
    let (origin, put) = (("origin", "https://a.test"), ("access-control-request-method", "PUT"));
    let named = |names| ("access-control-request-headers", names);
    let versioned = Some("versioned".to_owned());
    assert_eq!(find("/a", &[origin, put, named("content-type, X-Version")]), versioned);
    assert_eq!(find("/a", &[origin, put, named("content-type"), named("x-version")]), versioned);
    assert_eq!(find("/a", &[origin, put, named("x-versions")]), None);
    assert_eq!(find("/a", &[origin, put]), None);
    assert_eq!(find("/a", &[put, named("x-version")]), None, "no page asks");
    assert_eq!(find("/d", &[origin, put, named("x-version")]), None, "nobody's pages may ask there");
    // A page may say what it accepts without that being named.
    let delete = ("access-control-request-method", "DELETE");
    assert_eq!(find("/b", &[origin, delete, ("accept", "*/*")]), Some("deleting".to_owned()));
    assert_eq!(find("/c", &[origin, delete, ("accept", "*/*")]), Some("/c".to_owned()), "as far as it is known");
}

#[test]
fn of_two_that_take_the_same_one_must_be_more_specific() {
    let ambiguous = |routes: Vec<Route>| match RouteTable::new(routes) {
        Err(RouteError::Ambiguous { index, .. }) => Some(index),
        Ok(_) => None,
        Err(other) => panic!("{other}"),
    };
    let on = |path, name| with(path, |route| route.hosts = vec![host(name)]);
    let by = |path, methods: &[Method]| with(path, |route| route.methods = methods.to_vec());
    let says = |name, value| with("/a", |route| route.headers = vec![HeaderMatch::new(name, value).unwrap()]);
    let plain = |path| route(path).unwrap();
    assert_eq!(ambiguous(vec![plain("/a"), plain("/b"), plain("/a")]), Some(2));
    assert_eq!(ambiguous(vec![plain("/a/{x}"), plain("/a/{y}")]), Some(1));
    assert_eq!(ambiguous(vec![plain("/{x}/b"), plain("/a/{y}")]), None, "the left is more specific");
    assert_eq!(ambiguous(vec![on("/a", "x.test"), on("/a", "X.test")]), Some(1));
    assert_eq!(ambiguous(vec![on("/a", "x.test"), on("/a", "y.test")]), None);
    assert_eq!(ambiguous(vec![by("/a", &[Method::GET]), by("/a", &[Method::HEAD, Method::PUT])]), Some(1));
    assert_eq!(ambiguous(vec![by("/a", &[Method::GET]), by("/a", &[Method::PUT]), plain("/a")]), None);
    assert_eq!(ambiguous(vec![says("x", Some("1")), says("x", Some("2")), plain("/a")]), None);
    assert_eq!(ambiguous(vec![says("x", Some("1")), says("y", Some("1"))]), Some(1));
    assert_eq!(ambiguous(vec![says("x", None), says("x", Some("1"))]), Some(1));
}

#[test]
fn a_rewritten_path_keeps_what_is_under_the_prefix() {
    let rewritten = |pattern: &str, to: &str, path: &str| {
        let mut route = route(pattern).unwrap();
        route.rewrite = Some(Rewrite::parse(to, &route.path).unwrap());
        let table = RouteTable::new(vec![route]).unwrap();
        let headers = HeaderMap::new();
        let (route, captures) = table.find(asked(&Method::GET, "a", path, &headers)).unwrap();
        route.rewrite.as_ref().unwrap().path(path, &captures)
    };
    assert_eq!(rewritten("/api/catalog", "/", "/api/catalog/products/7%2F8"), "/products/7%2F8");
    assert_eq!(rewritten("/api/catalog", "/", "/api/catalog"), "/");
    assert_eq!(rewritten("/api/catalog", "/v2", "/api/catalog/x/"), "/v2/x/");
    assert_eq!(rewritten("/", "/v2", "/x"), "/v2/x");
    assert_eq!(rewritten("/products/{id}", "/p/{id}/all", "/products/a%20b"), "/p/a%20b/all");
    assert_eq!(rewritten("/files/{*rest}", "/store/{rest}", "/files/a/b"), "/store/a/b");
    assert_eq!(rewritten("/files/{*rest}", "/store/{rest}", "/files/a/b/"), "/store/a/b/");
    assert_eq!(rewritten("/files/{*rest}", "/store/{rest}/meta", "/files/a/b/"), "/store/a/b/meta");
    assert_eq!(rewritten("/files/{id}/x", "/store/{id}", "/files/a/x/"), "/store/a");
    for (to, pattern) in [("x", "/a"), ("/a?b", "/a"), ("/a//b", "/a"), ("/../b", "/a"), ("/{id", "/{id}")] {
        assert!(matches!(Rewrite::parse(to, &route(pattern).unwrap().path), Err(RouteError::Rewrite(_))), "{to}");
    }
    let unknown = Rewrite::parse("/{name}", &route("/{id}").unwrap().path);
    assert!(matches!(unknown, Err(RouteError::NoSuchParameter { .. })));
}

#[test]
fn a_route_of_several_hosts_is_as_specific_as_the_one_that_is_asked_for() {
    let on = |name: &str, hosts: &[&str]| {
        let mut route = route("/").unwrap();
        (route.name, route.hosts) = (name.into(), hosts.iter().map(|text| host(text)).collect());
        route
    };
    let table = RouteTable::new(vec![
        on("all", &["*.shop.example"]),
        on("guarded", &["*.a.example", "admin.shop.example"]),
        on("a", &["x.a.example"]),
    ])
    .unwrap();
    let headers = HeaderMap::new();
    let found = |host: &str| table.find(asked(&Method::GET, host, "/", &headers)).unwrap().0.name.to_string();
    for (host, name) in [
        ("admin.shop.example", "guarded"),
        ("www.shop.example", "all"),
        ("x.a.example", "a"),
        ("y.a.example", "guarded"),
    ] {
        assert_eq!(found(host), name, "{host}");
    }
    assert_eq!(table.routes().len(), 3, "each is one route");
    let same =
        RouteTable::new(vec![on("one", &["*.a.example", "b.example"]), on("other", &["c.example", "b.example"])]);
    assert!(matches!(same, Err(RouteError::Ambiguous { index: 1, .. })), "both take b.example");
    assert!(RouteTable::new(vec![on("one", &["a.example", "b.example"]), on("two", &["c.example"])]).is_ok());
}

#[test]
fn a_rewrite_leads_to_what_is_for_operators_only_if_it_names_it() {
    let applied = |pattern: &str, to: &str, path: &str| {
        let mut route = route(pattern).unwrap();
        route.rewrite = Some(Rewrite::parse(to, &route.path).unwrap());
        let (table, headers) = (RouteTable::new(vec![route]).unwrap(), HeaderMap::new());
        let (route, captures) = table.find(asked(&Method::GET, "a", path, &headers)).unwrap();
        let mut uri: http::Uri = path.parse().unwrap();
        route.rewrite.as_ref().unwrap().apply(&mut uri, &captures).map(|()| uri.to_string())
    };
    let refused = Err(Unwritable::ForOperators);
    for path in ["/api/catalog/admin/projections/x/skip", "/api/catalog/%61dmin", "/api/catalog/admin;x"] {
        assert_eq!(applied("/api/catalog", "/", path), refused, "{path}");
    }
    assert_eq!(applied("/files/{*rest}", "/{rest}", "/files/admin/x"), refused);
    assert_eq!(applied("/api/catalog", "/", "/api/catalog/administer?a=b"), Ok("/administer?a=b".to_owned()));
    assert_eq!(applied("/operate", "/admin", "/operate/x"), Ok("/admin/x".to_owned()), "who names it means it");
    assert_eq!(applied("/a", "/much/longer", &format!("/a/{}", "x".repeat(65_530))), Err(Unwritable::Long));
}

#[test]
fn hosts_are_names_and_not_urls() {
    for text in ["shop.example", "*.shop.example", "127.0.0.1", "[::1]", "localhost"] {
        assert_eq!(host(text).to_string(), text);
    }
    for text in ["", "*", "*.", "a.*", "http://a", "a:80", "a..b", "-a", "[::1", "*.[::1]", "a b"] {
        assert!(matches!(HostPattern::parse(text), Err(RouteError::Host(_))), "{text}");
    }
    assert_eq!(super::host_in("a:80"), "a");
    assert_eq!(super::host_in("a.example.:80"), "a.example");
    assert_eq!(super::host_in("[::1]:80"), "[::1]");
    assert_eq!(super::host_in("[::1]"), "[::1]");
}

#[test]
fn whatever_is_read_as_a_route_takes_paths_without_stumbling_and_rewrites_to_a_path() {
    let pieces = ["/", "/", "a", "b", "{x}", "{y}", "{*z}", "{", "}", "%61", "%", ".", "..", "//", "?", "\u{e4}"];
    let mut random = fastrand::Rng::with_seed(11);
    let mut text = |longest: usize| -> String {
        (0..random.usize(1..longest)).map(|_| pieces[random.usize(..pieces.len())]).collect()
    };
    let (mut read, mut rewritten) = (0, 0);
    for _ in 0..100_000 {
        let (pattern, to, path) = (format!("/{}", text(6)), format!("/{}", text(6)), format!("/{}", text(9)));
        let Ok(mut route) = route(&pattern) else { continue };
        read += 1;
        route.rewrite = Rewrite::parse(&to, &route.path).ok();
        let table = RouteTable::new(vec![route]).unwrap();
        let headers = HeaderMap::new();
        let Ok(mut uri) = path.parse::<http::Uri>() else { continue };
        let path = uri.path().to_owned();
        let Ok((route, captures)) = table.find(asked(&Method::GET, "a", &path, &headers)) else { continue };
        if let Some(rewrite) = &route.rewrite {
            let asked_for = rewrite.path(&path, &captures);
            assert!(asked_for.starts_with('/') && !asked_for.starts_with("//"), "{pattern} {to} {path}: {asked_for}");
            rewrite.apply(&mut uri, &captures).unwrap();
            assert_eq!(uri.path(), asked_for, "{pattern} {to} {path}");
            rewritten += 1;
        }
    }
    assert!(read > 1_000 && rewritten > 100, "{read} {rewritten}: chance met too little");
}

#[test]
fn what_is_rewritten_to_is_a_target() {
    let path = crate::PathPattern::parse("/a").unwrap();
    for no_target in ["/`", "/a`b", "/<", "/\"x\"", "/a^b|c"] {
        let uri: Result<http::uri::PathAndQuery, _> = no_target.parse();
        assert_eq!(crate::Rewrite::parse(no_target, &path).is_ok(), uri.is_ok(), "{no_target}");
    }
    assert!(crate::Rewrite::parse("/`", &path).is_err());
}
