//! Ranges: parts of what is stored whole, and nothing that is not (RFC 9110 §14).

use crate::Headers;
use crate::world::{Reply, World, date};

const TEN: &str = "0123456789";

async fn stored(headers: Headers<'_>) -> World {
    let mut all = vec![("cache-control", "max-age=60"), ("etag", "\"a\"")];
    all.extend(headers);
    let reply = Reply::ok(TEN, &all);
    let world = World::new(move |_| reply.clone()).await;
    world.get(&[]).await;
    world
}

#[tokio::test]
async fn any_part_of_what_is_stored_whole_is_answered_from_there() {
    let world = stored(&[]).await;
    let cases = [
        ("bytes=0-3", 206, "0123", "bytes 0-3/10"),
        ("bytes=4-4", 206, "4", "bytes 4-4/10"),
        ("bytes=5-", 206, "56789", "bytes 5-9/10"),
        ("bytes=5-100", 206, "56789", "bytes 5-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=-100", 206, TEN, "bytes 0-9/10"),
        ("bytes=9-99999999999999999999999", 206, "9", "bytes 9-9/10"),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=99999999999999999999999-", 416, "", "bytes */10"),
        ("bytes=-0", 416, "", "bytes */10"),
        ("bytes=3-2", 200, TEN, ""),
        ("bytes=-", 200, TEN, ""),
        ("bytes=a-b", 200, TEN, ""),
        ("bytes=+1-2", 200, TEN, ""),
        ("bytes", 200, TEN, ""),
        ("pages=1-2", 200, TEN, ""),
        ("bytes=0-1,3-4", 200, TEN, ""),
    ];
    for (range, status, body, told) in cases {
        let got = world.get(&[("range", range)]).await;
        assert_eq!((got.status, &got.body[..], got.header("content-range")), (status, body, told), "{range}");
        assert_eq!((got.header("content-length"), got.is_hit()), (&body.len().to_string()[..], true), "{range}");
    }
    assert_eq!(world.asked(), 1);
}

#[tokio::test]
async fn a_part_is_of_the_version_that_the_client_has_or_it_gets_all() {
    let (long_ago, now) = (date(-1000), date(0));
    let dated: Headers<'_> = &[("last-modified", &long_ago), ("date", &now)];
    let cases: &[(Headers<'_>, &str, u16)] = &[
        (&[], "\"a\"", 206),
        (&[], "\"b\"", 200),
        (&[], "W/\"a\"", 200),
        (dated, &long_ago, 206),
        (dated, &now, 200),
        (&[("last-modified", &now), ("date", &now)], &now, 200),
    ];
    for (headers, version, status) in cases {
        let world = stored(headers).await;
        let got = world.get(&[("range", "bytes=0-3"), ("if-range", version)]).await;
        assert_eq!((got.status, got.is_hit()), (*status, true), "{headers:?} {version}");
    }
    let world = World::new(|_| Reply::ok(TEN, &[("cache-control", "max-age=60"), ("etag", "W/\"a\"")])).await;
    world.get(&[]).await;
    assert_eq!(world.get(&[("range", "bytes=0-3"), ("if-range", "W/\"a\"")]).await.status, 200);
}

#[tokio::test]
async fn a_part_of_what_is_not_stored_is_the_services_to_answer_and_not_stored() {
    let world = World::new(|seen| match seen.header("range") {
        "" => Reply::ok(TEN, &[("cache-control", "max-age=60")]),
        _ => Reply::status(206, "0123", &[("cache-control", "max-age=60"), ("content-range", "bytes 0-3/10")]),
    })
    .await;
    for _ in 0..2 {
        let got = world.get(&[("range", "bytes=0-3")]).await;
        assert_eq!((got.status, &got.body[..], got.is_hit()), (206, "0123", false));
        assert!(got.did().contains("detail=range"), "{}", got.did());
    }
    assert_eq!(world.seen()[1].header("range"), "bytes=0-3");
    let whole = world.get(&[]).await;
    assert_eq!((whole.status, &whole.body[..], whole.is_hit()), (200, TEN, false), "parts do not stand for the whole");
    assert!(world.get(&[("range", "bytes=0-3")]).await.is_hit());
}

#[tokio::test]
async fn an_incomplete_answer_that_nobody_wanted_is_not_stored_either() {
    let part = Reply::status(206, "0123", &[("cache-control", "max-age=60"), ("content-range", "bytes 0-3/10")]);
    let lying = Reply::ok("0123", &[("cache-control", "max-age=60"), ("content-range", "bytes 0-3/10")]);
    for reply in [part, lying] {
        let world = World::new(move |_| reply.clone()).await;
        world.get(&[]).await;
        assert!(!world.get(&[]).await.is_hit());
    }
}

#[tokio::test]
async fn a_stale_answer_is_validated_whole_and_then_cut() {
    let world = World::new(|seen| {
        let headers: Headers<'_> = &[("cache-control", "max-age=60"), ("etag", "\"a\"")];
        if seen.number == 0 { Reply::ok(TEN, headers) } else { Reply::status(304, "", headers) }
    })
    .await;
    world.get(&[]).await;
    world.later(100);
    let got = world.get(&[("range", "bytes=0-3")]).await;
    assert_eq!((got.status, &got.body[..]), (206, "0123"));
    assert_eq!(world.seen()[1].header("range"), "");
}

#[tokio::test]
async fn a_part_has_the_headers_of_the_whole_and_those_that_have_changed_since() {
    let first: Headers<'_> = &[
        ("cache-control", "max-age=60"),
        ("content-type", "text/plain"),
        ("etag", "\"a\""),
        ("x-kept", "1"),
        ("x-changed", "1"),
    ];
    let told: Headers<'_> = &[("cache-control", "max-age=600"), ("etag", "\"a\""), ("x-changed", "2"), ("x-new", "3")];
    let world = World::new(move |seen| match seen.number {
        0 => Reply::ok(TEN, first),
        _ => Reply::status(304, "", told),
    })
    .await;
    world.get(&[]).await;
    for (later, made, age, changed, new, directives) in
        [(7, 0, "7", "1", "", "max-age=60"), (100, 107, "0", "2", "3", "max-age=600")]
    {
        world.later(later);
        let got = world.get(&[("range", "bytes=0-3")]).await;
        assert_eq!((got.status, got.header("content-length"), got.header("content-range")), (206, "4", "bytes 0-3/10"));
        assert_eq!((got.header("content-type"), got.header("etag")), ("text/plain", "\"a\""));
        assert_eq!((got.header("x-kept"), got.header("x-changed"), got.header("x-new")), ("1", changed, new));
        assert_eq!((got.header("cache-control"), got.header("date")), (directives, &date(made)[..]));
        assert_eq!(got.header("age"), age);
    }
}

#[tokio::test]
async fn a_service_that_takes_no_ranges_answers_whole() {
    let world = stored(&[("accept-ranges", "none")]).await;
    assert_eq!(world.get(&[("range", "bytes=0-3")]).await.status, 200);
}
