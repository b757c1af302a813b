//! How long an answer is fresh, by all that it may say (RFC 9111 §4.2, §5.2.2, §5.3), and what makes it so.

use crate::Headers;
use crate::world::{Reply, World, date};

/// Asks, moves the clock on, and asks again: whether the second came from the cache.
async fn is_reused(answer: Headers<'_>, after_s: u64) -> bool {
    let world = World::answering(answer).await;
    world.get(&[]).await;
    world.later(after_s);
    let second = world.get(&[]).await;
    assert_eq!((second.status, &second.body[..]), (200, "body"));
    assert_eq!(second.is_hit(), world.asked() == 1, "{}", second.did());
    second.is_hit()
}

#[tokio::test]
async fn an_answer_is_reused_while_it_says_that_it_is_fresh() {
    let huge = "99999999999999999999";
    let cases: &[(&str, u64, bool)] = &[
        ("max-age=10", 0, true),
        ("max-age=10", 9, true),
        ("max-age=10", 10, false),
        ("max-age=10", 11, false),
        ("max-age=0", 0, false),
        ("max-age=3600", 3599, true),
        ("MAX-AGE=10", 9, true),
        ("max-age=10, extension", 9, true),
        ("extension, max-age=10", 9, true),
        ("extension=\"a, max-age=0\", max-age=10", 9, true),
        ("extension=\"max-age=10\"", 0, false),
        ("extension=\"\\\", max-age=10\"", 0, false),
        ("max-age=\"10\"", 9, true),
        ("max-age='10'", 0, false),
        ("max-age=a10", 0, false),
        ("max-age=10a", 0, false),
        ("max-age=10.0", 0, false),
        ("max-age=-10", 0, false),
        ("max-age=", 0, false),
        ("max-age", 0, false),
        ("max-age=2147483648", 3600, true),
        ("max-age=10, max-age=20", 15, false),
        ("max-age=20, max-age=10", 15, false),
        ("s-maxage=10", 9, true),
        ("s-maxage=10", 10, false),
        ("max-age=0, s-maxage=10", 9, true),
        ("max-age=10, s-maxage=0", 0, false),
        ("max-age=10, s-maxage=a", 0, false),
        ("max-age=10, must-revalidate", 9, true),
        ("max-age=10, proxy-revalidate", 9, true),
        ("max-age=10, no-cache", 0, false),
        ("max-age=10, no-cache=\"x-header\"", 0, false),
        ("public", 0, false),
    ];
    for (directives, after_s, reused) in cases {
        assert_eq!(is_reused(&[("cache-control", directives)], *after_s).await, *reused, "{directives} {after_s}");
    }
    assert!(is_reused(&[("cache-control", &format!("max-age={huge}"))], 86_400).await);
}

#[tokio::test]
async fn directives_may_stand_on_several_lines() {
    assert!(is_reused(&[("cache-control", "a, b"), ("cache-control", "max-age=10")], 9).await);
    assert!(!is_reused(&[("cache-control", "max-age=10"), ("cache-control", "no-store")], 0).await);
}

#[tokio::test]
async fn expires_counts_from_the_answers_own_date_and_only_without_max_age() {
    let (now, soon, past) = (date(0), date(10), date(-10));
    assert!(is_reused(&[("date", &now), ("expires", &soon)], 9).await);
    assert!(!is_reused(&[("date", &now), ("expires", &soon)], 10).await);
    assert!(is_reused(&[("expires", &soon)], 9).await, "without a date, from when it came");
    assert!(!is_reused(&[("date", &now), ("expires", &now)], 0).await);
    assert!(!is_reused(&[("date", &now), ("expires", &past)], 0).await);
    assert!(is_reused(&[("date", &now), ("expires", &past), ("cache-control", "max-age=10")], 9).await);
    assert!(!is_reused(&[("date", &now), ("expires", &soon), ("cache-control", "max-age=0")], 0).await);
    assert!(is_reused(&[("date", &now), ("expires", &past), ("cache-control", "s-maxage=10")], 9).await);
}

#[tokio::test]
async fn expires_counts_from_a_clock_that_may_be_slow_or_fast_and_age_is_not_forgotten() {
    let [slow, fast, soon, later, far] = [date(-10), date(10), date(10), date(20), date(400)];
    assert!(!is_reused(&[("date", &slow), ("expires", &soon), ("age", "25")], 0).await, "older than it lives");
    assert!(is_reused(&[("date", &slow), ("expires", &soon), ("age", "15")], 4).await);
    assert!(!is_reused(&[("date", &slow), ("expires", &soon), ("age", "15")], 5).await);
    assert!(!is_reused(&[("date", &fast), ("expires", &later), ("age", "15")], 0).await);
    assert!(is_reused(&[("date", &fast), ("expires", &later), ("age", "5")], 4).await);
    assert!(!is_reused(&[("date", &far), ("expires", &date(300))], 0).await, "before its own date");
}

#[tokio::test]
async fn a_pragma_of_an_answer_says_nothing() {
    let (now, changed) = (date(0), date(-1000));
    let explicit: Headers<'_> = &[("cache-control", "max-age=10")];
    let guessed: Headers<'_> = &[("date", &now), ("last-modified", &changed)];
    for (answer, pragma) in [(explicit, "no-cache"), (guessed, "no-cache"), (explicit, "unrecognised-extension")] {
        assert!(is_reused(&[answer, &[("pragma", pragma)]].concat(), 9).await, "{answer:?} {pragma}");
    }
    assert!(!is_reused(&[("pragma", "no-cache")], 0).await);
    let world = World::answering(explicit).await;
    world.get(&[]).await;
    assert!(world.get(&[("pragma", "unrecognised-extension")]).await.is_hit());
}

#[tokio::test]
async fn what_is_no_date_lies_in_the_past() {
    for wrong in ["0", "-1", "soon", "", "Thu, 32 Nov 2023 22:13:20 GMT", "2033-11-14T22:13:20Z"] {
        assert!(!is_reused(&[("expires", wrong)], 0).await, "{wrong}");
    }
    assert!(is_reused(&[("expires", "Thu, 18 Aug 2050 02:01:18 GMT")], 60).await);
    for nearly in [
        "Thu, 18 Aug 2050 02:01:18 UTC",
        "Thu, 18 Aug 2050 02:01:18 AEST",
        "Thu, 18 Aug 50 02:01:18 GMT",
        "Thu 18 Aug 2050 02:01:18 GMT",
        "Thu, 18  Aug  2050 02:01:18 GMT",
        "Thu, 18-Aug-2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02.01.18 GMT",
        "Thu, 18 Aug 2050 2:01:18 GMT",
        // Case counts, though it need not.
        "THU, 18 Aug 2050 02:01:18 GMT",
        "Thu, 18 AUG 2050 02:01:18 GMT",
        "Thu, 18 Aug 2050 02:01:18 gMT",
    ] {
        assert!(!is_reused(&[("expires", nearly)], 0).await, "{nearly}");
    }
    let far = [("expires", "Tue, 14 Nov 2033 22:13:20 GMT"), ("expires", "Tue, 14 Nov 2034 22:13:20 GMT")];
    assert!(!is_reused(&far, 0).await, "two of them say nothing");
    for old in ["Tuesday, 14-Nov-34 22:13:20 GMT", "Tue Nov 14 22:13:20 2034"] {
        assert!(is_reused(&[("expires", old)], 60).await, "{old}");
    }
}

#[tokio::test]
async fn an_answer_is_as_old_as_it_says_or_as_its_date() {
    let old = date(-8);
    let fresh = ("cache-control", "max-age=10");
    let cases: &[(Headers<'_>, u64, bool)] = &[
        (&[fresh, ("age", "8")], 1, true),
        (&[fresh, ("age", "8")], 2, false),
        (&[fresh, ("age", "10")], 0, false),
        (&[fresh, ("age", "99999999999999999999")], 0, false),
        (&[fresh, ("age", "-8")], 9, true),
        (&[fresh, ("age", "8, 0")], 2, false),
        (&[fresh, ("age", "eight")], 9, true),
        (&[fresh, ("date", &old)], 1, true),
        (&[fresh, ("date", &old)], 2, false),
        (&[fresh, ("date", &old), ("age", "3")], 2, false),
    ];
    for (answer, after_s, reused) in cases {
        assert_eq!(is_reused(answer, *after_s).await, *reused, "{answer:?} {after_s}");
    }
}

#[tokio::test]
async fn the_time_that_an_answer_takes_makes_it_older() {
    let clock: std::sync::Arc<std::sync::OnceLock<std::sync::Arc<tradewind_events::ManualClock>>> = Default::default();
    let told = std::sync::Arc::clone(&clock);
    let world = World::new(move |seen| {
        if seen.number == 0 {
            told.get().unwrap().advance(std::time::Duration::from_secs(6));
        }
        Reply::ok("body", &[("cache-control", "max-age=10")])
    })
    .await;
    let _ = clock.set(std::sync::Arc::clone(&world.clock));
    world.get(&[]).await;
    let hit = world.get(&[]).await;
    assert_eq!((hit.is_hit(), hit.header("age")), (true, "6"));
    world.later(4);
    assert!(!world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn age_is_told_and_grows() {
    let world = World::answering(&[("cache-control", "max-age=100"), ("age", "7")]).await;
    assert_eq!(world.get(&[]).await.header("age"), "7", "the service's own is passed on");
    world.later(30);
    let hit = world.get(&[]).await;
    assert_eq!(hit.header("age"), "37");
    assert_eq!(hit.headers.get_all("age").iter().count(), 1);
    assert!(hit.did().contains("ttl=63"), "{}", hit.did());
    assert_eq!(hit.header("date"), date(0), "an answer without a date gets that of its arrival");
}

#[tokio::test]
async fn without_a_word_about_it_a_tenth_of_the_time_since_the_last_change() {
    let (now, changed) = (date(0), date(-1000));
    let answer: Headers<'_> = &[("date", &now), ("last-modified", &changed)];
    assert!(is_reused(answer, 99).await);
    assert!(!is_reused(answer, 100).await);
    assert!(!is_reused(&[("date", &now)], 0).await, "nothing to guess from");
    let long_ago = date(-400 * 24 * 3600);
    let answer: Headers<'_> = &[("date", &now), ("last-modified", &long_ago)];
    assert!(is_reused(answer, 86_399).await);
    assert!(!is_reused(answer, 86_400).await, "a guess is a day at most");
}

#[tokio::test]
async fn only_some_statuses_may_be_guessed_at_and_others_must_say() {
    let changed = date(-1000);
    for (status, guessed, explicit) in [
        (200, true, true),
        (203, true, true),
        (204, true, true),
        (300, true, true),
        (301, true, true),
        (308, true, true),
        (404, true, true),
        (405, true, true),
        (410, true, true),
        (414, true, true),
        (501, true, true),
        (201, false, true),
        (202, false, true),
        (302, false, true),
        (307, false, true),
        (400, false, false),
        (403, false, true),
        (500, false, true),
        (502, false, true),
        (503, false, true),
        (504, false, true),
        (206, false, false),
        (299, false, false),
        (499, false, false),
        (599, false, false),
    ] {
        for (headers, reused) in
            [([("last-modified", &changed[..])], guessed), ([("cache-control", "max-age=60")], explicit)]
        {
            let reply = Reply::status(status, "", &headers);
            let world = World::new(move |_| reply.clone()).await;
            world.get(&[]).await;
            let second = world.get(&[]).await;
            assert_eq!((second.status, second.is_hit()), (status, reused), "{headers:?} {}", second.did());
        }
    }
}

#[tokio::test]
async fn a_status_that_is_not_known_is_not_guessed_at_either_where_an_answer_is_public() {
    let changed = date(-1000);
    for (status, reused) in [(200, true), (403, true), (299, false), (599, false)] {
        let reply = Reply::status(status, "", &[("cache-control", "public"), ("last-modified", &changed)]);
        let world = World::new(move |_| reply.clone()).await;
        world.get(&[]).await;
        assert_eq!(world.get(&[]).await.is_hit(), reused, "{status}");
    }
}

#[tokio::test]
async fn a_routes_own_time_counts_only_for_what_says_nothing() {
    let cases: &[(u16, Headers<'_>, u64, bool)] = &[
        (200, &[], 29, true),
        (200, &[], 30, false),
        (200, &[("cache-control", "max-age=10")], 10, false),
        (200, &[("cache-control", "no-store")], 0, false),
        (404, &[], 0, false),
        (500, &[], 0, false),
    ];
    for (status, headers, after_s, reused) in cases {
        let reply = Reply::status(*status, "", headers);
        let mut world = World::new(move |_| reply.clone()).await;
        world.policy.fresh_for = Some(std::time::Duration::from_secs(30));
        world.get(&[]).await;
        world.later(*after_s);
        assert_eq!(world.get(&[]).await.is_hit(), *reused, "{status} {headers:?} {after_s}");
    }
}

#[tokio::test]
async fn a_client_may_want_it_fresher_or_only_from_the_cache() {
    let world = World::answering(&[("cache-control", "max-age=100")]).await;
    let only = world.try_ask("GET", "/", &[("cache-control", "only-if-cached")]).await;
    assert!(matches!(only, Err(tradewind_gateway::cache::Unanswered::OnlyIfCached)));
    assert_eq!(world.asked(), 0);
    world.get(&[]).await;
    world.later(50);
    for (wanted, hit) in [
        ("only-if-cached", true),
        ("max-age=50", true),
        ("min-fresh=50", true),
        ("max-age=1000", true),
        ("max-stale", true),
        ("extension", true),
    ] {
        assert_eq!(world.get(&[("cache-control", wanted)]).await.is_hit(), hit, "{wanted}");
    }
    for wanted in [("cache-control", "no-cache"), ("pragma", "no-cache")] {
        world.later(50);
        let asked = world.asked();
        assert!(!world.get(&[wanted]).await.is_hit(), "{wanted:?}");
        assert_eq!(world.asked(), asked + 1);
    }
}

#[tokio::test]
async fn what_a_client_does_not_want_to_be_stored_is_not() {
    let world = World::answering(&[("cache-control", "max-age=100")]).await;
    for _ in 0..2 {
        let got = world.get(&[("cache-control", "no-store")]).await;
        assert!(got.did().contains("detail=request-no-store"), "{}", got.did());
    }
    assert_eq!((world.asked(), world.cache.targets()), (2, 0));
    world.get(&[]).await;
    assert!(world.get(&[("cache-control", "no-store")]).await.is_hit(), "what is there may answer it");
}

#[tokio::test]
async fn a_client_that_wants_it_younger_has_it_fetched_anew_for_all() {
    for wanted in ["max-age=49", "max-age=0", "min-fresh=51", "no-cache"] {
        let world = World::answering(&[("cache-control", "max-age=100")]).await;
        world.get(&[]).await;
        world.later(50);
        assert!(world.get(&[("cache-control", wanted)]).await.did().contains("fwd=request"), "{wanted}");
        let next = world.get(&[]).await;
        assert_eq!((next.is_hit(), next.header("age")), (true, "0"), "{wanted}");
    }
}

#[tokio::test]
async fn a_route_may_not_heed_what_clients_want() {
    let mut world = World::answering(&[("cache-control", "max-age=100")]).await;
    world.policy.heeds_clients = false;
    world.get(&[]).await;
    for wanted in ["no-cache", "max-age=0", "no-store", "min-fresh=1000"] {
        assert!(world.get(&[("cache-control", wanted)]).await.is_hit(), "{wanted}");
    }
}
