//! Where what follows another service begins, and being given its past by somebody.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::http::StatusCode;
use futures_core::future::BoxFuture;
use tradewind_events::{EventSource, Page, Position, Query, Recorded};
use tradewind_http::wire::page::write_page;
use tradewind_service::{
    CommandOptions, FollowerState, HostError, Issuer, QueryContext, Reaction, ReactionError, ReadModel, StartFrom,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, commands, eventually, nobody};
use crate::projections::total;
use crate::web::{Got, Running, host, start, start_ready};

/// A bank that others follow.
async fn bank(deposits: i64) -> MemoryStore {
    let store = MemoryStore::new();
    deposit(&store, deposits).await;
    store
}

async fn deposit(store: &MemoryStore, times: i64) {
    let commands = commands(store, CommandOptions::default());
    for _ in 0..times {
        commands.handle("a", &Deposit(100), &nobody()).await.unwrap();
    }
}

/// A service with a copy of the bank's balances.
async fn follower(bank: &MemoryStore, from: StartFrom, folder: &Path) -> (Running, ReadModel) {
    let mut host = host(&MemoryStore::new(), folder);
    let copy = host.projection_over(Arc::new(bank.clone()), from, Balances::default()).unwrap();
    (start(host).await, copy)
}

async fn sum(copy: &ReadModel) -> (i64, i64) {
    copy.query(&QueryContext::default(), total).await.unwrap().value
}

async fn is_at(copy: &ReadModel, position: u64) {
    eventually("the position", async || copy.position() == Position(position)).await;
}

async fn page(bank: &MemoryStore, after: u64, through: u64) -> String {
    let Page { mut events, head, .. } = bank.read(Position(after), &Query::all(), 1_000).await.unwrap();
    events.retain(|event| event.position().0 <= through);
    String::from_utf8(write_page(&Page { events, through: Position(through), head }, "/bank")).unwrap()
}

async fn hand_over(running: &Running, bank: &MemoryStore, after: u64, through: u64, last: bool) -> Got {
    let path = format!("/admin/subscriptions/balances/seed?after={after}&last={last}");
    running.send("POST", &path, &[], &page(bank, after, through).await).await
}

#[tokio::test]
async fn from_now_begins_at_the_head_once_and_a_read_model_that_is_made_anew_begins_there_too() {
    let (bank, folder) = (bank(3).await, tempfile::tempdir().unwrap());
    let (running, copy) = follower(&bank, StartFrom::Now, folder.path()).await;
    is_at(&copy, 3).await;
    deposit(&bank, 2).await;
    is_at(&copy, 5).await;
    assert_eq!(sum(&copy).await, (200, 2));
    running.handle.control("balances").unwrap().rebuild().await.unwrap();
    eventually("the new one", async || running.handle.followers()[0].rebuilding.is_none()).await;
    assert_eq!(sum(&copy).await, (200, 2));
    running.stop().await.unwrap();

    // What came while it was away is not skipped, though nothing was kept but where it began.
    deposit(&bank, 1).await;
    let (running, copy) = follower(&bank, StartFrom::Now, folder.path()).await;
    is_at(&copy, 6).await;
    assert_eq!(sum(&copy).await, (300, 3));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn from_now_in_an_empty_source_is_its_beginning_also_after_a_crash() {
    let (bank, folder) = (bank(0).await, tempfile::tempdir().unwrap());
    let (running, _) = follower(&bank, StartFrom::Now, folder.path()).await;
    eventually("readiness", async || running.handle.is_ready()).await;
    running.kill();
    deposit(&bank, 2).await;
    let (running, copy) = follower(&bank, StartFrom::Now, folder.path()).await;
    is_at(&copy, 2).await;
    assert_eq!(sum(&copy).await, (200, 2));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_checkpoint_that_is_there_wins_whatever_is_said() {
    let (bank, folder) = (bank(3).await, tempfile::tempdir().unwrap());
    for from in [StartFrom::Beginning, StartFrom::Now, StartFrom::Snapshot] {
        deposit(&bank, 1).await;
        let (running, copy) = follower(&bank, from, folder.path()).await;
        let head = bank.head().await.unwrap();
        is_at(&copy, head.0).await;
        assert_eq!(sum(&copy).await, (100 * head.0 as i64, head.0 as i64), "{from:?}");
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn from_a_snapshot_waits_for_all_of_it_and_then_follows_from_the_next_event() {
    let (bank, folder) = (bank(10).await, tempfile::tempdir().unwrap());
    let (running, copy) = follower(&bank, StartFrom::Snapshot, folder.path()).await;
    let told = running.get("/admin/subscriptions").await.json();
    let told = &told["items"][0];
    assert_eq!((&told["name"], &told["from"]), (&"balances".into(), &"snapshot".into()), "{told}");
    assert_eq!((&told["position"], &told["can_be_seeded"]), (&0.into(), &true.into()), "{told}");

    let handed = hand_over(&running, &bank, 0, 4, false).await;
    assert_eq!((handed.status, handed.json()["position"].as_u64()), (StatusCode::OK, Some(4)));
    // Twice is once: the follower says where it is.
    let again = hand_over(&running, &bank, 0, 4, false).await;
    assert_eq!((again.status, again.json()["code"].clone()), (StatusCode::CONFLICT, "TW-2014".into()));
    assert_eq!(again.json()["position"], 4);
    // Neither the service's end nor time makes it follow before it has all.
    running.stop().await.unwrap();
    let (running, copy_again) = follower(&bank, StartFrom::Snapshot, folder.path()).await;
    drop(copy);
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert_eq!((sum(&copy_again).await, running.handle.is_ready()), ((400, 4), false));
    deposit(&bank, 2).await;

    let handed = hand_over(&running, &bank, 4, 10, true).await;
    assert_eq!(handed.json()["position"], 10);
    is_at(&copy_again, 12).await;
    assert_eq!(sum(&copy_again).await, (1_200, 12));
    eventually("readiness", async || running.handle.is_ready()).await;
    running.stop().await.unwrap();
    deposit(&bank, 1).await;
    let (running, copy) = follower(&bank, StartFrom::Snapshot, folder.path()).await;
    is_at(&copy, 13).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn one_that_follows_lets_itself_be_seeded_and_goes_on_by_itself_when_it_is_left() {
    let (bank, folder) = (bank(3).await, tempfile::tempdir().unwrap());
    let (running, copy) = follower(&bank, StartFrom::Beginning, folder.path()).await;
    is_at(&copy, 3).await;
    deposit(&bank, 1).await;
    is_at(&copy, 4).await;
    let elsewhere = hand_over(&running, &bank, 0, 4, false).await;
    assert_eq!((elsewhere.status, elsewhere.json()["position"].as_u64()), (StatusCode::CONFLICT, Some(4)));
    // Now it waits for who seeds it.
    deposit(&bank, 2).await;
    assert_eq!(hand_over(&running, &bank, 4, 5, false).await.json()["position"], 5);
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    assert_eq!(copy.position(), Position(5));
    // Who does not come again, since he was killed.
    eventually("going on", async || copy.position() == Position(6)).await;
    assert_eq!(sum(&copy).await, (600, 6));
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_applied_or_is_out_of_order_is_refused() {
    let (bank, folder) = (bank(2).await, tempfile::tempdir().unwrap());
    let mut host = host(&MemoryStore::new(), folder.path());
    let poison = Balances { poison_cents: 13, parks: false, ..Balances::default() };
    host.projection_over(Arc::new(bank.clone()), StartFrom::Snapshot, poison).unwrap();
    let running = start(host).await;
    let path = "/admin/subscriptions/balances/seed?after=1";
    let out_of_order = running.send("POST", path, &[], &page(&bank, 0, 2).await).await;
    assert_eq!(out_of_order.status, StatusCode::BAD_REQUEST, "{}", out_of_order.text);
    let nonsense = running.send("POST", path, &[], "{}").await;
    assert_eq!(nonsense.status, StatusCode::BAD_REQUEST, "{}", nonsense.text);
    let nobody_knows = running.send("POST", "/admin/subscriptions/nothing/seed?after=0", &[], "{}").await;
    assert_eq!(nobody_knows.status, StatusCode::NOT_FOUND);
    commands(&bank, CommandOptions::default()).handle("a", &Deposit(13), &nobody()).await.unwrap();
    let stopped = hand_over(&running, &bank, 0, 3, false).await;
    assert_eq!(stopped.status, StatusCode::CONFLICT, "{}", stopped.text);
    let status = running.handle.followers().remove(0);
    assert_eq!((status.state, status.position), (FollowerState::Stopped, Position(2)));
    running.stop().await.unwrap();
}

/// Counts what it meets.
struct Counts(Arc<AtomicU64>);

impl Reaction for Counts {
    fn name(&self) -> &'static str {
        "counts"
    }
    fn query(&self) -> Query {
        Query::category("account")
    }
    fn react<'a>(&'a self, _: &'a Recorded, _: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Box::pin(async { Ok(()) })
    }
}

#[tokio::test]
async fn a_reaction_from_now_meets_nothing_of_the_past_and_nobody_can_hand_it_one() {
    let (bank, folder) = (bank(3).await, tempfile::tempdir().unwrap());
    let met = Arc::new(AtomicU64::new(0));
    for expected in [2, 3] {
        let mut host = host(&MemoryStore::new(), folder.path());
        host.reaction_over(Arc::new(bank.clone()), StartFrom::Now, Counts(met.clone())).unwrap();
        let running = start_ready(host).await;
        let refused = running.send("POST", "/admin/subscriptions/counts/seed?after=0", &[], "{}").await;
        assert_eq!((refused.status, refused.json()["code"].clone()), (StatusCode::CONFLICT, "TW-2014".into()));
        deposit(&bank, 1).await;
        if expected == 2 {
            deposit(&bank, 1).await;
        }
        eventually("what is new", async || met.load(Ordering::SeqCst) == expected).await;
        running.stop().await.unwrap();
    }
    let mut host = host(&MemoryStore::new(), tempfile::tempdir().unwrap().path());
    let refused = host.reaction_over(Arc::new(bank), StartFrom::Snapshot, Counts(met));
    assert!(matches!(refused, Err(HostError::NoSnapshot("counts"))), "{refused:?}");
}
