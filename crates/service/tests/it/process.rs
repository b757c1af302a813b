use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tradewind_events::{Clock, EventType, ManualClock, Query, Recorded, Timestamp};
use tradewind_service::{Effect, Entity, Host, OwnEvent, ProcessManager, ReactionError, Rejection, events};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Deposit, Open, Withdraw, clock, eventually, nobody};
use crate::web::{Backend, host_at, start, start_ready};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct WelcomeBegun {}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GiftMatured {}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ClawbackRefused {
    reason: String,
}
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct GiftCancelled {}

events! {
    pub(crate) enum WelcomeEvent { WelcomeBegun, GiftMatured, ClawbackRefused, GiftCancelled }
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
pub(crate) struct Welcome {
    begun: bool,
    matured: bool,
    over: bool,
}

impl Entity for Welcome {
    const CATEGORY: &'static str = "welcome";
    const STATE_VERSION: u16 = 1;
    type Event = WelcomeEvent;

    fn evolve(&mut self, event: &WelcomeEvent) {
        match event {
            WelcomeEvent::WelcomeBegun(_) => self.begun = true,
            WelcomeEvent::GiftMatured(_) => self.matured = true,
            WelcomeEvent::ClawbackRefused(_) | WelcomeEvent::GiftCancelled(_) => self.over = true,
        }
    }
}

/// A new account is given 10 cents at once, and an hour later 1,000 are to be taken back, which the rules refuse.
/// A withdrawal before that ends it.
pub(crate) struct Welcomes;

pub(crate) const HOUR: Duration = Duration::from_secs(3_600);

impl ProcessManager for Welcomes {
    type State = Welcome;

    fn name(&self) -> &'static str {
        "welcomes"
    }

    fn query(&self) -> Query {
        Query::types(["Opened", "Withdrawn"].map(|name| EventType::new(name).unwrap()))
    }

    fn instance(&self, event: &Recorded) -> Option<String> {
        (event.category() == "account").then(|| event.entity_id().to_owned())
    }

    fn on_event(&self, state: &Welcome, event: &Recorded) -> Result<Vec<OwnEvent<Self>>, ReactionError> {
        Ok(match event.event_type() {
            "Opened" if !state.begun => vec![WelcomeBegun {}.into()],
            "Withdrawn" if state.begun && !state.matured => vec![GiftCancelled {}.into()],
            _ => Vec::new(),
        })
    }

    fn effects(&self, instance: &str, event: &WelcomeEvent, at: Timestamp) -> Vec<Effect> {
        match event {
            WelcomeEvent::WelcomeBegun(_) => {
                vec![Effect::command(instance, Deposit(10)), Effect::timer("gift", at.plus(HOUR))]
            }
            WelcomeEvent::GiftMatured(_) => vec![Effect::command(instance, Withdraw(1_000))],
            WelcomeEvent::GiftCancelled(_) => vec![Effect::cancel("gift")],
            WelcomeEvent::ClawbackRefused(_) => Vec::new(),
        }
    }

    fn on_timer(&self, state: &Welcome, timer: &str) -> Vec<OwnEvent<Self>> {
        assert_eq!(timer, "gift");
        if state.over { Vec::new() } else { vec![GiftMatured {}.into()] }
    }

    fn on_rejected(&self, _state: &Welcome, no: &Rejection) -> Vec<OwnEvent<Self>> {
        vec![ClawbackRefused { reason: no.reason.to_owned() }.into()]
    }
}

pub(crate) fn with_welcomes(store: &MemoryStore, folder: &std::path::Path, clock: &Arc<ManualClock>) -> Host {
    let mut host = host_at(store, folder, clock.clone());
    host.process(Welcomes).unwrap();
    host
}

/// One of several instances, if they share something.
pub(crate) fn instance_with_welcomes(
    backend: &Backend,
    name: &str,
    store: &MemoryStore,
    folder: &std::path::Path,
    clock: &Arc<ManualClock>,
) -> Host {
    let mut host = backend.instance_at(name, store, folder, clock.clone());
    host.process(Welcomes).unwrap();
    host
}

pub(crate) fn types(store: &MemoryStore, stream: &str) -> Vec<String> {
    let all = store.everything();
    all.iter().filter(|event| event.stream() == stream).map(|event| event.event_type().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_drives_others_and_its_timers_survive_restarts_and_the_loss_of_its_checkpoints() {
    for lose_checkpoints in [false, true] {
        let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
        let host = with_welcomes(&store, folder.path(), &clock);
        let commands = host.commands();
        let running = start_ready(host).await;
        commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
        eventually("the gift", async || types(&store, "account-1") == ["Opened", "Deposited"]).await;
        // Until the timer is known to be kept.
        tokio::time::sleep(Duration::from_millis(100)).await;
        running.kill();
        tokio::time::sleep(Duration::from_millis(200)).await;
        if lose_checkpoints {
            std::fs::remove_dir_all(folder.path().join("reactions")).unwrap();
        }

        let running = start_ready(with_welcomes(&store, folder.path(), &clock)).await;
        clock.advance(HOUR - Duration::from_secs(1));
        tokio::time::sleep(Duration::from_millis(150)).await;
        assert_eq!(types(&store, "welcome-1"), ["WelcomeBegun"], "not before it is due");
        clock.advance(Duration::from_secs(1));
        let all = ["WelcomeBegun", "GiftMatured", "ClawbackRefused"];
        eventually("the timer", async || types(&store, "welcome-1") == all).await;
        running.stop().await.unwrap();

        // Nothing happens twice, whatever is met again.
        std::fs::remove_dir_all(folder.path().join("reactions")).unwrap();
        let running = start_ready(with_welcomes(&store, folder.path(), &clock)).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        assert_eq!(types(&store, "welcome-1"), all);
        assert_eq!(types(&store, "account-1"), ["Opened", "Deposited"]);
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_cancelled_timer_does_not_run_out() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let host = with_welcomes(&store, folder.path(), &clock);
    let commands = host.commands();
    let running = start(host).await;
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the gift", async || types(&store, "account-1").len() == 2).await;
    commands.handle("1", &Withdraw(1), &nobody()).await.unwrap();
    eventually("the end", async || types(&store, "welcome-1") == ["WelcomeBegun", "GiftCancelled"]).await;
    clock.advance(HOUR * 2);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(types(&store, "welcome-1"), ["WelcomeBegun", "GiftCancelled"]);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_past_that_is_brought_in_unfolds_at_its_own_times() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let host = with_welcomes(&store, folder.path(), &clock);
    let commands = host.commands();
    let running = start_ready(host).await;
    let then: Timestamp = "2017-03-31T10:20:30Z".parse().unwrap();
    let mut context = nobody().at(then);
    context.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    commands.handle("1", &Open::by("ann"), &context).await.unwrap();
    eventually("its end", async || types(&store, "welcome-1").len() == 3).await;
    let all = store.everything();
    let traces: Vec<_> = all.iter().map(|event| event.metadata().unwrap().traceparent.unwrap()).collect();
    assert!(traces.iter().all(|trace| trace.starts_with("00-0af7651916cd43dd8448eb211c80319c-")), "{traces:?}");
    assert!(traces.iter().enumerate().all(|(n, trace)| !traces[..n].contains(trace)), "each is a step: {traces:?}");
    let time = |kind: &str| all.iter().find(|event| event.event_type() == kind).unwrap().time();
    assert_eq!((time("WelcomeBegun"), time("Deposited")), (then, then));
    assert_eq!((time("GiftMatured"), time("ClawbackRefused")), (then.plus(HOUR), then.plus(HOUR)));
    assert!(clock.now() > then.plus(HOUR * 1_000));
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_instances_run_side_by_side() {
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let host = with_welcomes(&store, folder.path(), &clock);
    let commands = host.commands();
    let running = start_ready(host).await;
    for n in 0..300 {
        commands.handle(&n.to_string(), &Open::by("ann"), &nobody()).await.unwrap();
    }
    eventually("all gifts", async || store.everything().len() == 900).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    clock.advance(HOUR);
    eventually("all timers", async || store.everything().len() == 1_500).await;
    for n in 0..300 {
        let account = commands.entities().load::<Account>(&n.to_string()).await.unwrap();
        assert_eq!(account.state.balance_cents, 10);
    }
    running.stop().await.unwrap();
}
