//! Timers that cannot be handled: kept, told, and tried again or given up by somebody's decision.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::Value;
use tradewind_events::{ManualClock, Query, Recorded, Timestamp};
use tradewind_service::{Effect, FollowerState, Host, OwnEvent, ProcessManager, ReactionError, Rejection};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Open, clock, commands_at, eventually, nobody};
use crate::process::{HOUR, Welcome, WelcomeEvent, Welcomes, types, with_welcomes};
use crate::web::{Running, host_at, start_ready};

/// The process manager's own events can be read only while it is not broken.
fn breakable(store: &MemoryStore, folder: &Path, clock: &Arc<ManualClock>, broken: &Arc<AtomicBool>) -> Host {
    let host = with_welcomes(store, folder, clock);
    let broken = broken.clone();
    host.upcasters().step("WelcomeBegun", 1, move |data| match broken.load(Ordering::SeqCst) {
        true => Err("the test said so".to_owned()),
        false => Ok(data),
    });
    host
}

/// A welcome has begun and its timer is kept; then its stream breaks, and the timer is due.
async fn broken_at_its_timer(
    store: &MemoryStore,
    folder: &Path,
    clock: &Arc<ManualClock>,
    broken: &Arc<AtomicBool>,
) -> Running {
    let running = start_ready(breakable(store, folder, clock, broken)).await;
    let commands = commands_at(store, clock.clone(), Default::default());
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the gift", async || types(store, "account-1").len() == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    running.stop().await.unwrap();
    broken.store(true, Ordering::SeqCst);
    let running = start_ready(breakable(store, folder, clock, broken)).await;
    clock.advance(HOUR);
    running
}

async fn status(running: &Running) -> Value {
    running.get("/admin/projections/welcome").await.json()
}

async fn failed(running: &Running) -> Vec<Value> {
    status(running).await["failed_timers"].as_array().cloned().unwrap_or_default()
}

#[tokio::test]
async fn a_timer_that_cannot_be_handled_is_told_and_runs_out_when_it_is_tried_again() {
    for restart in [false, true] {
        let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
        let broken = Arc::new(AtomicBool::new(false));
        let mut running = broken_at_its_timer(&store, folder.path(), &clock, &broken).await;
        eventually("the failed timer", async || failed(&running).await.len() == 1).await;
        let told = failed(&running).await.remove(0);
        assert_eq!((told["instance"].as_str(), told["name"].as_str()), (Some("1"), Some("gift")));
        assert!(told["error"].as_str().unwrap().contains("the test said so"), "{told}");
        assert_eq!(status(&running).await["state"], "live", "nothing else is held up");

        broken.store(false, Ordering::SeqCst);
        if restart {
            running.stop().await.unwrap();
            running = start_ready(breakable(&store, folder.path(), &clock, &broken)).await;
        } else {
            running.handle.control("welcome").unwrap().retry().await.unwrap();
        }
        eventually("the timer", async || types(&store, "welcome-1").contains(&"GiftMatured".to_owned())).await;
        eventually("nothing failed", async || failed(&running).await.is_empty()).await;
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_timer_is_given_up_by_a_recorded_decision_only() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let broken = Arc::new(AtomicBool::new(false));
    let running = broken_at_its_timer(&store, folder.path(), &clock, &broken).await;
    eventually("the failed timer", async || failed(&running).await.len() == 1).await;
    running.handle.control("welcome").unwrap().skip(Some("op".into())).await.unwrap();
    let recorded = store.everything().pop().unwrap();
    assert_eq!((recorded.stream(), recorded.event_type()), ("projection-welcome", "TimerSkipped"));
    assert_eq!(recorded.metadata().unwrap().actor.as_deref(), Some("op"));
    let said: Value = recorded.parse().unwrap();
    assert_eq!((&said["instance"], &said["timer"]), (&"1".into(), &"gift".into()));
    eventually("nothing failed", async || failed(&running).await.is_empty()).await;
    assert!(running.handle.control("welcome").unwrap().skip(None).await.is_err(), "there is nothing more to skip");
    running.stop().await.unwrap();

    // The decision outlives the checkpoint.
    broken.store(false, Ordering::SeqCst);
    std::fs::remove_dir_all(folder.path().join("reactions")).unwrap();
    let running = start_ready(breakable(&store, folder.path(), &clock, &broken)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!types(&store, "welcome-1").contains(&"GiftMatured".to_owned()));
    running.stop().await.unwrap();
}

/// Falls when it is asked whom an event of account 13 concerns, and when a timer of account 14 runs out.
struct FallingWelcomes;

impl ProcessManager for FallingWelcomes {
    type State = Welcome;

    fn name(&self) -> &'static str {
        Welcomes.name()
    }

    fn query(&self) -> Query {
        Welcomes.query()
    }

    fn instance(&self, event: &Recorded) -> Option<String> {
        assert_ne!(event.entity_id(), "13", "whom?");
        Welcomes.instance(event)
    }

    fn on_event(&self, state: &Welcome, event: &Recorded) -> Result<Vec<OwnEvent<Self>>, ReactionError> {
        Welcomes.on_event(state, event)
    }

    fn effects(&self, instance: &str, event: &WelcomeEvent, at: Timestamp) -> Vec<Effect> {
        Welcomes.effects(instance, event, at)
    }

    fn on_timer(&self, _state: &Welcome, _timer: &str) -> Vec<OwnEvent<Self>> {
        panic!("the timer fell")
    }

    fn on_rejected(&self, state: &Welcome, no: &Rejection) -> Vec<OwnEvent<Self>> {
        Welcomes.on_rejected(state, no)
    }
}

#[tokio::test]
async fn a_process_manager_that_panics_parks_the_event_or_keeps_the_timer() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let mut host = host_at(&store, folder.path(), clock.clone());
    host.process(FallingWelcomes).unwrap();
    let commands = host.commands();
    let running = start_ready(host).await;
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the gift", async || types(&store, "account-1").len() == 2).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    clock.advance(HOUR);
    let failed = async || running.get("/admin/projections/welcome").await.json()["failed_timers"].clone();
    eventually("the failed timer", async || failed().await.as_array().is_some_and(|all| all.len() == 1)).await;
    let error = failed().await[0]["error"].as_str().unwrap().to_owned();
    assert!(error.contains("panicked") && error.contains("the timer fell"), "{error}");

    commands.handle("13", &Open::by("bob"), &nobody()).await.unwrap();
    let status = || running.handle.followers().into_iter().find(|status| status.name == "welcomes").unwrap();
    eventually("the parked key", async || status().aside.parked.keys == 1).await;
    // Whom it concerns could not be told, so it is its stream's.
    let parked = running.handle.dead_letters("welcomes").unwrap().list(None, None, None, 9).await.unwrap().items;
    assert_eq!((&*parked[0].key, &*parked[0].failure), ("account-13", "panic"));
    assert_eq!(status().state, FollowerState::Live);
    running.stop().await.unwrap();
}
