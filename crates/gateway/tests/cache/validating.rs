//! Asking the service whether what is stored is still so (RFC 9111 §4.3), and what its 304 changes.

use crate::Headers;
use crate::world::{Reply, World, date};

/// An origin that answers with these headers, and with a 304 and others to whoever knows the answer.
async fn validated(first: Headers<'_>, not_modified: Headers<'_>) -> World {
    let (first, not_modified) = (Reply::ok("body", first), Reply::status(304, "", not_modified));
    World::new(move |seen| {
        let asks = seen.headers.contains_key("if-none-match") || seen.headers.contains_key("if-modified-since");
        if asks { not_modified.clone() } else { first.clone() }
    })
    .await
}

#[tokio::test]
async fn a_stale_answer_is_asked_about_by_its_validators() {
    let changed = date(-1000);
    let cases: &[(Headers<'_>, &str, &str)] = &[
        (&[("cache-control", "max-age=10"), ("etag", "\"a\"")], "\"a\"", ""),
        (&[("cache-control", "max-age=10"), ("etag", "W/\"a\"")], "W/\"a\"", ""),
        (&[("cache-control", "max-age=10"), ("last-modified", &changed)], "", &changed),
        (&[("cache-control", "max-age=10"), ("etag", "\"a\""), ("last-modified", &changed)], "\"a\"", &changed),
        (&[("cache-control", "no-cache"), ("etag", "\"a\"")], "\"a\"", ""),
    ];
    for (headers, etag, since) in cases {
        let world = validated(headers, &[]).await;
        world.get(&[]).await;
        world.later(20);
        let again = world.get(&[("if-none-match", "\"other\""), ("range", "bytes=100-")]).await;
        let asked = &world.seen()[1];
        assert_eq!((asked.header("if-none-match"), asked.header("if-modified-since")), (*etag, *since));
        assert_eq!(asked.header("range"), "", "the whole answer is asked about");
        assert!(again.did().contains("fwd=stale; fwd-status=304"), "{}", again.did());
    }
}

#[tokio::test]
async fn a_304_makes_it_fresh_again_and_changes_its_headers() {
    let first: Headers<'_> =
        &[("cache-control", "max-age=10"), ("etag", "\"a\""), ("x-kept", "1"), ("x-changed", "1"), ("age", "3")];
    let update: Headers<'_> =
        &[("cache-control", "max-age=100"), ("etag", "\"a\""), ("x-changed", "2"), ("x-changed", "3"), ("x-new", "4")];
    let world = validated(first, update).await;
    world.get(&[]).await;
    world.later(20);
    for (round, age) in [(0, 0), (1, 99)] {
        let got = world.get(&[]).await;
        assert_eq!((got.status, &got.body[..], got.is_hit()), (200, "body", round == 1));
        assert_eq!((got.header("x-kept"), got.header("x-new")), ("1", "4"));
        assert_eq!(got.headers.get_all("x-changed").iter().count(), 2);
        assert_eq!((got.header("age"), got.header("content-length")), (&age.to_string()[..], "4"));
        world.later(99);
    }
    assert_eq!(world.asked(), 2);
}

#[tokio::test]
async fn a_304_does_not_change_what_frames_the_body() {
    let world = validated(
        &[("cache-control", "max-age=10"), ("etag", "\"a\""), ("content-type", "text/plain")],
        &[("cache-control", "max-age=100"), ("content-encoding", "gzip"), ("content-type", "text/html")],
    )
    .await;
    world.get(&[]).await;
    world.later(20);
    for _ in 0..2 {
        let got = world.get(&[]).await;
        assert_eq!((got.header("content-encoding"), got.header("content-length")), ("", "4"));
        assert_eq!(got.header("content-type"), "text/html");
    }
}

#[tokio::test]
async fn a_304_about_another_version_is_not_believed() {
    let world = World::new(|seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=10"), ("etag", "\"a\"")]),
        1 => Reply::status(304, "", &[("etag", "\"b\"")]),
        _ => Reply::ok("new", &[("cache-control", "max-age=10"), ("etag", "\"b\"")]),
    })
    .await;
    world.get(&[]).await;
    world.later(20);
    assert_eq!(world.get(&[]).await.body, "new");
    assert_eq!(world.seen()[2].header("if-none-match"), "");
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn another_answer_takes_the_place_of_the_stale_one() {
    let world = World::new(|seen| {
        let body = format!("{}", seen.number);
        Reply::ok(&body, &[("cache-control", "max-age=10"), ("etag", &format!("\"{body}\""))])
    })
    .await;
    for expected in ["0", "1", "2"] {
        for hit in [false, true] {
            let got = world.get(&[]).await;
            assert_eq!((&got.body[..], got.is_hit()), (expected, hit));
        }
        world.later(10);
    }
}

#[tokio::test]
async fn a_304_that_forbids_storing_ends_what_is_stored_being_fresh() {
    let world =
        validated(&[("cache-control", "max-age=10"), ("etag", "\"a\"")], &[("cache-control", "no-store")]).await;
    world.get(&[]).await;
    world.later(20);
    for _ in 0..2 {
        let got = world.get(&[]).await;
        assert_eq!((got.status, &got.body[..], got.is_hit()), (200, "body", false));
    }
    assert_eq!(world.asked(), 3);
}

#[tokio::test]
async fn a_cookie_of_a_304_is_for_one_client_alone() {
    let world = validated(
        &[("cache-control", "max-age=10"), ("etag", "\"a\"")],
        &[("cache-control", "max-age=100"), ("set-cookie", "session=1")],
    )
    .await;
    world.get(&[]).await;
    world.later(20);
    assert_eq!(world.get(&[]).await.header("set-cookie"), "session=1");
    let hit = world.get(&[]).await;
    assert_eq!((hit.is_hit(), hit.header("set-cookie")), (true, ""));
}

#[tokio::test]
async fn without_a_validator_it_is_asked_for_as_if_it_were_not_stored() {
    let world = World::answering(&[("cache-control", "max-age=10")]).await;
    world.get(&[]).await;
    world.later(20);
    world.get(&[]).await;
    let asked = &world.seen()[1];
    assert!(!asked.headers.contains_key("if-none-match") && !asked.headers.contains_key("if-modified-since"));
}

#[tokio::test]
async fn each_variant_is_asked_about_by_its_own_validator() {
    let world = World::new(|seen| {
        if seen.headers.contains_key("if-none-match") {
            return Reply::status(304, "", &[("cache-control", "max-age=100")]);
        }
        let foo = seen.header("foo");
        Reply::ok(foo, &[("cache-control", "max-age=10"), ("vary", "foo"), ("etag", &format!("\"{foo}\""))])
    })
    .await;
    for foo in ["1", "2"] {
        world.get(&[("foo", foo)]).await;
    }
    world.later(20);
    for foo in ["1", "2"] {
        assert_eq!(world.get(&[("foo", foo)]).await.body, foo);
        assert!(world.get(&[("foo", foo)]).await.is_hit());
        assert_eq!(world.seen().last().unwrap().header("if-none-match"), format!("\"{foo}\""));
    }
}
