//! Clients that have an answer already, and are told by the cache that it is still so (RFC 9110 §13).

use crate::Headers;
use crate::world::{Reply, World, date};

#[tokio::test]
async fn whoever_has_it_already_gets_a_304_from_the_cache() {
    let (before, changed, after) = (date(-1001), date(-1000), date(-999));
    let tagged: Headers<'_> = &[("etag", "\"a\"")];
    let weak: Headers<'_> = &[("etag", "W/\"a\"")];
    let dated: Headers<'_> = &[("last-modified", &changed)];
    let both: Headers<'_> = &[("etag", "\"a\""), ("last-modified", &changed)];
    let cases: &[(Headers<'_>, Headers<'_>, u16)] = &[
        (tagged, &[("if-none-match", "\"a\"")], 304),
        (tagged, &[("if-none-match", "W/\"a\"")], 304),
        (weak, &[("if-none-match", "\"a\"")], 304),
        (tagged, &[("if-none-match", "\"b\"")], 200),
        (tagged, &[("if-none-match", "\"b\", \"a\"")], 304),
        (tagged, &[("if-none-match", "\"b\""), ("if-none-match", "\"a\"")], 304),
        (tagged, &[("if-none-match", "\"b,\"a\"")], 200),
        (tagged, &[("if-none-match", "a")], 200),
        (tagged, &[("if-none-match", "*")], 304),
        (dated, &[("if-none-match", "\"a\"")], 200),
        (dated, &[("if-modified-since", &changed)], 304),
        (dated, &[("if-modified-since", &after)], 304),
        (dated, &[("if-modified-since", &before)], 200),
        (dated, &[("if-modified-since", "yesterday")], 200),
        (both, &[("if-none-match", "\"b\""), ("if-modified-since", &changed)], 200),
        (both, &[("if-none-match", "\"a\""), ("if-modified-since", &before)], 304),
    ];
    for (answer, request, status) in cases {
        let mut answer = answer.to_vec();
        answer.extend([("cache-control", "max-age=60"), ("content-type", "text/plain"), ("x-one", "1")]);
        let world = World::answering(&answer).await;
        world.get(&[]).await;
        let got = world.get(request).await;
        assert_eq!((got.status, got.is_hit(), world.asked()), (*status, true, 1), "{answer:?} {request:?}");
        assert_eq!(&got.body[..], if *status == 304 { "" } else { "body" });
        assert_eq!(got.header("content-length"), if *status == 304 { "" } else { "4" });
        assert_eq!((got.header("age"), got.header("x-one")), ("0", "1"));
        assert_eq!(got.header("content-type").is_empty(), *status == 304);
        let tag = answer.iter().find(|(name, _)| *name == "etag").map_or("", |(_, tag)| tag);
        assert_eq!(got.header("etag"), tag, "it is told in any case");
    }
}

#[tokio::test]
async fn without_a_modification_date_the_answers_own_date_counts() {
    let now = date(0);
    let world = World::answering(&[("cache-control", "max-age=60"), ("date", &now)]).await;
    world.get(&[]).await;
    assert_eq!(world.get(&[("if-modified-since", &now)]).await.status, 304);
    assert_eq!(world.get(&[("if-modified-since", &date(-1))]).await.status, 200);
}

#[tokio::test]
async fn a_conditional_request_for_what_is_not_stored_fetches_it_for_all() {
    let world = World::answering(&[("cache-control", "max-age=60"), ("etag", "\"a\"")]).await;
    let got = world.get(&[("if-none-match", "\"a\"")]).await;
    assert_eq!((got.status, got.is_hit(), &got.body[..]), (304, false, ""));
    assert_eq!(world.seen()[0].header("if-none-match"), "", "the cache asks for the whole answer");
    world.until(|world| world.cache.targets() == 1).await;
    let whole = world.get(&[]).await;
    assert_eq!((whole.status, &whole.body[..], whole.is_hit()), (200, "body", true));
}

#[tokio::test]
async fn what_is_not_stored_is_the_services_to_compare() {
    let world = World::new(|seen| {
        let headers: Headers<'_> = &[("cache-control", "private"), ("etag", "\"a\"")];
        let knows = seen.header("if-none-match") == "\"a\"";
        if knows { Reply::status(304, "", headers) } else { Reply::ok("body", headers) }
    })
    .await;
    world.get(&[]).await;
    let got = world.get(&[("if-none-match", "\"a\"")]).await;
    assert_eq!((got.status, world.seen()[1].header("if-none-match")), (304, "\"a\""));
}

#[tokio::test]
async fn a_condition_for_the_service_goes_there() {
    for condition in [("if-match", "\"b\""), ("if-unmodified-since", "Tue, 14 Nov 2023 22:13:20 GMT")] {
        let world = World::new(|seen| {
            let fails = seen.number > 0;
            Reply::status(if fails { 412 } else { 200 }, "", &[("cache-control", "max-age=60"), ("etag", "\"a\"")])
        })
        .await;
        world.get(&[]).await;
        let got = world.get(&[condition]).await;
        assert_eq!((got.status, world.asked()), (412, 2));
        assert!(world.get(&[]).await.is_hit(), "and what is stored stays");
    }
}

#[tokio::test]
async fn only_an_answer_with_content_is_compared() {
    let reply = Reply::status(404, "none", &[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
    let world = World::new(move |_| reply.clone()).await;
    world.get(&[]).await;
    let got = world.get(&[("if-none-match", "\"a\"")]).await;
    assert_eq!((got.status, &got.body[..], got.is_hit()), (404, "none", true));
}
