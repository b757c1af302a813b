use tokio::task::JoinSet;
use tradewind_events::{Direction, EventSource, EventStore, Revision, StreamId};
use tradewind_service::{CommandContext, CommandError, CommandOptions};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Deposit, Open, Withdraw, clock, commands, commands_at, eventually, nobody};

fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

fn uncached() -> CommandOptions {
    CommandOptions { cached_entities_max: 0, ..CommandOptions::default() }
}

#[tokio::test]
async fn a_command_is_acknowledged_with_the_position_of_its_last_event() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    commands.handle("7", &Open::by("ann"), &nobody()).await.unwrap();
    let done = commands.handle("7", &Deposit(500), &nobody()).await.unwrap();
    assert_eq!((done.position.0, done.revision, done.duplicate), (2, Some(Revision(1)), false));
    let entity = commands.entities().load::<Account>("7").await.unwrap();
    assert_eq!((entity.state.balance_cents, entity.state.owner.as_deref()), (500, Some("ann")));
}

#[tokio::test]
async fn a_rejected_command_records_nothing_and_tells_its_reason() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    let refused = commands.handle("7", &Withdraw(1), &nobody()).await;
    assert!(matches!(refused, Err(CommandError::Rejected(no)) if no.reason == "too-little"));
    assert!(store.everything().is_empty());
}

#[tokio::test]
async fn a_command_that_changes_nothing_is_acknowledged_where_the_entity_stands() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    commands.handle("7", &Deposit(5), &nobody()).await.unwrap();
    let done = commands.handle("7", &Withdraw(0), &nobody()).await.unwrap();
    assert_eq!(done.position.0, 1);
    assert_eq!(store.everything().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_of_one_entity_all_succeed_within_the_bound_and_none_is_lost() {
    for cached in [0, 100] {
        let store = MemoryStore::new();
        let options = CommandOptions { cached_entities_max: cached, ..CommandOptions::default() };
        let mut writers = JoinSet::new();
        // Each has its own handler, as processes of their own would, so that they do meet in the store.
        for _ in 0..16 {
            let commands = commands(&store, options.clone());
            writers.spawn(async move {
                for _ in 0..20 {
                    commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
                }
            });
        }
        while let Some(done) = writers.join_next().await {
            done.unwrap();
        }
        let account = commands(&store, options).entities().load::<Account>("7").await.unwrap();
        assert_eq!((account.state.balance_cents, account.state.changes), (320, 320));
    }
}

#[tokio::test]
async fn a_conflict_that_does_not_end_is_given_up_after_the_bound() {
    let inner = MemoryStore::new();
    let store = crate::web::AlwaysBehind(inner.clone());
    let options = CommandOptions { retries_max: 3, ..CommandOptions::default() };
    let commands = tradewind_service::Commands::new(std::sync::Arc::new(store), clock(), Default::default(), options);
    let given_up = commands.handle("7", &Deposit(1), &nobody()).await;
    assert!(matches!(given_up, Err(CommandError::Contention { attempts: 4 })), "{given_up:?}");
}

#[tokio::test]
async fn a_remembered_entity_never_refuses_what_the_stored_one_grants() {
    let store = MemoryStore::new();
    let (here, there) = (commands(&store, CommandOptions::default()), commands(&store, CommandOptions::default()));
    here.handle("7", &Deposit(1), &nobody()).await.unwrap();
    there.handle("7", &Deposit(99), &nobody()).await.unwrap();
    here.handle("7", &Withdraw(100), &nobody()).await.unwrap();
}

#[tokio::test]
async fn every_nth_event_leaves_a_snapshot_and_loading_from_it_comes_to_the_same() {
    let store = MemoryStore::new();
    let options = CommandOptions { snapshot_every_events: 100, ..uncached() };
    let commands = commands(&store, options);
    for _ in 0..300 {
        commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
    }
    eventually("the snapshot", async || {
        let snapshot = store.load_snapshot(&stream("account-7")).await.unwrap();
        snapshot.is_some_and(|snapshot| snapshot.revision == Revision(299) && snapshot.schema == "account/1")
    })
    .await;
    // What the snapshot stands for may go: the state is still whole.
    commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
    store.truncate(&stream("account-7"), Revision(295)).await.unwrap();
    let account = commands.entities().load::<Account>("7").await.unwrap();
    assert_eq!((account.state.balance_cents, account.revision), (301, Some(Revision(300))));
}

#[tokio::test]
async fn a_snapshot_of_another_version_or_damaged_is_passed_over() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions { snapshot_every_events: 0, ..uncached() });
    for _ in 0..300 {
        commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
    }
    for (schema, state) in [("account/9", "{}"), ("account/1", "{broken")] {
        let (revision, position) = (Revision(290), tradewind_events::Position(291));
        let state = state.into();
        let stream = stream("account-7");
        let snapshot = tradewind_events::Snapshot { stream, revision, position, schema: schema.into(), state };
        store.save_snapshot(snapshot).await.unwrap();
        let account = commands.entities().load::<Account>("7").await.unwrap();
        assert_eq!(account.state.balance_cents, 300, "{schema}");
    }
}

#[tokio::test]
async fn a_rule_that_spans_entities_holds_by_its_condition() {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions::default());
    let only = |owner: &str| Open { only_one: true, ..Open::by(owner) };
    commands.handle("1", &only("ann, jr."), &nobody()).await.unwrap();
    let refused = commands.handle("2", &only("ann, jr."), &nobody()).await;
    assert!(matches!(refused, Err(CommandError::ConditionFailed { position }) if position.0 == 1), "{refused:?}");
    commands.handle("2", &only("bob"), &nobody()).await.unwrap();
}

#[tokio::test]
async fn where_a_command_comes_from_is_told_by_its_events() {
    let store = MemoryStore::new();
    let clock = clock();
    let commands = commands_at(&store, clock.clone(), CommandOptions::default());
    let context = CommandContext {
        correlation_id: Some("talk-1".into()),
        actor: Some("ann".into()),
        traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into()),
        tracestate: Some("a=b".into()),
        ..CommandContext::keyed("key-1")
    };
    commands.handle("7", &Open::by("ann"), &context).await.unwrap();
    let slice = store.read_stream(&stream("account-7"), Revision::FIRST, Direction::Forward, 9).await.unwrap();
    let event = &slice.events[0];
    let metadata = event.metadata().unwrap();
    assert_eq!(metadata.correlation_id.as_deref(), Some("talk-1"));
    assert_eq!(metadata.causation_id.as_deref(), Some("key-1"));
    assert_eq!(metadata.actor.as_deref(), Some("ann"));
    assert!(metadata.traceparent.is_some() && metadata.tracestate.is_some());
    assert_eq!(metadata.schema_version, 2, "the payload's version is stored with it");
    assert_eq!(event.tags().collect::<Vec<_>>(), ["owner:ann"]);
    assert_eq!(event.time(), tradewind_events::Clock::now(&*clock));
    // Something brought in from the past has its own time.
    let then = "2017-03-31T10:20:30Z".parse().unwrap();
    commands.handle("7", &Deposit(1), &nobody().at(then)).await.unwrap();
    assert_eq!(store.everything()[1].time(), then);
}
