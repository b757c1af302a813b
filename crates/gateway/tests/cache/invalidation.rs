//! What unsafe methods make untrue (RFC 9111 §4.4).

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tradewind_gateway::cache::CacheOptions;

use crate::Headers;
use crate::world::{Reply, World, text};

async fn world(answer: Headers<'static>, status: u16) -> World {
    World::new(move |seen| match &seen.method[..] {
        "GET" => Reply::ok(&seen.path, &[("cache-control", "max-age=60")]),
        _ => Reply::status(status, "", answer),
    })
    .await
}

#[tokio::test]
async fn an_unsafe_method_that_succeeds_takes_out_its_target() {
    for method in ["POST", "PUT", "DELETE", "PATCH", "UNKNOWN"] {
        for (status, hit) in
            [(200, false), (201, false), (204, false), (302, false), (400, true), (404, true), (500, true)]
        {
            let world = world(&[], status).await;
            world.get(&[]).await;
            world.ask(method, "/", &[]).await;
            assert_eq!(world.get(&[]).await.is_hit(), hit, "{method} {status}");
        }
    }
    for method in ["OPTIONS", "TRACE", "HEAD"] {
        let world = world(&[], 200).await;
        world.get(&[]).await;
        world.ask(method, "/", &[]).await;
        assert!(world.get(&[]).await.is_hit(), "{method}");
    }
}

#[tokio::test]
async fn what_it_names_goes_as_well_if_it_is_of_the_same_origin() {
    let cases: &[(Headers<'static>, bool)] = &[
        (&[("location", "/other")], false),
        (&[("content-location", "/other")], false),
        (&[("location", "http://shop.example/other")], false),
        (&[("location", "//SHOP.example/other")], false),
        (&[("location", "/other#part")], false),
        (&[("location", "other")], false),
        (&[("location", "http://elsewhere.example/other")], true),
        (&[("location", "/other?query")], true),
        (&[("x-location", "/other")], true),
    ];
    for (headers, hit) in cases {
        let world = world(headers, 201).await;
        world.ask("GET", "/other", &[]).await;
        world.ask("POST", "/", &[]).await;
        assert_eq!(world.ask("GET", "/other", &[]).await.is_hit(), *hit, "{headers:?}");
    }
}

#[tokio::test]
async fn what_may_have_been_done_counts_as_done() {
    let world = World::new(|seen| match &seen.method[..] {
        "GET" => Reply::ok("", &[("cache-control", "max-age=60")]),
        _ => Reply::none(),
    })
    .await;
    world.get(&[]).await;
    assert!(world.try_ask("POST", "/", &[]).await.is_err());
    assert!(!world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn all_variants_go() {
    let world = World::new(|_| Reply::ok("", &[("cache-control", "max-age=60"), ("vary", "foo")])).await;
    for foo in ["1", "2"] {
        world.get(&[("foo", foo)]).await;
    }
    world.ask("POST", "/", &[]).await;
    for foo in ["1", "2"] {
        assert!(!world.get(&[("foo", foo)]).await.is_hit());
    }
}

#[tokio::test]
async fn what_was_on_its_way_from_before_is_not_stored() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = Arc::new(
        World::new(move |seen| match seen.number {
            0 => Reply::ok("old", &[("cache-control", "max-age=60")]).behind(&closed),
            _ => Reply::ok("new", &[("cache-control", "max-age=60")]),
        })
        .await,
    );
    let slow = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get(&[]).await.body }
    });
    world.until_asked(1).await;
    world.ask("POST", "/", &[]).await;
    gate.add_permits(1);
    assert_eq!(slow.await.unwrap(), "old", "its client asked before");
    let next = world.get(&[]).await;
    assert_eq!((&next.body[..], next.is_hit()), ("new", false));
}

#[tokio::test]
async fn numbers_that_are_no_positions_let_nothing_from_before_be_stored() {
    for (tells_positions, hit) in [(true, true), (false, false)] {
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let mut world = World::new(move |seen| match &seen.method[..] {
            "GET" => Reply::ok("", &[("cache-control", "max-age=60"), ("tradewind-position", "9")]).behind(&closed),
            _ => Reply::status(202, "", &[("tradewind-position", "1")]),
        })
        .await;
        world.policy.tells_positions = tells_positions;
        let world = Arc::new(world);
        let before = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.get(&[]).await.status }
        });
        world.until_asked(1).await;
        world.ask("POST", "/", &[]).await;
        gate.add_permits(2);
        assert_eq!(before.await.unwrap(), 200);
        let got = world.get(&[]).await;
        assert_eq!((got.is_hit(), got.reused.is_some_and(|reused| reused.position.is_some())), (hit, hit));
    }
}

#[tokio::test]
async fn what_is_asked_for_and_not_waited_for_counts_as_done() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| match &seen.method[..] {
        "GET" => Reply::ok("", &[("cache-control", "max-age=60"), ("tradewind-position", "7")]),
        _ => Reply::status(204, "", &[]).behind(&closed),
    });
    let world = Arc::new(world.await);
    for (method, hit) in [("OPTIONS", true), ("POST", false)] {
        world.get(&[]).await;
        let asked = world.asked();
        let leaves = tokio::spawn({
            let world = Arc::clone(&world);
            async move { world.ask(method, "/", &[]).await.status }
        });
        world.until_asked(asked + 1).await;
        assert!(world.get(&[]).await.is_hit(), "{method}: it is under way");
        leaves.abort();
        assert!(leaves.await.unwrap_err().is_cancelled());
        assert_eq!(world.get(&[]).await.is_hit(), hit, "{method}");
    }
}

#[tokio::test]
async fn what_somebody_has_of_his_own_goes_with_the_target_and_not_with_another_s() {
    let options = CacheOptions { tags_max: 0, ..CacheOptions::default() };
    let mut world = World::with(options, |_| Reply::ok("", &[("cache-control", "max-age=60")])).await;
    for path in ["/", "/other"] {
        for whose in [None, Some("ann"), Some("bob")] {
            world.whose = whose;
            assert!(!world.ask("GET", path, &[]).await.is_hit(), "{path} {whose:?}: each has its own");
            assert!(world.ask("GET", path, &[]).await.is_hit(), "{path} {whose:?}");
        }
    }
    world.whose = None;
    world.ask("PUT", "/", &[]).await;
    for (path, hit) in [("/", false), ("/other", true)] {
        for whose in [Some("bob"), Some("ann"), None] {
            world.whose = whose;
            assert_eq!(world.ask("GET", path, &[]).await.is_hit(), hit, "{path} {whose:?}");
        }
    }
}

#[tokio::test]
async fn what_was_on_its_way_to_somebody_alone_is_not_stored_either() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| {
        let reply = Reply::ok("", &[("cache-control", "max-age=60")]);
        if seen.number == 0 { reply.behind(&closed) } else { reply }
    })
    .await;
    world.whose = Some("ann");
    let ann = Arc::new(world);
    let slow = tokio::spawn({
        let ann = Arc::clone(&ann);
        async move { ann.get(&[]).await.status }
    });
    ann.until_asked(1).await;
    ann.ask_of_all("PUT", "/").await;
    gate.add_permits(1);
    slow.await.unwrap();
    assert!(!ann.get(&[]).await.is_hit());
}

#[tokio::test]
async fn what_is_fetched_before_a_change_that_nobody_waits_for_takes_effect_goes_with_that() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| match &seen.method[..] {
        "GET" => Reply::ok("", &[("cache-control", "max-age=60")]),
        _ => Reply::status(204, "", &[("location", "/other")]).behind(&closed),
    });
    let world = Arc::new(world.await);
    let text = text(&world);
    let leaves = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.ask("POST", "/", &[]).await.status }
    });
    world.until_asked(1).await;
    leaves.abort();
    assert!(leaves.await.unwrap_err().is_cancelled());
    for path in ["/", "/other"] {
        world.ask("GET", path, &[]).await;
        assert!(world.ask("GET", path, &[]).await.is_hit(), "{path}: it has not taken effect yet");
    }
    assert!(text().contains("cache_background 1\n"), "{}", text());
    gate.add_permits(1);
    world.until(|_| text().contains("cache_background 0\n")).await;
    for path in ["/", "/other"] {
        assert!(!world.ask("GET", path, &[]).await.is_hit(), "{path}: it shows what was before");
    }
}

#[tokio::test]
async fn a_change_that_nobody_waits_for_any_more_and_does_not_end_counts_as_done_again() {
    for (background_max, hit) in [(1, false), (0, true)] {
        let background_time_max = Duration::from_millis(100);
        let options = CacheOptions { background_max, background_time_max, ..CacheOptions::default() };
        let gate = Arc::new(Semaphore::new(0));
        let closed = Arc::clone(&gate);
        let world = World::with(options, move |seen| match &seen.method[..] {
            "GET" => Reply::ok("", &[("cache-control", "max-age=60")]),
            _ => Reply::status(204, "", &[]).behind(&closed),
        });
        let mut world = world.await;
        world.within = Some(Duration::from_millis(50));
        assert!(world.try_ask("POST", "/", &[]).await.is_err());
        assert!(!world.get(&[]).await.is_hit());
        let text = text(&world);
        world.until(|_| text().contains("cache_background 0\n")).await;
        assert_eq!(world.get(&[]).await.is_hit(), hit, "{background_max}");
    }
}
