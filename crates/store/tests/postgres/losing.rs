//! Stores that lose their end, as in a failover to an asynchronous standby, and those who had read further.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tradewind_events::{Append, EventStore, ExpectedRevision, Position, Query, StreamId, Subscription};
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::load::{PATIENCE, event};

/// A store of three events in one stream, which looks for new ones only when somebody begins to follow.
struct Losing {
    store: Arc<dyn EventStore>,
    schema: String,
}

impl Losing {
    async fn new() -> Self {
        let url = Postgres::shared().fresh_url();
        let mut options = OpenOptions::default();
        options.postgres.poll_every = Duration::from_secs(600);
        let store = open(&url, options).await.unwrap();
        for _ in 0..3 {
            let stream = StreamId::new("a-1").unwrap();
            store.append(Append::to(stream, ExpectedRevision::Any, vec![event(&[])])).await.unwrap();
        }
        Self { store, schema: url.rsplit('=').next().unwrap().to_owned() }
    }

    async fn follow(&self) -> Subscription {
        self.store.subscribe(Position::START, Query::all()).await.unwrap()
    }

    /// Has the store lose all but its first event.
    fn lose(&self) {
        self.query("DELETE FROM {s}.events WHERE position > 1");
    }

    /// Other events come, up to a position, of which nobody is told.
    fn grow(&self, to: u64) {
        self.query(&format!(
            "INSERT INTO {{s}}.events SELECT n, stream, n - 1, time, recorded_at, kind, edges, gen_random_uuid(), tags,
                 metadata, data FROM {{s}}.events, generate_series(2, {to}) n WHERE position = 1"
        ));
    }

    fn query(&self, sql: &str) {
        Postgres::shared().query(&sql.replace("{s}", &self.schema));
    }
}

/// Follows to a position.
async fn until(follower: &mut Subscription, position: u64) {
    let coming = async { while follower.next().await.unwrap().unwrap().through < Position(position) {} };
    tokio::time::timeout(PATIENCE, coming).await.expect("a follower gets nothing");
}

/// Follows until it is told why it cannot.
async fn is_told(follower: &mut Subscription) {
    let telling = async {
        loop {
            match follower.next().await.unwrap() {
                Ok(delivery) => assert!(delivery.through <= Position(3), "it goes on, to {}", delivery.through),
                Err(error) => return error.to_string(),
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, telling).await.expect("it does not notice");
    assert!(told.contains("a failover lost events"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_had_read_further_is_told_and_who_begins_behind_the_loss_follows() {
    if is_left_out("postgres") {
        return;
    }
    let losing = Losing::new().await;
    let (mut follower, mut later) = (losing.follow().await, losing.follow().await);
    until(&mut follower, 3).await;
    losing.lose();
    let mut new = losing.follow().await;
    is_told(&mut follower).await;
    // What is handed around is behind the loss, and behind what these read now.
    losing.grow(2);
    for follower in [&mut later, &mut new] {
        until(follower, 2).await;
    }
    let stream = StreamId::new("a-1").unwrap();
    losing.store.append(Append::to(stream, ExpectedRevision::Any, vec![event(&[])])).await.unwrap();
    for follower in [&mut later, &mut new] {
        until(follower, 3).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_looks_only_when_the_store_has_grown_again_is_told_too() {
    if is_left_out("postgres") {
        return;
    }
    let losing = Losing::new().await;
    let (mut follower, mut sleeping) = (losing.follow().await, losing.follow().await);
    until(&mut follower, 3).await;
    until(&mut sleeping, 3).await;
    losing.lose();
    let mut new = losing.follow().await;
    is_told(&mut follower).await;
    losing.grow(5);
    until(&mut new, 5).await;
    let stream = StreamId::new("a-1").unwrap();
    losing.store.append(Append::to(stream, ExpectedRevision::Any, vec![event(&[])])).await.unwrap();
    until(&mut new, 6).await;
    is_told(&mut sleeping).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_lost_its_end_and_has_grown_again_before_anybody_looked_is_noticed() {
    if is_left_out("postgres") {
        return;
    }
    let losing = Losing::new().await;
    let mut follower = losing.follow().await;
    until(&mut follower, 3).await;
    // It has been handed around what there is.
    let stream = StreamId::new("b-1").unwrap();
    losing.store.append(Append::to(stream, ExpectedRevision::Any, vec![event(&[])])).await.unwrap();
    until(&mut follower, 4).await;
    losing.query("DELETE FROM {s}.events WHERE position = 4");
    losing.query(
        "INSERT INTO {s}.events SELECT n, stream, n - 1, time, recorded_at, kind, edges, gen_random_uuid(), tags,
             metadata, data FROM {s}.events, generate_series(4, 6) n WHERE position = 1",
    );
    let _ = losing.follow().await;
    let telling = async {
        loop {
            match follower.next().await.unwrap() {
                Ok(delivery) => assert!(delivery.through <= Position(4), "it goes on, to {}", delivery.through),
                Err(error) => return error.to_string(),
            }
        }
    };
    let told = tokio::time::timeout(PATIENCE, telling).await.expect("it does not notice");
    assert!(told.contains("a failover lost events"), "{told}");
}
