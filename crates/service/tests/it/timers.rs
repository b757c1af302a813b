//! Timers that cannot be handled: kept, told, and tried again or given up by somebody's decision.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::Value;
use tradewind_events::{
    Append, AppendError, Appended, Direction, EventSource, EventStore, ManualClock, Page, Position, Query, ReadError,
    Recorded, Revision, Snapshot, StreamId, StreamSlice, Subscription, Timestamp,
};
use tradewind_service::{Effect, FollowerState, Host, HostOptions, OwnEvent, ProcessManager, ReactionError, Rejection};
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

/// A store that takes nothing for the process manager's own streams while it is told to be so.
struct Refusing {
    inner: MemoryStore,
    refuses: AtomicBool,
    /// Whether it says that it is away, or that somebody else was faster.
    is_away: bool,
    refused: AtomicU64,
}

impl EventSource for Refusing {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }
    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.inner.read(after, query, limit)
    }
    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        self.inner.subscribe(after, query)
    }
    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.inner.read_stream(stream, from, direction, limit)
    }
    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.position_at(moment)
    }
}

impl EventStore for Refusing {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        let part = &append.streams[0];
        let (stream, expected) = (part.stream.clone(), part.expected);
        if !self.refuses.load(Ordering::SeqCst) || !stream.as_str().starts_with("welcome-") {
            return self.inner.append(append);
        }
        self.refused.fetch_add(1, Ordering::SeqCst);
        let is_away = self.is_away;
        Box::pin(async move {
            Err(match is_away {
                true => AppendError::Unavailable("the test said so".to_owned()),
                false => AppendError::WrongRevision { stream, expected, actual: Some(Revision(99)) },
            })
        })
    }
    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>> {
        self.inner.truncate(stream, before)
    }
    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        self.inner.load_snapshot(stream)
    }
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        self.inner.save_snapshot(snapshot)
    }
}

/// How often the timers of so many accounts were tried within two seconds in which none could be.
async fn tries(accounts: usize, is_away: bool) -> u64 {
    let (inner, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let (refuses, refused) = (AtomicBool::new(false), AtomicU64::new(0));
    let store = Arc::new(Refusing { inner: inner.clone(), refuses, is_away, refused });
    let mut options = HostOptions::new("bank", "127.0.0.1:0".parse().unwrap(), folder.path());
    options.commands.retries_max = 0;
    let mut host = Host::new(options, store.clone(), clock.clone());
    host.process(Welcomes).unwrap();
    let commands = host.commands();
    let running = start_ready(host).await;
    for account in 0..accounts {
        commands.handle(&account.to_string(), &Open::by("ann"), &nobody()).await.unwrap();
    }
    let all_have = |kind: &str, times: usize| {
        inner.everything().iter().filter(|event| event.event_type() == kind).count() == times
    };
    eventually("the gifts", async || all_have("Deposited", accounts)).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    store.refuses.store(true, Ordering::SeqCst);
    clock.advance(HOUR);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let tries = store.refused.load(Ordering::SeqCst);
    store.refuses.store(false, Ordering::SeqCst);
    eventually("the timers", async || all_have("GiftMatured", accounts)).await;
    running.stop().await.unwrap();
    tries
}

#[tokio::test]
async fn a_timer_that_fails_and_may_succeed_later_is_tried_after_pauses_that_grow() {
    let tries = tries(3, false).await;
    // 50, 100, 200, 400, 800 ms and so on, less up to half of each; every 50 ms it would be 40 for each.
    assert!((9..=24).contains(&tries), "{tries}");
}

#[tokio::test]
async fn timers_pause_while_nothing_works() {
    let tries = tries(40, true).await;
    // What was under way when it was noticed, and then one now and then.
    assert!((2..=70).contains(&tries), "{tries}");
}
