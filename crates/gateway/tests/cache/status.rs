//! `Cache-Status` (RFC 9211).

use crate::world::{Reply, World};

#[tokio::test]
async fn it_tells_what_was_done_and_why() {
    let world = World::new(|seen| match &seen.path[..] {
        "/fresh" => Reply::ok("", &[("cache-control", "max-age=60"), ("etag", "\"a\""), ("vary", "foo")]),
        "/private" => Reply::ok("", &[("cache-control", "private")]),
        _ => Reply::status(404, "", &[]),
    })
    .await;
    let did = async |method: &str, path: &str, headers: crate::Headers<'_>| {
        world.ask(method, path, headers).await.did().to_owned()
    };
    assert_eq!(did("GET", "/fresh", &[]).await, "tradewind; fwd=uri-miss; fwd-status=200; stored; ttl=60");
    assert_eq!(did("GET", "/fresh", &[]).await, "tradewind; hit; ttl=60");
    world.later(20);
    assert_eq!(did("HEAD", "/fresh", &[]).await, "tradewind; hit; ttl=40");
    assert_eq!(did("GET", "/fresh", &[("foo", "1")]).await, "tradewind; fwd=vary-miss; fwd-status=200; stored; ttl=60");
    let asked = did("GET", "/fresh", &[("cache-control", "no-cache")]).await;
    assert_eq!(asked, "tradewind; fwd=request; fwd-status=200; stored; ttl=60");
    assert_eq!(did("GET", "/private", &[]).await, "tradewind; fwd=uri-miss; fwd-status=200; detail=private");
    assert_eq!(did("GET", "/nothing", &[]).await, "tradewind; fwd=uri-miss; fwd-status=404; detail=no-lifetime");
    assert_eq!(did("POST", "/fresh", &[]).await, "tradewind; fwd=method; fwd-status=200");
    assert_eq!(did("GET", "/fresh", &[("if-match", "\"a\"")]).await, "tradewind; fwd=bypass; fwd-status=200");
}

#[tokio::test]
async fn it_stands_behind_what_other_caches_have_said_and_is_not_stored() {
    let world = World::answering(&[("cache-control", "max-age=60"), ("cache-status", "near; hit")]).await;
    let first = world.get(&[]).await;
    let said: Vec<_> = first.headers.get_all("cache-status").iter().map(|line| line.to_str().unwrap()).collect();
    assert_eq!(said, ["near; hit", "tradewind; fwd=uri-miss; fwd-status=200; stored; ttl=60"]);
    let hit = world.get(&[]).await;
    assert_eq!(hit.headers.get_all("cache-status").iter().count(), 1);
    assert!(hit.is_hit());
}
