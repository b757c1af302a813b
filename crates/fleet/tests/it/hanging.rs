//! Hanging: what lives without answering is started again, and what is only busy is left alone.

use std::time::Duration;

use tradewind_fleet::{FleetEvent, ServiceSpec, State};

use crate::tiny::spec;
use crate::{Running, until_dead};

/// A service that is asked every 100 ms, and ended after three questions in a row without an answer.
fn asked_often(mode: &str) -> ServiceSpec {
    let mut spec = spec("one", mode);
    spec.liveness.every = Duration::from_millis(100);
    spec.liveness.failures_max = 3;
    spec.drain_within = Duration::from_millis(200);
    spec
}

#[tokio::test]
async fn a_service_that_hangs_is_ended_and_started_again_and_says_why() {
    for (mode, expected) in [("hangs", "no answer on /health/live within 0.1 s"), ("sick", "/health/live answered 503")]
    {
        let running = Running::start(vec![asked_often(mode)]);
        let mut events = running.handle.events();
        let pid = running.until_state("one", State::Ready).await.pid.unwrap();
        running.until("one", |status| status.state == State::Ready && status.pid != Some(pid)).await;
        until_dead(pid).await;
        let (mut missed, mut fell) = (Vec::new(), None);
        while let Ok(event) = events.try_recv() {
            match event {
                FleetEvent::Unanswered { pid: of, failures, failures_max, problem, .. } if of == pid => {
                    assert!(problem.starts_with(expected), "{problem}");
                    missed.push((failures, failures_max));
                }
                FleetEvent::Fell { reason, .. } => drop(fell.get_or_insert(reason)),
                _ => {}
            }
        }
        assert_eq!(missed, [(1, 3), (2, 3), (3, 3)]);
        assert_eq!(fell.as_deref(), Some("did not answer on /health/live 3 times in a row, and was ended"));
        running.stop().await;
    }
}

#[tokio::test]
async fn a_service_that_is_busy_for_a_moment_is_left_alone() {
    let running = Running::start(vec![asked_often("busy")]);
    let mut events = running.handle.events();
    running.until_state("one", State::Ready).await;
    let mut missed = 0;
    while missed < 6 {
        let event = tokio::time::timeout(Duration::from_secs(30), events.recv()).await.unwrap().unwrap();
        assert!(!matches!(event, FleetEvent::Fell { .. }), "{event:?}");
        missed += u32::from(matches!(event, FleetEvent::Unanswered { .. }));
    }
    assert_eq!(running.status("one").restarts, 0);
    running.stop().await;
}

#[tokio::test]
async fn nobody_is_asked_who_may_miss_no_number_of_questions() {
    let mut unasked = asked_often("hangs");
    unasked.liveness.failures_max = 0;
    let running = Running::start(vec![unasked]);
    let mut events = running.handle.events();
    running.until_state("one", State::Ready).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    while let Ok(event) = events.try_recv() {
        assert!(!matches!(event, FleetEvent::Unanswered { .. } | FleetEvent::Fell { .. }), "{event:?}");
    }
    running.stop().await;
}
