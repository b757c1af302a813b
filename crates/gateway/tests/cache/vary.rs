//! Answers that were chosen by headers of the request (RFC 9111 §4.1).

use crate::Headers;
use crate::world::{Reply, World};

/// Whether what answered one request is what answers another, if it names these headers.
async fn is_reused(vary: &[&str], first: Headers<'_>, second: Headers<'_>) -> bool {
    let mut headers = vec![("cache-control", "max-age=60")];
    headers.extend(vary.iter().map(|line| ("vary", *line)));
    let world = World::answering(&headers).await;
    world.get(first).await;
    let answer = world.get(second).await;
    assert_eq!(answer.is_hit(), world.asked() == 1);
    answer.is_hit()
}

#[tokio::test]
async fn what_the_named_headers_say_must_be_the_same() {
    let cases: &[(&[&str], Headers<'_>, Headers<'_>, bool)] = &[
        (&["foo"], &[("foo", "1")], &[("foo", "1")], true),
        (&["foo"], &[("foo", "1")], &[("foo", "2")], false),
        (&["foo"], &[("foo", "1")], &[], false),
        (&["foo"], &[], &[("foo", "1")], false),
        (&["foo"], &[], &[], true),
        (&["foo"], &[], &[("foo", "")], false),
        (&["FOO"], &[("foo", "1")], &[("foo", "2")], false),
        (&["foo"], &[("foo", "1"), ("other", "2")], &[("foo", "1"), ("other", "3")], true),
        (&["foo, bar"], &[("foo", "1"), ("bar", "a")], &[("foo", "1"), ("bar", "a")], true),
        (&["foo, bar"], &[("foo", "1"), ("bar", "a")], &[("foo", "1"), ("bar", "b")], false),
        (&["foo, bar"], &[("foo", "1")], &[], false),
        (&["foo", "bar"], &[("foo", "1"), ("bar", "a")], &[("foo", "1"), ("bar", "b")], false),
        (&["foo, bar, baz"], &[("foo", "1"), ("baz", "3")], &[("baz", "3"), ("foo", "1")], true),
        (&["*"], &[], &[], false),
        (&["foo, *"], &[], &[], false),
        (&["*", "foo"], &[], &[], false),
        (&["*, *"], &[], &[], false),
        (&["*", "*"], &[], &[], false),
        (&[", *"], &[], &[], false),
        (&["", "*"], &[], &[], false),
        (&["*, foo"], &[("foo", "1")], &[("foo", "1")], false),
        (&[", foo"], &[("foo", "1")], &[("foo", "2")], false),
        (&["no header"], &[], &[], false),
        (&[""], &[], &[], true),
    ];
    for (vary, first, second, reused) in cases {
        assert_eq!(is_reused(vary, first, second).await, *reused, "{vary:?} {first:?} {second:?}");
    }
}

#[tokio::test]
async fn all_lines_of_a_header_count_and_how_they_are_written_does_not() {
    let cases: &[(Headers<'_>, Headers<'_>, bool)] = &[
        (&[("foo", "1,2")], &[("foo", " 1 ,  2 ")], true),
        (&[("foo", "1, 2")], &[("foo", "1"), ("foo", "2")], true),
        (&[("foo", "1"), ("foo", "2")], &[("foo", "1"), ("foo", "3")], false),
        (&[("foo", "1"), ("foo", "2")], &[("foo", "1")], false),
        (&[("foo", "1, 2")], &[("foo", "2, 1")], false),
        (&[("foo", "\"a, b\"")], &[("foo", "\"a,b\"")], false),
    ];
    for (first, second, reused) in cases {
        assert_eq!(is_reused(&["foo"], first, second).await, *reused, "{first:?} {second:?}");
    }
    let encoding = |value| [("accept-encoding", value)];
    assert!(is_reused(&["accept-encoding"], &encoding("gzip, br"), &encoding("BR,gzip")).await);
    assert!(!is_reused(&["accept-encoding"], &encoding("gzip, br"), &encoding("gzip;q=0, br")).await);
    let language = |value| [("accept-language", value)];
    assert!(is_reused(&["accept-language"], &language("de-CH, en"), &language("de-ch,en")).await);
    assert!(!is_reused(&["accept-language"], &language("de, en"), &language("en, de")).await);
    assert!(
        !is_reused(&["accept-language"], &language("en, de;q=0.5"), &language("de;q=0.5, en")).await,
        "nor by weight"
    );
}

#[tokio::test]
async fn variants_stand_beside_one_another() {
    let world = World::new(|seen| {
        Reply::ok(seen.header("accept-language"), &[("cache-control", "max-age=60"), ("vary", "Accept-Language")])
    })
    .await;
    for language in ["de", "fr", "it"] {
        let first = world.get(&[("accept-language", language)]).await;
        assert!(!first.is_hit(), "{}", first.did());
    }
    assert!(world.get(&[("accept-language", "rm")]).await.did().contains("fwd=vary-miss"));
    for language in ["de", "fr", "it", "rm"] {
        let again = world.get(&[("accept-language", language)]).await;
        assert_eq!((&again.body[..], again.is_hit()), (language, true));
    }
    assert_eq!((world.asked(), world.cache.targets()), (4, 1));
}

#[tokio::test]
async fn of_too_many_variants_the_oldest_goes() {
    let options = tradewind_gateway::cache::CacheOptions { variants_max: 2, ..Default::default() };
    let world = World::with(options, |_| Reply::ok("", &[("cache-control", "max-age=60"), ("vary", "foo")])).await;
    for foo in ["1", "2", "3"] {
        world.get(&[("foo", foo)]).await;
    }
    for (foo, hit) in [("3", true), ("2", true), ("1", false)] {
        assert_eq!(world.get(&[("foo", foo)]).await.is_hit(), hit, "{foo}");
    }
}

#[tokio::test]
async fn what_no_longer_varies_answers_all() {
    let world = World::new(|seen| {
        let vary: Headers<'_> = &[("cache-control", "max-age=60"), ("vary", "foo")];
        Reply::ok("", if seen.number == 0 { vary } else { &vary[..1] })
    })
    .await;
    world.get(&[("foo", "1")]).await;
    world.get(&[("foo", "2")]).await;
    assert!(world.get(&[("foo", "3")]).await.is_hit());
}

#[tokio::test]
async fn what_was_chosen_by_what_gateways_say_is_for_nobody_else() {
    for name in [
        "forwarded",
        "grpc-timeout",
        "traceparent",
        "tracestate",
        "tradewind-deadline",
        "via",
        "x-forwarded-for",
        "x-request-id",
    ] {
        let world = World::answering(&[("cache-control", "max-age=60"), ("vary", name)]).await;
        for _ in 0..2 {
            let got = world.get(&[(name, "1")]).await;
            assert!(!got.is_hit() && got.did().contains("detail=vary"), "{name}: {}", got.did());
        }
    }
}
