use http::HeaderMap;

use crate::headers::{RequestId, remove_hop_by_hop};

#[test]
fn what_connection_names_is_removed_with_it() {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("connection", "close, X-Private"),
        ("connection", "x-other, Host, content-length"),
        ("host", "shop.example"),
        ("content-length", "3"),
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
    let mut left: Vec<&str> = headers.keys().map(http::HeaderName::as_str).collect();
    left.sort_unstable();
    assert_eq!(
        left,
        ["content-length", "content-type", "host"],
        "no connection's affair are a message's host and length"
    );
}

#[test]
fn a_request_id_is_kept_only_if_it_is_sensible() {
    let id = |text: &str| {
        let headers = [("x-request-id".parse().unwrap(), text.parse().unwrap())].into_iter().collect();
        RequestId::of(&headers).as_str().to_owned()
    };
    assert_eq!(id("abc-1_2.3"), "abc-1_2.3");
    for bad in ["", "a b", "a\"b", &"x".repeat(65)] {
        assert_eq!(id(bad).len(), 32, "{bad:?} was kept");
    }
}
