//! What somebody would try who wants others to get his answer, or theirs, or none: a list of known ways
//! (web cache poisoning and deception, denial of service by poisoned caches), and what becomes of each.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tradewind_gateway::cache::{CacheOptions, Key, KeyRef, Lookup};

use crate::Headers;
use crate::world::{Reply, World};

const FRESH: Headers<'_> = &[("cache-control", "max-age=60")];

/// A service that says what it was told in all headers by which frameworks let themselves be fooled.
async fn gullible() -> World {
    World::new(|seen| {
        let told = seen.headers.iter().filter(|(name, _)| name.as_str().starts_with("x-") && *name != "x-harmless");
        let told: Vec<String> = told.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect();
        Reply::ok(&told.join(", "), FRESH)
    })
    .await
}

#[tokio::test]
async fn no_header_that_is_in_no_key_chooses_what_others_get() {
    for name in [
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-forwarded-port",
        "x-forwarded-prefix",
        "x-forwarded-scheme",
        "x-forwarded-server",
        "x-host",
        "x-original-host",
        "x-original-url",
        "x-rewrite-url",
        "x-http-method-override",
        "x-http-method",
        "x-method-override",
        "X-Forwarded-Host",
    ] {
        let world = gullible().await;
        let poison: Headers<'_> = &[(name, "evil.example")];
        assert!(world.get(poison).await.body.contains("evil"));
        let got = world.get(&[]).await;
        assert_eq!((&got.body[..], got.is_hit()), ("", false), "{name}");
        assert!(world.get(&[]).await.is_hit(), "{name}");
        assert!(world.get(poison).await.body.contains("evil"), "nor does he get theirs: {name}");
        assert!(world.get(&[("x-harmless", "evil.example")]).await.is_hit());
    }
}

#[tokio::test]
async fn what_a_proxy_in_front_says_of_itself_is_not_in_the_way() {
    let world = gullible().await;
    let from = |host| [("x-forwarded-host", host), ("x-forwarded-proto", "https"), ("x-forwarded-port", "443")];
    for (host, hits) in [("a", [false, true, true]), ("b", [false, true, true])] {
        for hit in hits {
            assert_eq!(world.get(&from(host)).await.is_hit(), hit, "{host}");
        }
    }
    assert_eq!((world.asked(), world.cache.targets()), (2, 1));
}

#[tokio::test]
async fn an_override_neither_waits_for_others_nor_do_they_for_it() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| {
        let reply = Reply::ok(seen.header("x-original-url"), FRESH);
        if seen.number == 0 { reply.behind(&closed) } else { reply }
    });
    let world = Arc::new(world.await);
    let leader = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get(&[("x-original-url", "/evil")]).await }
    });
    world.until_asked(1).await;
    assert_eq!(world.get(&[]).await.body, "");
    gate.add_permits(1);
    assert_eq!(leader.await.unwrap().body, "/evil");
    assert_eq!(world.get(&[]).await.body, "");
}

#[tokio::test]
async fn a_header_that_the_connection_takes_away_is_no_header_of_the_answer() {
    // The gateway takes `accept-language` away, and so the service answers in its own language.
    let world =
        World::new(|seen| Reply::ok(seen.header("accept-language"), &[FRESH[0], ("vary", "accept-language")])).await;
    world.get(&[("accept-language", "de"), ("connection", "accept-language")]).await;
    assert_eq!(world.cache.targets(), 0);
    world.get(&[("accept-language", "de"), ("connection", "keep-alive, TE")]).await;
    assert_eq!(world.cache.targets(), 1);
    assert!(!world.get(&[("accept-language", "de"), ("connection", "close, accept-language")]).await.is_hit());
}

#[tokio::test]
async fn what_is_wrong_with_one_request_is_not_told_to_others() {
    for status in [400, 407, 408, 411, 412, 413, 415, 416, 417, 421, 426, 431] {
        let reply = Reply::status(status, "", FRESH);
        let world = World::new(move |_| reply.clone()).await;
        world.get(&[("x-too-large", &"x".repeat(1_000))]).await;
        let got = world.get(&[]).await;
        assert_eq!((got.status, got.is_hit()), (status, false));
    }
}

#[tokio::test]
async fn a_body_with_a_get_chooses_nobody_elses_answer() {
    let world = World::new(|_| Reply::ok("", FRESH)).await;
    for framing in [("content-length", "5"), ("transfer-encoding", "chunked")] {
        let (mut head, ()) = http::Request::get("/").body(()).unwrap().into_parts();
        head.headers.insert(framing.0, framing.1.parse().unwrap());
        let key = KeyRef { scope: "test", authority: "shop.example", target: "/" };
        let lookup = Lookup { key, method: &head.method, headers: &head.headers, after: None, coding: None };
        world.get(&[]).await;
        assert!(world.cache.hit(&world.policy, lookup).is_none(), "{framing:?}");
    }
}

#[tokio::test]
async fn each_spelling_of_a_target_is_its_own_and_hosts_are_the_same_in_any_case() {
    let world = World::new(|seen| Reply::ok(&seen.path, FRESH)).await;
    let all =
        ["/a?x=1&x=2", "/a?x=2&x=1", "/a?x=1", "/a?x=1&", "/a?X=1", "/%61?x=1", "/a%2f?x=1", "//a?x=1", "/a;x?x=1"];
    for path in all {
        assert_eq!(world.ask("GET", path, &[]).await.body, path);
    }
    for path in all {
        let got = world.ask("GET", path, &[]).await;
        assert_eq!((&got.body[..], got.is_hit()), (path, true));
    }
    let found = |scope, authority| {
        let headers = http::HeaderMap::new();
        let key = KeyRef { scope, authority, target: all[0] };
        let lookup = Lookup { key, method: &http::Method::GET, headers: &headers, after: None, coding: None };
        world.cache.hit(&world.policy, lookup).is_some()
    };
    assert!(found("test", "shop.example") && found("test", "SHOP.Example"));
    for (scope, authority) in
        [("test", "shop.example:80"), ("test", "shop.example."), ("other", "shop.example"), ("test\nshop.example", "")]
    {
        assert!(!found(scope, authority), "{scope:?} {authority:?}");
    }
    assert_ne!(Key::new("a\nb", "c", "/"), Key::new("a", "b\nc", "/"));
}

#[tokio::test]
async fn what_is_somebodys_is_stored_under_no_name_that_looks_like_a_file() {
    let whose = |seen: &crate::world::Seen| format!("{}{}", seen.header("authorization"), seen.header("cookie"));
    for answer in [&[][..], &[("last-modified", "Tue, 14 Nov 2023 20:13:20 GMT")], &[("cache-control", "private")]] {
        for who in [("authorization", "Bearer victim"), ("cookie", "session=victim")] {
            let answer: Vec<(String, String)> =
                answer.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let mut world = World::new(move |seen| {
                let headers: Vec<_> = answer.iter().map(|(name, value)| (&name[..], &value[..])).collect();
                Reply::ok(&whose(seen), &headers)
            })
            .await;
            // Even where the route says how long.
            world.policy.fresh_for = Some(std::time::Duration::from_secs(60));
            for path in ["/account/nonexistent.css", "/account;.js", "/account%2f..%2fstatic.css", "/account.png"] {
                assert!(world.ask("GET", path, &[who]).await.body.contains("victim"));
                let got = world.ask("GET", path, &[]).await;
                assert_eq!((&got.body[..], got.is_hit()), ("", false), "{path}");
                world.cache.clear();
            }
        }
    }
}

#[tokio::test]
async fn who_waits_for_anothers_fetch_never_gets_what_is_his() {
    for answer in [&[("cache-control", "private, max-age=60")][..], &[("cache-control", "max-age=60")], &[], FRESH] {
        for who in ["authorization", "cookie"] {
            let gate = Arc::new(Semaphore::new(0));
            let closed = Arc::clone(&gate);
            let (answer, is_shared) = (answer.to_vec(), who == "cookie" && answer == FRESH);
            let world = World::new(move |seen| {
                let reply = Reply::ok(seen.header(who), &answer);
                if seen.number == 0 { reply.behind(&closed) } else { reply }
            });
            let world = Arc::new(world.await);
            let ask = |value: &'static str| {
                let world = Arc::clone(&world);
                tokio::spawn(async move { world.get(&[(who, value)]).await.body })
            };
            let victim = ask("victim");
            world.until_asked(1).await;
            let attacker = ask("attacker");
            tokio::time::sleep(std::time::Duration::from_millis(30)).await;
            gate.add_permits(1);
            assert_eq!(victim.await.unwrap(), "victim");
            // A service that lets all share what depends on a cookie has said so itself.
            assert_eq!(attacker.await.unwrap(), if is_shared { "victim" } else { "attacker" }, "{who}");
        }
    }
}

#[tokio::test]
async fn asking_in_ever_other_ways_does_not_push_out_what_others_ask_for() {
    let world =
        World::new(|seen| Reply::ok(seen.header("accept-language"), &[FRESH[0], ("vary", "accept-language")])).await;
    let german: Headers<'_> = &[("accept-language", "de")];
    world.get(german).await;
    for number in 0..200 {
        world.clock.advance(std::time::Duration::from_millis(10));
        world.get(&[("accept-language", &format!("x-{number}"))]).await;
        world.clock.advance(std::time::Duration::from_millis(10));
        assert!(world.get(german).await.is_hit(), "{number}");
    }
    assert_eq!(world.asked(), 201);
    assert!(world.cache.bytes() < 16 * 4_096, "{}", world.cache.bytes());
}

#[tokio::test]
async fn heads_are_bounded_like_bodies() {
    let options = CacheOptions { head_bytes_max: 10_000, ..CacheOptions::default() };
    for (header_bytes, hit) in [(5_000, true), (20_000, false)] {
        let world =
            World::with(options.clone(), move |_| Reply::ok("", &[FRESH[0], ("x-large", &"x".repeat(header_bytes))]));
        let world = world.await;
        world.get(&[]).await;
        let second = world.get(&[]).await;
        assert_eq!((second.is_hit(), second.did().contains("detail=head-too-large")), (hit, !hit), "{}", second.did());
    }
    let world = World::with(options, |_| {
        let many: Vec<(String, String)> = (0..90).map(|number| (format!("x-{number}"), String::new())).collect();
        let mut headers = vec![FRESH[0]];
        headers.extend(many.iter().map(|(name, value)| (&name[..], &value[..])));
        Reply::ok("", &headers)
    });
    let world = world.await;
    world.get(&[]).await;
    assert!(!world.get(&[]).await.is_hit(), "many small ones are large, too");
}
