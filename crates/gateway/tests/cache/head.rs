//! `HEAD` from what `GET` has brought (RFC 9111 §4, §4.3.5).

use crate::world::{Reply, World};

#[tokio::test]
async fn head_is_answered_with_the_head_of_what_is_stored() {
    let world = World::answering(&[("cache-control", "max-age=60"), ("etag", "\"a\""), ("x-one", "1")]).await;
    world.get(&[]).await;
    world.later(10);
    let got = world.ask("HEAD", "/", &[]).await;
    assert_eq!((got.status, &got.body[..], got.is_hit(), world.asked()), (200, "", true, 1));
    assert_eq!((got.header("content-length"), got.header("age"), got.header("x-one")), ("4", "10", "1"));
    assert_eq!(world.ask("HEAD", "/", &[("if-none-match", "\"a\"")]).await.status, 304);
    assert_eq!(world.ask("HEAD", "/", &[("range", "bytes=0-1")]).await.status, 200, "ranges are for GET");
}

#[tokio::test]
async fn what_head_brings_does_not_answer_get() {
    let world = World::answering(&[("cache-control", "max-age=60")]).await;
    let head = world.ask("HEAD", "/", &[]).await;
    assert_eq!((head.status, head.header("content-length"), head.is_hit()), (200, "4", false));
    let got = world.get(&[]).await;
    assert_eq!((&got.body[..], got.is_hit(), world.asked()), ("body", false, 2));
}

#[tokio::test]
async fn head_that_tells_of_another_version_makes_what_is_stored_stale() {
    let cases = [
        (("etag", "\"b\""), false),
        (("last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"), false),
        (("x-longer", "yes"), false),
        (("etag", "\"a\""), true),
    ];
    for (told, is_same) in cases {
        let world = World::new(move |seen| match &seen.method[..] {
            "HEAD" => Reply::ok(if told.0 == "x-longer" { "ninechars" } else { "body" }, &[told]),
            _ => Reply::ok("body", &[("cache-control", "max-age=60"), ("etag", "\"a\"")]),
        })
        .await;
        world.get(&[]).await;
        assert!(!world.ask("HEAD", "/", &[("cache-control", "no-cache")]).await.is_hit());
        assert_eq!(world.get(&[]).await.is_hit(), is_same, "{told:?}");
    }
}

#[tokio::test]
async fn head_gets_what_is_stale_if_the_service_fails() {
    let world = World::new(|seen| match seen.number {
        0 => Reply::ok("body", &[("cache-control", "max-age=10, stale-if-error=60")]),
        1 => Reply::none(),
        _ => Reply::status(503, "", &[]),
    })
    .await;
    world.get(&[]).await;
    world.later(20);
    for _ in 0..2 {
        let got = world.ask("HEAD", "/", &[]).await;
        assert_eq!((got.status, got.header("content-length"), &got.body[..]), (200, "4", ""));
    }
}
