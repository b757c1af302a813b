//! Stopping: dependents first, politely, and in bounded time.

use std::time::{Duration, Instant};

use tradewind_fleet::{FleetEvent, State};

use crate::tiny::{spec, spec_after};
use crate::{Running, is_alive, order_of};

#[tokio::test]
async fn dependents_end_before_what_they_depend_on() {
    let running = Running::start(vec![
        spec("base", "ok"),
        spec_after("middle", "ok", &["base"]),
        spec_after("top", "ok", &["middle"]),
    ]);
    running.until_state("top", State::Ready).await;
    let mut events = running.handle.events();
    let pids: Vec<u32> = running.handle.status().iter().filter_map(|status| status.pid).collect();
    running.stop().await;
    let order = order_of(&mut events, |event| matches!(event, FleetEvent::Stopped { killed: false, .. }));
    assert_eq!(order, ["top", "middle", "base"]);
    assert_eq!(pids.len(), 3);
    assert!(pids.iter().all(|pid| !is_alive(*pid)));
}

#[tokio::test]
async fn one_that_does_not_end_is_killed_when_its_time_is_over() {
    let mut stubborn = spec("stubborn", "stubborn");
    stubborn.drain_within = Duration::from_millis(300);
    let running = Running::start(vec![stubborn]);
    running.until_state("stubborn", State::Ready).await;
    let mut events = running.handle.events();
    let begun = Instant::now();
    running.stop().await;
    assert!((Duration::from_millis(300)..Duration::from_secs(5)).contains(&begun.elapsed()));
    assert_eq!(order_of(&mut events, |event| matches!(event, FleetEvent::Stopped { killed: true, .. })), ["stubborn"]);
}

#[tokio::test]
async fn impatience_kills_at_once() {
    let running = Running::start(vec![spec("stubborn", "stubborn")]);
    running.until_state("stubborn", State::Ready).await;
    let begun = Instant::now();
    running.handle.stop();
    running.until_state("stubborn", State::Draining).await;
    running.handle.kill();
    running.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(5), "{:?}", begun.elapsed());
}

#[tokio::test]
async fn stopping_does_not_wait_for_a_restart() {
    let mut falls = spec("falls", "falls");
    falls.restart.delay_first = Duration::from_secs(60);
    falls.restart.delay_max = Duration::from_secs(60);
    let running = Running::start(vec![falls]);
    running.until_state("falls", State::Restarting).await;
    running.stop().await;
}
