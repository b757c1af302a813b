//! A client that carries a position never gets anything older.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tradewind_gateway::cache::OnFailure;

use crate::Headers;
use crate::world::{Got, Reply, World};

/// A service that has come to a position, and answers with it.
async fn at(position: &Arc<AtomicU64>) -> World {
    let position = Arc::clone(position);
    World::new(move |_| {
        let position = position.load(Ordering::SeqCst).to_string();
        Reply::ok(&position, &[("cache-control", "max-age=60"), ("tradewind-position", &position)])
    })
    .await
}

async fn after(world: &World, position: &str) -> Got {
    world.get(&[("tradewind-after", position)]).await
}

#[tokio::test]
async fn what_shows_it_is_enough_and_what_does_not_is_fetched_anew() {
    let position = Arc::new(AtomicU64::new(10));
    let world = at(&position).await;
    world.get(&[]).await;
    for (wanted, hit) in [("9", true), ("10", true)] {
        assert_eq!(after(&world, wanted).await.is_hit(), hit, "{wanted}");
    }
    position.store(12, Ordering::SeqCst);
    let got = after(&world, "11").await;
    assert_eq!((&got.body[..], got.is_hit()), ("12", false));
    assert!(
        got.did().contains("fwd=request; fwd-status=200") && got.did().contains("detail=position"),
        "{}",
        got.did()
    );
    assert_eq!(world.seen()[1].header("tradewind-after"), "11", "the service waits until it is there");
    let next = world.get(&[]).await;
    assert_eq!((&next.body[..], next.is_hit()), ("12", true), "and all others have it, too");
}

#[tokio::test]
async fn what_tells_no_position_shows_nothing_for_certain() {
    let world = World::answering(&[("cache-control", "max-age=60")]).await;
    world.get(&[]).await;
    assert!(!after(&world, "0").await.is_hit());
    assert!(world.get(&[]).await.is_hit());
}

#[tokio::test]
async fn neither_a_failure_nor_a_revalidation_lets_it_see_anything_older() {
    for directives in ["max-age=10, stale-if-error=600", "max-age=10, stale-while-revalidate=600"] {
        let mut world = World::new(move |seen| match seen.number {
            0 => Reply::ok("old", &[("cache-control", directives), ("tradewind-position", "10")]),
            _ => Reply::none(),
        })
        .await;
        world.policy.on_failure = OnFailure::Stale(Duration::from_secs(600));
        world.get(&[]).await;
        world.later(20);
        assert!(world.try_ask("GET", "/", &[("tradewind-after", "11")]).await.is_err(), "{directives}");
        assert_eq!(after(&world, "10").await.body, "old", "{directives}");
    }
}

#[tokio::test]
async fn waiting_for_another_does_not_let_it_see_anything_older() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    // Of several instances one lags behind.
    let positions = ["12", "10", "13", "14"];
    let world = World::new(move |seen| {
        let position = positions[seen.number];
        let headers = [("cache-control", "max-age=60"), ("vary", "foo"), ("tradewind-position", position)];
        let reply = Reply::ok(position, &headers);
        if seen.number == 1 { reply.behind(&closed) } else { reply }
    });
    let world = Arc::new(world.await);
    world.get(&[]).await;
    let ask = |wanted: &'static str| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.get(&[("foo", "1"), ("tradewind-after", wanted)]).await })
    };
    let leader = ask("1");
    world.until_asked(2).await;
    let (older, newer) = (ask("10"), ask("11"));
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(world.asked(), 2, "both wait");
    gate.add_permits(1);
    assert_eq!(leader.await.unwrap().body, "10");
    assert_eq!(newer.await.unwrap().body, "13");
    let older = older.await.unwrap();
    assert!(older.did().contains("collapsed") && older.body == "10", "{}", older.did());
}

#[tokio::test]
async fn who_waits_for_a_position_keeps_nobody_else_waiting() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let world = World::new(move |seen| match seen.header("tradewind-after") {
        "" | "1" => Reply::ok("body", &[("cache-control", "max-age=60"), ("tradewind-position", "7")]),
        _ => Reply::status(503, "", &[("tradewind-position", "7")]).behind(&closed),
    });
    let world = Arc::new(world.await);
    let far = "9000000000000000000";
    let ask = || {
        let world = Arc::clone(&world);
        tokio::spawn(async move { after(&world, far).await.status })
    };
    let first = ask();
    world.until_asked(1).await;
    let second = ask();
    let soon = Duration::from_secs(2);
    assert_eq!(tokio::time::timeout(soon, world.get(&[])).await.expect("it waits").body, "body");
    assert_eq!(after(&world, "1").await.body, "body");
    assert_eq!(world.asked(), 2, "those who want the same wait for one another");
    gate.add_permits(10);
    assert_eq!((first.await.unwrap(), second.await.unwrap()), (503, 503));
}

#[tokio::test]
async fn a_service_that_has_not_come_so_far_has_not_failed_for_those_who_wait() {
    let gate = Arc::new(Semaphore::new(0));
    let closed = Arc::clone(&gate);
    let mut world = World::new(move |seen| match seen.number {
        0 => Reply::ok("old", &[("cache-control", "max-age=10"), ("tradewind-position", "12")]),
        // An instance that lags behind.
        1 => Reply::status(503, "", &[("tradewind-position", "10")]).behind(&closed),
        _ => Reply::ok("new", &[("cache-control", "max-age=10"), ("tradewind-position", "13")]),
    })
    .await;
    world.policy.on_failure = OnFailure::Stale(Duration::from_secs(600));
    world.get(&[]).await;
    world.later(20);
    let world = Arc::new(world);
    let ask = |headers: Headers<'static>| {
        let world = Arc::clone(&world);
        tokio::spawn(async move { world.get(headers).await.body })
    };
    let leader = ask(&[("tradewind-after", "12")]);
    world.until_asked(2).await;
    let waiting = ask(&[]);
    tokio::time::sleep(Duration::from_millis(50)).await;
    gate.add_permits(1);
    assert_eq!(leader.await.unwrap(), "old", "it shows what was wanted");
    assert_eq!(waiting.await.unwrap(), "new");
}

#[tokio::test]
async fn an_older_answer_does_not_take_the_place_of_a_newer_one() {
    let position = Arc::new(AtomicU64::new(12));
    let world = at(&position).await;
    world.get(&[]).await;
    position.store(10, Ordering::SeqCst);
    let lagging = world.get(&[("cache-control", "no-cache")]).await;
    assert_eq!(&lagging.body[..], "10", "an instance that lags behind");
    let got = world.get(&[]).await;
    assert_eq!((&got.body[..], got.is_hit()), ("12", true));
    world.later(100);
    world.get(&[]).await;
    assert_eq!(world.get(&[]).await.body, "10", "what is stale does not stand in the way of what there is");
}

#[tokio::test]
async fn what_a_command_has_done_is_seen_by_the_next_query_also_if_the_read_model_lags() {
    let world = World::new(|seen| match (&seen.method[..], seen.number) {
        ("POST", _) => Reply::status(202, "", &[("tradewind-position", "11")]),
        (_, 0..=3) => Reply::ok("old", &[("cache-control", "max-age=60"), ("tradewind-position", "10")]),
        _ => Reply::ok("new", &[("cache-control", "max-age=60"), ("tradewind-position", "11")]),
    })
    .await;
    world.get(&[]).await;
    world.ask("POST", "/", &[]).await;
    for _ in 2..4 {
        let got = world.get(&[]).await;
        assert_eq!((&got.body[..], got.is_hit()), ("old", false), "it is not stored again");
    }
    assert_eq!(world.get(&[]).await.body, "new");
    assert!(world.get(&[]).await.is_hit());
}
