//! Falling: what ends unasked comes back, until it does so too often.

use std::time::Duration;

use tradewind_fleet::{FleetEvent, State};

use crate::tiny::{spec, spec_after};
use crate::{Running, kill, until_dead};

#[tokio::test]
async fn a_killed_service_comes_back_on_the_same_port() {
    let running = Running::start(vec![spec("one", "ok")]);
    let before = running.until_state("one", State::Ready).await;
    let pid = before.pid.unwrap();
    kill(pid);
    let after = running.until("one", |status| status.state == State::Ready && status.pid != Some(pid)).await;
    assert_eq!(after.address, before.address);
    assert_eq!(after.restarts, 1);
    until_dead(pid).await;
    running.stop().await;
}

#[tokio::test]
async fn a_service_that_keeps_falling_is_given_up_and_shows_what_it_said() {
    let mut falls = spec("falls", "falls");
    falls.restart.falls_max = 3;
    falls.restart.delay_first = Duration::from_millis(10);
    let running = Running::start(vec![falls, spec("other", "ok")]);
    let mut events = running.handle.events();
    let failed = running.until_state("falls", State::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("exited with code 3 before it was ready"));
    assert_eq!(failed.restarts, 2);
    assert!(failed.last_lines.iter().any(|line| line == "cannot go on"), "{:?}", failed.last_lines);
    running.until_state("other", State::Ready).await;

    let mut delays = 0;
    while let Ok(event) = events.try_recv() {
        delays += u32::from(matches!(event, FleetEvent::Restarting { .. }));
    }
    assert_eq!(delays, 2);
    running.stop().await;
}

#[tokio::test]
async fn a_given_up_service_starts_anew_when_asked() {
    let mut falls = spec("falls", "falls-ready");
    falls.restart.falls_max = 1;
    let running = Running::start(vec![falls]);
    running.until_state("falls", State::Failed).await;
    assert!(running.handle.restart("falls").await);
    running.until_state("falls", State::Ready).await;
    assert!(!running.handle.restart("nobody").await);
    running.stop().await;
}

#[tokio::test]
async fn a_given_up_service_comes_back_by_itself_when_its_cause_is_gone() {
    let mut falls = spec("falls", "falls-until");
    falls.restart.falls_max = 1;
    falls.restart.delay_max = Duration::from_millis(1);
    let running = Running::start(vec![falls, spec_after("behind", "ok", &["falls"])]);
    running.until_state("falls", State::Failed).await;
    // A try that falls again is no hope for those who wait.
    running.until("falls", |status| status.restarts == 1 && status.pid.is_none()).await;
    assert_eq!(running.status("falls").state, State::Failed);
    assert_eq!(running.status("behind").reason.as_deref(), Some("waits for falls, which failed"));

    std::fs::write(running.folder.path().join("data/falls/mended"), "yes").unwrap();
    let ready = running.until_state("falls", State::Ready).await;
    assert_eq!((ready.reason, ready.code), (None, None));
    running.until_state("behind", State::Ready).await;
    running.stop().await;
}

#[tokio::test]
async fn a_restart_on_request_drains_first() {
    let running = Running::start(vec![spec("one", "ok")]);
    let pid = running.until_state("one", State::Ready).await.pid;
    assert!(running.handle.restart("one").await);
    running.until("one", |status| status.state == State::Ready && status.pid != pid).await;
    running.stop().await;
}
