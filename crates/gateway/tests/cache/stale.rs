//! Stale answers: while they are being revalidated, and when the service fails (RFC 5861, RFC 9111 §4.2.4).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tradewind_gateway::cache::OnFailure;

use crate::world::{Reply, World};

#[derive(Debug, Clone, Copy)]
enum Failure {
    Status(u16),
    NoAnswer,
}

/// Stores an answer with these directives, and asks again after it has become stale and the service fails.
async fn survives(
    directives: &'static str,
    on_failure: OnFailure,
    request: &str,
    after_s: u64,
    failure: Failure,
) -> bool {
    let mut world = World::new(move |seen| match (seen.number, failure) {
        (0, _) => Reply::ok("body", &[("cache-control", directives), ("etag", "\"a\"")]),
        (_, Failure::Status(status)) => Reply::status(status, "failure", &[]),
        (_, Failure::NoAnswer) => Reply::none(),
    })
    .await;
    world.policy.on_failure = on_failure;
    world.get(&[]).await;
    world.later(after_s);
    let headers = [("cache-control", request)];
    let Ok(got) = world.try_ask("GET", "/", if request.is_empty() { &[] } else { &headers }).await else {
        return false;
    };
    assert!(world.asked() > 1);
    let survived = got.body == "body";
    assert_eq!(got.status == 200, survived);
    if survived {
        assert!(got.did().contains("fwd=stale") && got.did().contains("detail=stale-if-error"), "{}", got.did());
        assert_eq!(got.reused.unwrap().stale_for, Some(Duration::from_secs(after_s - 10)));
        assert_eq!(got.header("age"), after_s.to_string());
    }
    survived
}

#[tokio::test]
async fn a_failure_is_bridged_for_as_long_as_the_answer_or_the_route_allows() {
    let none = OnFailure::Error;
    let route = OnFailure::Stale(Duration::from_secs(60));
    let cases = [
        ("max-age=10", none, "", 11, false),
        ("max-age=10, stale-if-error=60", none, "", 11, true),
        ("max-age=10, stale-if-error=60", none, "", 70, true),
        ("max-age=10, stale-if-error=60", none, "", 71, false),
        ("max-age=10, stale-if-error=a", none, "", 11, false),
        ("max-age=10", none, "stale-if-error=60", 70, true),
        ("max-age=10", none, "stale-if-error=60", 71, false),
        ("max-age=10", route, "", 70, true),
        ("max-age=10", route, "", 71, false),
        ("max-age=10, stale-if-error=100", route, "", 110, true),
        ("max-age=10, must-revalidate", route, "", 11, false),
        ("max-age=10, must-revalidate, stale-if-error=60", none, "", 11, false),
        ("max-age=10, proxy-revalidate", route, "", 11, false),
        ("s-maxage=10", route, "", 11, false),
        ("s-maxage=10, stale-if-error=60", none, "", 11, true),
    ];
    for (directives, on_failure, request, after_s, survived) in cases {
        for failure in [Failure::Status(503), Failure::NoAnswer] {
            let did = survives(directives, on_failure, request, after_s, failure).await;
            assert_eq!(did, survived, "{directives} {on_failure:?} {request:?} {after_s} {failure:?}");
        }
    }
}

#[tokio::test]
async fn only_what_says_that_the_service_has_failed_is_a_failure() {
    let stale = "max-age=10, stale-if-error=60";
    for (status, survived) in
        [(500, true), (502, true), (503, true), (504, true), (501, false), (404, false), (410, false), (429, false)]
    {
        let did = survives(stale, OnFailure::Error, "", 20, Failure::Status(status)).await;
        assert_eq!(did, survived, "{status}");
    }
}

#[tokio::test]
async fn no_cache_is_never_served_unasked() {
    let mut world = World::new(|seen| match seen.number {
        0 => Reply::ok("body", &[("cache-control", "no-cache, stale-if-error=60"), ("etag", "\"a\"")]),
        _ => Reply::none(),
    })
    .await;
    world.policy.on_failure = OnFailure::Stale(Duration::from_secs(60));
    world.get(&[]).await;
    assert!(world.try_ask("GET", "/", &[]).await.is_err());
}

#[tokio::test]
async fn while_the_service_is_down_all_get_the_stale_answer_and_then_the_new_one() {
    let mut world = World::new(|seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=10")]),
        1..=50 => Reply::none(),
        _ => Reply::ok("new", &[("cache-control", "max-age=10")]),
    })
    .await;
    world.policy.on_failure = OnFailure::Stale(Duration::from_secs(600));
    world.get(&[]).await;
    world.later(20);
    let mut old = 0;
    while world.asked() <= 50 {
        let got = world.get(&[]).await;
        assert_eq!(got.status, 200);
        old += usize::from(got.body == "old");
    }
    assert!(old > 10);
    assert_eq!(world.get(&[]).await.body, "new");
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn what_is_being_revalidated_is_served_meanwhile() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| {
        let headers = [("cache-control", "max-age=10, stale-while-revalidate=60")];
        match seen.number {
            0 => Reply::ok("0", &headers),
            number => Reply::ok(&number.to_string(), &headers).behind(&closed),
        }
    })
    .await;
    world.get(&[]).await;
    world.later(20);
    for _ in 0..5 {
        let got = world.get(&[]).await;
        assert_eq!((&got.body[..], got.is_hit()), ("0", true));
        assert!(got.did().contains("ttl=-10"), "{}", got.did());
    }
    world.until_asked(2).await;
    assert_eq!(world.get(&[]).await.body, "0");
    gate.add_permits(1);
    let world = Arc::new(world);
    for _ in 0..1000 {
        if world.get(&[]).await.body == "1" {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let got = world.get(&[]).await;
    assert_eq!((&got.body[..], got.is_hit(), got.header("age")), ("1", true, "0"));
    assert_eq!(world.asked(), 2, "one revalidation is enough");
}

#[tokio::test]
async fn it_is_served_no_longer_than_that() {
    for (directives, route_s, after_s, hit) in [
        ("max-age=10, stale-while-revalidate=60", None, 70, true),
        ("max-age=10, stale-while-revalidate=60", None, 71, false),
        ("max-age=10", None, 11, false),
        ("max-age=10", Some(60), 70, true),
        ("max-age=10", Some(60), 71, false),
        ("max-age=10, stale-while-revalidate=0", Some(60), 11, false),
        ("max-age=10, must-revalidate", Some(60), 11, false),
        ("max-age=10, must-revalidate, stale-while-revalidate=60", None, 11, false),
        ("max-age=10, proxy-revalidate", Some(60), 11, false),
        ("s-maxage=10", Some(60), 11, false),
        ("s-maxage=10, stale-while-revalidate=60", None, 11, true),
    ] {
        let mut world = World::answering(&[("cache-control", directives)]).await;
        world.policy.stale_while_revalidate = route_s.map(Duration::from_secs);
        world.get(&[]).await;
        world.later(after_s);
        assert_eq!(world.get(&[]).await.is_hit(), hit, "{directives} {route_s:?} {after_s}");
    }
}

#[tokio::test]
async fn a_revalidation_that_fails_leaves_what_is_there() {
    let world = World::new(|seen| match seen.number {
        0 => Reply::ok("body", &[("cache-control", "max-age=10, stale-while-revalidate=60")]),
        _ => Reply::none(),
    })
    .await;
    world.get(&[]).await;
    world.later(20);
    for _ in 0..5 {
        let got = world.get(&[]).await;
        assert_eq!((&got.body[..], got.is_hit()), ("body", true));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn who_asks_may_want_it_less_stale_than_others_allow() {
    for (directives, request, after_s, hit) in [
        ("max-age=10, stale-while-revalidate=600", "", 70, true),
        ("max-age=10, stale-while-revalidate=600", "", 71, false),
        ("max-age=10", "max-stale", 70, true),
        ("max-age=10", "max-stale", 71, false),
    ] {
        let headers = [("cache-control", directives), ("etag", "\"a\"")];
        let mut world = World::answering(&headers).await;
        world.stale_max = Some(Duration::from_secs(60));
        world.get(&[]).await;
        world.later(after_s);
        let headers = [("cache-control", request)];
        let got = world.get(if request.is_empty() { &[] } else { &headers }).await;
        assert_eq!((got.status, got.is_hit()), (200, hit), "{directives} {request:?} {after_s}: {}", got.did());
        if !hit {
            assert!(got.did().contains("fwd=stale"), "{}", got.did());
            assert_eq!(world.seen()[1].header("if-none-match"), "\"a\"", "what is stored is asked about");
        }
    }
}

#[tokio::test]
async fn what_is_staler_than_who_asks_takes_does_not_stand_in() {
    for (directives, request, after_s, survives) in [
        ("max-age=10, stale-if-error=600", "", 70, true),
        ("max-age=10, stale-if-error=600", "", 71, false),
        ("max-age=10", "stale-if-error=600", 71, false),
    ] {
        let mut world = World::new(move |seen| match seen.number {
            0 => Reply::ok("body", &[("cache-control", directives)]),
            _ => Reply::none(),
        })
        .await;
        world.stale_max = Some(Duration::from_secs(60));
        world.get(&[]).await;
        world.later(after_s);
        let headers = [("cache-control", request)];
        let got = world.try_ask("GET", "/", if request.is_empty() { &[] } else { &headers }).await;
        assert_eq!(got.is_ok(), survives, "{directives} {request:?} {after_s}");
    }
}

#[tokio::test]
async fn a_client_may_take_what_is_stale() {
    for (directives, wanted, after_s, hit) in [
        ("max-age=10", "max-stale", 1000, true),
        ("max-age=10", "max-stale=10", 20, true),
        ("max-age=10", "max-stale=10", 21, false),
        ("max-age=10", "max-stale=a", 11, false),
        ("max-age=10", "max-stale, max-age=5", 11, false),
        ("max-age=10, must-revalidate", "max-stale", 11, false),
        ("max-age=10, proxy-revalidate", "max-stale", 11, false),
        ("s-maxage=10", "max-stale", 11, false),
        ("no-cache", "max-stale", 0, false),
    ] {
        let world = World::answering(&[("cache-control", directives), ("etag", "\"a\"")]).await;
        world.get(&[]).await;
        world.later(after_s);
        assert_eq!(world.get(&[("cache-control", wanted)]).await.is_hit(), hit, "{directives} {wanted} {after_s}");
    }
}

#[tokio::test]
async fn a_service_that_fails_when_it_is_asked_for_another_version_has_failed() {
    for fails in [Reply::status(503, "", &[]), Reply::none()] {
        let mut world = World::new(move |seen| match seen.number {
            0 => Reply::ok("old", &[("cache-control", "max-age=10"), ("etag", "\"a\"")]),
            1 => Reply::status(304, "", &[("etag", "\"b\"")]),
            _ => fails.clone(),
        })
        .await;
        world.policy.on_failure = OnFailure::Stale(Duration::from_secs(60));
        world.get(&[]).await;
        world.later(20);
        let got = world.get(&[]).await;
        assert_eq!((got.status, &got.body[..], world.asked()), (200, "old", 3));
        assert!(got.did().contains("detail=stale-if-error"), "{}", got.did());
    }
}

#[tokio::test]
async fn a_refusal_is_not_stored_for_what_a_route_allows_to_be_stale() {
    let bound = Duration::from_secs(60);
    for status in [302, 401, 403, 404, 406, 409] {
        for (on_failure, while_asked) in [(OnFailure::Stale(bound), None), (OnFailure::Error, Some(bound))] {
            let mut world = World::new(move |seen| match seen.number {
                0 => Reply::status(status, "who are you?", &[]),
                _ => Reply::ok("the page", &[]),
            })
            .await;
            (world.policy.on_failure, world.policy.stale_while_revalidate) = (on_failure, while_asked);
            world.get(&[]).await;
            let next = world.get(&[("authorization", "Bearer a")]).await;
            assert_eq!((next.status, &next.body[..]), (200, "the page"), "{status} {on_failure:?}: {}", next.did());
        }
    }
}

#[tokio::test]
async fn what_another_was_refused_does_not_take_the_place_of_what_stands_in() {
    for status in [302, 401, 403, 404] {
        let mut world = World::new(move |seen| match seen.number {
            0 => Reply::ok("good", &[("vary", "tradewind-as-of")]),
            1 => Reply::status(status, "refused", &[]),
            _ => Reply::none(),
        })
        .await;
        world.policy.fresh_for = Some(Duration::from_secs(10));
        world.policy.on_failure = OnFailure::Stale(Duration::from_secs(60));
        world.get(&[]).await;
        world.later(20);
        assert_eq!(world.get(&[("tradewind-as-of", "1990")]).await.status, status);
        let got = world.get(&[]).await;
        assert_eq!((got.status, &got.body[..]), (200, "good"), "{status}: {}", got.did());
    }
}
