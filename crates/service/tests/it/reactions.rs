use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_core::future::BoxFuture;
use tradewind_events::{EventId, EventType, Query, Recorded};
use tradewind_service::{
    CommandContext, CommandOptions, FollowerState, Host, Issued, Issuer, Reaction, ReactionError, Selection, StartFrom,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Deposit, Deposited, Open, Withdraw, commands, eventually, nobody};
use crate::web::{host, start, start_ready};

/// Pays a fee into the account `fees` for each deposit.
pub(crate) struct Fee {
    pub(crate) met: Arc<AtomicU64>,
    poison_cents: i64,
}

impl Default for Fee {
    fn default() -> Self {
        Self { met: Arc::default(), poison_cents: -1 }
    }
}

impl Reaction for Fee {
    fn name(&self) -> &'static str {
        "fee-on-deposit"
    }

    fn query(&self) -> Query {
        Query::types([EventType::new("Deposited").unwrap()])
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let deposited: Deposited = event.parse()?;
            if event.entity_id() == "fees" {
                return Ok(());
            }
            if deposited.cents == self.poison_cents {
                return Err(ReactionError::Poison("this amount is poison".to_owned()));
            }
            self.met.fetch_add(1, Ordering::SeqCst);
            issuer.issue("fees", &Deposit(1)).await?;
            // The rules say no, which does not stop anything.
            let refused = issuer.issue("fees", &Withdraw(1_000_000)).await?;
            assert!(matches!(refused, Issued::Rejected(no) if no.reason == "too-little"));
            Ok(())
        })
    }
}

pub(crate) fn with_fee(store: &MemoryStore, folder: &std::path::Path, poison_cents: i64) -> (Host, Arc<AtomicU64>) {
    let met = Arc::new(AtomicU64::new(0));
    let mut host = host(store, folder);
    host.reaction(Fee { met: met.clone(), poison_cents }).unwrap();
    (host, met)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_reaction_does_is_done_once_though_it_meets_events_again_after_a_crash() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, CommandOptions::default());
    for n in 0..200 {
        commands.handle(&format!("a{n}"), &Deposit(100), &nobody()).await.unwrap();
    }
    let mut met_in_all = 0;
    for pause_ms in [5, 15, 25] {
        let (host, met) = with_fee(&store, folder.path(), -1);
        let running = start(host).await;
        tokio::time::sleep(std::time::Duration::from_millis(pause_ms)).await;
        running.kill();
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        met_in_all += met.load(Ordering::SeqCst);
    }
    // Even its checkpoint may be lost: everything is met again, and comes to the same.
    std::fs::remove_dir_all(folder.path().join("reactions")).unwrap();
    let (host, met) = with_fee(&store, folder.path(), -1);
    let running = start_ready(host).await;
    assert_eq!(met.load(Ordering::SeqCst), 200, "after {met_in_all} before");
    let fees = commands.entities().load::<Account>("fees").await.unwrap();
    assert_eq!((fees.state.balance_cents, fees.state.changes), (200, 200));
    running.stop().await.unwrap();

    let (host, met) = with_fee(&store, folder.path(), -1);
    let running = start_ready(host).await;
    commands.handle("b", &Deposit(100), &nobody()).await.unwrap();
    eventually("the fee", async || met.load(Ordering::SeqCst) == 1).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_a_reaction_does_is_told_to_be_caused_by_its_event() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let (host, _) = with_fee(&store, folder.path(), -1);
    let commands = host.commands();
    let _running = start_ready(host).await;
    let mut context = nobody().at("2017-03-31T10:20:30Z".parse().unwrap());
    context.correlation_id = Some("talk-1".into());
    context.actor = Some("ann".into());
    context.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    context.tracestate = Some("a=b".into());
    commands.handle("a", &Deposit(100), &context).await.unwrap();
    eventually("the fee", async || store.everything().len() == 2).await;
    let (cause, fee) = (&store.everything()[0], &store.everything()[1]);
    let metadata = fee.metadata().unwrap();
    assert_eq!(metadata.causation_id, Some(cause.id().to_string()));
    assert_eq!(metadata.correlation_id.as_deref(), Some("talk-1"));
    assert_eq!(metadata.actor.as_deref(), Some("ann"));
    let (trace, span) = metadata.traceparent.as_deref().unwrap().split_at(36);
    assert_eq!((trace, span.len()), ("00-0af7651916cd43dd8448eb211c80319c-", 19), "the same trace");
    assert!(!span.contains("b7ad6b7169203331") && span.ends_with("-01"), "and a step of its own in it: {span}");
    assert_eq!(metadata.tracestate.as_deref(), Some("a=b"));
    assert_eq!(fee.time(), cause.time(), "what follows from a past that was brought in has its time");
}

#[tokio::test]
async fn a_reaction_waits_out_a_store_that_fails_and_parks_a_key_at_poison_until_it_is_dropped() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let (host, met) = with_fee(&store, folder.path(), 13);
    let commands = host.commands();
    let running = start_ready(host).await;
    let done = commands.handle("a", &Deposit(1), &nobody()).await.unwrap();
    assert_eq!(done.position.0, 1);
    store.refuse_next(2);
    eventually("the fee", async || store.everything().len() == 2).await;

    commands.handle("a", &Deposit(13), &nobody()).await.unwrap();
    commands.handle("b", &Deposit(2), &nobody()).await.unwrap();
    let status = || running.handle.followers().remove(0);
    eventually("the parked key", async || status().aside.parked.keys == 1).await;
    assert_eq!(status().state, FollowerState::Live);
    let control = running.handle.control("fee-on-deposit").unwrap();
    assert!(control.rebuild().await.is_err());
    assert!(control.skip(None).await.is_err(), "it has not stopped");
    let fees = async || commands.entities().load::<Account>("fees").await.unwrap().state.balance_cents;
    eventually("the other's fee", async || fees().await == 2).await;
    commands.handle("a", &Deposit(3), &nobody()).await.unwrap();
    eventually("the queue", async || status().aside.parked.events == 2).await;
    let letters = running.handle.dead_letters("fee-on-deposit").unwrap();
    letters.drop_parked(&Selection::All, false, false, Some("op".into())).await.unwrap();
    eventually("all fees", async || fees().await == 3 && met.load(Ordering::SeqCst) >= 3).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_reaction_follows_another_source_as_well() {
    let (theirs, ours) = (MemoryStore::new(), MemoryStore::new());
    let folder = tempfile::tempdir().unwrap();
    let mut host = host(&ours, folder.path());
    let met = Arc::new(AtomicU64::new(0));
    host.reaction_over(Arc::new(theirs.clone()), StartFrom::Beginning, Fee { met, poison_cents: -1 }).unwrap();
    let _running = start_ready(host).await;
    let there = commands(&theirs, CommandOptions::default());
    there.handle("a", &Open::by("ann"), &nobody()).await.unwrap();
    there.handle("a", &Deposit(5), &nobody()).await.unwrap();
    eventually("the fee", async || ours.everything().len() == 1).await;
    assert_eq!(ours.everything()[0].stream(), "account-fees");
}

#[tokio::test]
async fn a_checkpoint_ahead_of_its_store_is_one_of_another_store() {
    let folder = tempfile::tempdir().unwrap();
    for deposits in [9, 4] {
        // The second time, the store was brought back from a backup that is older than the checkpoint.
        let store = MemoryStore::new();
        let commands = commands(&store, CommandOptions::default());
        for _ in 0..deposits {
            commands.handle("a", &Deposit(100), &nobody()).await.unwrap();
        }
        let (host, _met) = with_fee(&store, folder.path(), -1);
        let running = start_ready(host).await;
        let fees = async || commands.entities().load::<Account>("fees").await.unwrap().state.balance_cents;
        eventually("the fees", async || fees().await == deposits).await;
        commands.handle("a", &Deposit(100), &nobody()).await.unwrap();
        eventually("the next fee", async || fees().await == deposits + 1).await;
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn no_key_of_a_client_is_taken_for_one_of_the_service_itself() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, CommandOptions::default());
    commands.handle("a", &Deposit(1), &CommandContext::keyed("mine")).await.unwrap();
    // The id follows from the client's own key, and so does what a reaction would make of it.
    let guessed = format!("fee-on-deposit/{}/0", EventId::derived("mine", 0));
    commands.handle("fees", &Deposit(99), &CommandContext::keyed(guessed)).await.unwrap();
    let (host, _met) = with_fee(&store, folder.path(), -1);
    let running = start_ready(host).await;
    assert_eq!(running.handle.followers()[0].state, FollowerState::Live);
    let fees = commands.entities().load::<Account>("fees").await.unwrap();
    assert_eq!((fees.state.balance_cents, fees.state.changes), (100, 2));
    running.stop().await.unwrap();
}
