//! Streams whose beginning is gone: whole by a snapshot, or an error, but never a part taken for the whole.

use tradewind_events::{Clock, EventStore, Position, Revision, StreamId};
use tradewind_service::{AsOf, CommandOptions};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Deposit, Withdraw, clock, commands, eventually, nobody};

const TRUNCATED: &str = "TW-2012";

fn stream() -> StreamId {
    StreamId::new("account-7").unwrap()
}

async fn of(events: u64, snapshot_every_events: u64) -> MemoryStore {
    let store = MemoryStore::new();
    let commands = commands(&store, CommandOptions { snapshot_every_events, ..CommandOptions::default() });
    for _ in 0..events {
        commands.handle("7", &Deposit(1), &nobody()).await.unwrap();
    }
    store
}

async fn snapshot_at(store: &MemoryStore, revision: u64) {
    eventually("the snapshot", async || {
        store.load_snapshot(&stream()).await.unwrap().is_some_and(|snapshot| snapshot.revision == Revision(revision))
    })
    .await;
}

#[tokio::test]
async fn a_truncated_stream_without_a_snapshot_is_an_error() {
    for events in [10, 300, 600] {
        let store = of(events, 0).await;
        store.truncate(&stream(), Revision(events / 2)).await.unwrap();
        let commands = commands(&store, CommandOptions::default());
        let loaded = commands.entities().load::<Account>("7").await;
        assert_eq!(loaded.unwrap_err().code().to_string(), TRUNCATED, "of {events} events");
        let handled = commands.handle("7", &Deposit(1), &nobody()).await;
        assert_eq!(handled.unwrap_err().code().to_string(), TRUNCATED, "of {events} events");
    }
}

#[tokio::test]
async fn a_snapshot_that_is_older_than_what_is_gone_does_not_help() {
    let store = of(10, 4).await;
    snapshot_at(&store, 7).await;
    store.truncate(&stream(), Revision(8)).await.unwrap();
    let commands = commands(&store, CommandOptions { snapshot_every_events: 0, ..CommandOptions::default() });
    let whole = commands.entities().load::<Account>("7").await.unwrap();
    assert_eq!((whole.state.balance_cents, whole.revision), (10, Some(Revision(9))), "it reaches up to the gap");
    store.truncate(&stream(), Revision(9)).await.unwrap();
    let loaded = commands.entities().load::<Account>("7").await;
    assert_eq!(loaded.unwrap_err().code().to_string(), TRUNCATED);
}

#[tokio::test]
async fn a_remembered_entity_behind_a_gap_is_made_anew_from_the_snapshot() {
    let store = of(3, 0).await;
    let here = commands(&store, CommandOptions::default());
    here.handle("7", &Deposit(1), &nobody()).await.unwrap();
    let there = commands(&store, CommandOptions { snapshot_every_events: 10, ..CommandOptions::default() });
    for _ in 0..16 {
        there.handle("7", &Deposit(1), &nobody()).await.unwrap();
    }
    snapshot_at(&store, 19).await;
    store.truncate(&stream(), Revision(19)).await.unwrap();
    here.handle("7", &Withdraw(20), &nobody()).await.unwrap();
    let account = here.entities().load::<Account>("7").await.unwrap();
    assert_eq!((account.state.balance_cents, account.revision), (0, Some(Revision(20))));
}

#[tokio::test]
async fn the_past_of_a_truncated_stream_is_made_of_a_snapshot_that_is_not_newer_or_is_an_error() {
    let store = of(20, 10).await;
    snapshot_at(&store, 19).await;
    store.truncate(&stream(), Revision(15)).await.unwrap();
    let entities = commands(&store, CommandOptions::default()).entities();
    let as_of = async |moment| entities.load_as_of::<Account>("7", moment).await;
    assert_eq!(as_of(AsOf::Position(Position(20))).await.unwrap().state.balance_cents, 20);
    for moment in [AsOf::Position(Position(18)), AsOf::Time(clock().now())] {
        assert_eq!(as_of(moment).await.unwrap_err().code().to_string(), TRUNCATED, "as of {moment}");
    }
}
