//! Bytes: of everything, of one answer, and what is counted.

use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tradewind_gateway::cache::CacheOptions;

use crate::world::{Reply, World};

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

fn text(world: &World) -> impl Fn() -> String + use<> {
    let mut registry = Registry::default();
    world.cache.register(&mut registry);
    move || {
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }
}

#[tokio::test]
async fn all_that_is_stored_stays_within_the_limit() {
    let bytes_max = 200_000;
    let options = CacheOptions { bytes_max, body_bytes_max: 20_000, ..CacheOptions::default() };
    let mut world = World::with(options, |_| Reply::ok(&"x".repeat(10_000), FRESH)).await;
    world.policy.tags = vec!["path:{path}".parse().unwrap()];
    let text = text(&world);
    for number in 0..60 {
        world.parameters = vec![("path".to_owned(), number.to_string())];
        world.ask("GET", &format!("/{number}"), &[]).await;
        assert!(world.cache.bytes() <= bytes_max, "{}", world.cache.bytes());
    }
    let stored = world.cache.targets();
    assert!((10..20).contains(&stored), "{stored}");
    assert!(world.cache.bytes() > bytes_max / 2);
    let told = text();
    assert!(told.contains(&format!("cache_evictions_total {}\n", 60 - stored)), "{told}");
    assert!(told.contains(&format!("cache_stored_bytes {}\n", world.cache.bytes())), "{told}");
    assert!(told.contains(&format!("cache_targets {stored}\n")), "{told}");
}

#[tokio::test]
async fn small_answers_weigh_more_than_their_bodies() {
    let world = World::answering(FRESH).await;
    world.get(&[]).await;
    let small = world.cache.bytes();
    assert!(small > 512, "{small}");
    let world =
        World::new(|_| Reply::ok("body", &[("cache-control", "max-age=60"), ("x-big", &"x".repeat(5_000))])).await;
    world.get(&[]).await;
    assert!(world.cache.bytes() > small + 5_000);
}

#[tokio::test]
async fn variants_count_and_growing_pushes_out() {
    let bytes_max = 160_000;
    let options = CacheOptions { bytes_max, body_bytes_max: 20_000, ..CacheOptions::default() };
    let world =
        World::with(options, |_| Reply::ok(&"x".repeat(15_000), &[("cache-control", "max-age=60"), ("vary", "foo")]))
            .await;
    for round in 0..40 {
        let (path, foo) = (format!("/{}", round % 3), round.to_string());
        world.ask("GET", &path, &[("foo", &foo)]).await;
        assert!(world.cache.bytes() <= bytes_max, "{}", world.cache.bytes());
    }
}

#[tokio::test]
async fn an_answer_that_is_too_large_passes_through() {
    let options = CacheOptions { body_bytes_max: 10, ..CacheOptions::default() };
    let told = Reply::ok("0123456789a", FRESH);
    let not_told = Reply::ok("", FRESH).streaming(&["01234", "56789", "a", "b"]);
    for (reply, body) in [(told, "0123456789a"), (not_told, "0123456789ab")] {
        let world = World::with(options.clone(), move |_| reply.clone()).await;
        let text = text(&world);
        for asked in 1..4 {
            let got = world.get(&[]).await;
            assert_eq!((&got.body[..], got.is_hit(), world.asked()), (body, false, asked));
        }
        assert_eq!(world.cache.bytes(), 0);
        assert!(text().contains("cache_too_large_total 3\n"), "{}", text());
    }
    let world = World::with(options, |_| Reply::ok("0123456789", FRESH)).await;
    world.get(&[]).await;
    assert!(world.get(&[]).await.is_hit(), "just as large as it may be");
}

#[tokio::test]
async fn what_is_done_is_counted_by_route() {
    let world = World::new(|_| Reply::ok("", &[("cache-control", "max-age=10, stale-while-revalidate=10")])).await;
    let text = text(&world);
    world.get(&[]).await;
    world.get(&[]).await;
    world.get(&[]).await;
    world.ask("POST", "/other", &[]).await;
    world.later(15);
    world.get(&[]).await;
    let told = text();
    for (result, count) in [("Miss", 1), ("Hit", 2), ("Bypass", 1), ("StaleWhileRevalidate", 1)] {
        let line = format!("cache_requests_total{{route=\"test\",result=\"{result}\"}} {count}");
        assert!(told.contains(&line), "{line}\n{told}");
    }
}
