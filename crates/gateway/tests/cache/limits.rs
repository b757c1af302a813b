//! Bytes: of everything, of one answer, and what is counted.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tradewind_gateway::cache::CacheOptions;

use crate::world::{Reply, World, read, text};

const FRESH: &[(&str, &str)] = &[("cache-control", "max-age=60")];

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

/// Bodies of two pieces, of which each request gets one at once, and no other as long as the gate is closed.
async fn half_open(options: CacheOptions) -> (World, Arc<Semaphore>) {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let script = move |_: &_| Reply::ok("", FRESH).streaming(&["one ", "two"]).opening(1).behind(&closed);
    (World::with(options, script).await, gate)
}

#[tokio::test]
async fn what_is_left_when_no_more_is_read_on_is_let_go() {
    let (world, gate) = half_open(CacheOptions { background_max: 0, ..CacheOptions::default() }).await;
    let world = Arc::new(world);
    let left = world.head("GET", "/", &[]).await.unwrap();
    let waiting = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.get(&[]).await.body }
    });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.asked(), 1, "it waits for the other's");
    drop(left);
    world.until_asked(2).await;
    gate.add_permits(10);
    assert_eq!(waiting.await.unwrap(), "one two");
    for number in 0..100 {
        drop(world.head("GET", &format!("/left/{number}"), &[]).await.unwrap());
        let known = world.head("GET", &format!("/known/{number}"), &[("if-none-match", "*")]).await.unwrap();
        assert_eq!(read(known).await.unwrap().status, 304);
    }
}

#[tokio::test]
async fn what_is_read_on_and_does_not_come_is_given_up_once_and_for_all() {
    for background_max in [1, 64] {
        let background_time_max = Duration::from_millis(100);
        let options = CacheOptions { background_max, background_time_max, ..CacheOptions::default() };
        let (world, gate) = half_open(options).await;
        let text = text(&world);
        for path in ["/a", "/b"] {
            drop(world.head("GET", path, &[]).await.unwrap());
        }
        world.until(|_| text().contains(&format!("cache_background {}\n", background_max.min(2)))).await;
        world.until(|_| text().contains("cache_background 0\n")).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(text().contains("cache_background 0\n"), "{}", text());
        gate.add_permits(10);
        assert!(!world.ask("GET", "/a", &[]).await.is_hit(), "nobody has read it meanwhile");
    }
}

#[tokio::test]
async fn what_is_revalidated_and_does_not_come_is_given_up_as_well() {
    let options = CacheOptions { background_time_max: Duration::from_millis(100), ..CacheOptions::default() };
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::with(options, move |seen| {
        let reply = Reply::ok("one two", &[("cache-control", "max-age=10, stale-while-revalidate=600")]);
        if seen.number == 0 { reply } else { reply.streaming(&["one ", "two"]).opening(1).behind(&closed) }
    });
    let world = world.await;
    let text = text(&world);
    world.get(&[]).await;
    world.later(20);
    world.get(&[]).await;
    world.until(|_| text().contains("cache_background 1\n")).await;
    world.until(|_| text().contains("cache_background 0\n")).await;
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(text().contains("cache_background 0\n"), "{}", text());
}

#[test]
fn what_is_left_where_nothing_runs_any_more_is_let_go() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let left = runtime.block_on(async {
        let (world, _) = half_open(CacheOptions::default()).await;
        world.head("GET", "/", &[]).await.unwrap()
    });
    drop(left);
    let left = runtime.block_on(async {
        let (world, _) = half_open(CacheOptions::default()).await;
        world.head("GET", "/", &[]).await.unwrap()
    });
    // What is dropped as the runtime ends has one that takes no more work.
    runtime.spawn(async move {
        let _left = left;
        std::future::pending::<()>().await;
    });
    drop(runtime);
}

#[tokio::test]
async fn what_is_on_its_way_into_the_store_takes_a_part_of_it_and_no_more() {
    // A quarter of it has room for two halves, and for all of both.
    let options = CacheOptions { bytes_max: 40_000, background_max: 0, ..CacheOptions::default() };
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let (half, rest) = ("x".repeat(4_000), "y".repeat(500));
    let whole = [half.as_str(), &rest].concat();
    let script = move |_: &_| Reply::ok("", FRESH).streaming(&[&half, &rest]).opening(1).behind(&closed);
    let world = World::with(options, script).await;
    let text = text(&world);
    let mut coming = Vec::new();
    for number in 0..10 {
        let mut answer = world.head("GET", &format!("/{number}"), &[]).await.unwrap();
        let first = answer.body_mut().frame().await.unwrap().unwrap().into_data().unwrap();
        assert_eq!(first.len(), 4_000);
        coming.push((answer, first));
    }
    assert!(text().contains("cache_passing_bytes 8000\n"), "{}", text());
    drop(coming.remove(0));
    assert!(text().contains("cache_passing_bytes 4000\n"), "{}", text());
    gate.add_permits(100);
    for (answer, first) in coming {
        let got = [&first[..], &read(answer).await.unwrap().bytes].concat();
        assert_eq!(got, whole.as_bytes(), "it arrives, wherever it goes beside");
    }
    assert!(text().contains("cache_passing_bytes 0\n"), "{}", text());
    assert_eq!(world.cache.targets(), 1);
    assert!(world.ask("GET", "/1", &[]).await.is_hit());
    assert_eq!(world.ask("GET", "/2", &[]).await.body, whole);
    assert!(world.ask("GET", "/2", &[]).await.is_hit(), "there is room again");
}
