//! Servers that fall: restarts under load, and a standby that takes over.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::servers::{Postgres, StopMode, is_left_out};

use crate::load::{Acknowledged, Follower, PATIENCE, Store, check, event, write};

/// Sixteen writers in this process.
struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Acknowledged,
    writers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(store: &Store) -> Self {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Acknowledged::default());
        let writers = (0..16).map(|number| {
            let notes = acknowledged.clone();
            let note = move |position, id| notes.note(position, id);
            tokio::spawn(write(Arc::clone(store), number.to_string(), Arc::clone(&stop), note))
        });
        let writers = writers.collect();
        Self { stop, acknowledged, writers }
    }

    /// Waits until that many events more have been acknowledged.
    async fn goes_on(&self, events: usize) {
        let goal = self.acknowledged.count() + events;
        let reached = async {
            while self.acknowledged.count() < goal {
                assert!(!self.writers.iter().any(JoinHandle::is_finished), "a writer gave up");
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("nothing is acknowledged any more");
    }

    async fn finish(self) -> Acknowledged {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.writers {
            tokio::time::timeout(PATIENCE, writer).await.expect("a writer does not end").unwrap();
        }
        self.acknowledged
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_falls_under_load_and_comes_back_loses_nothing_acknowledged() {
    if is_left_out("postgres") {
        return;
    }
    let mut server = Postgres::start("");
    let store = open(&server.url("restarted"), OpenOptions::default()).await.unwrap();
    let followers = [Follower::start(&store).await];
    let load = Load::start(&store);
    let falls: [fn(&mut Postgres); 4] = [
        Postgres::kill,
        |server| server.stop(StopMode::Fast),
        |server| server.stop(StopMode::Immediate),
        Postgres::kill,
    ];
    for fall in falls {
        load.goes_on(300).await;
        server = tokio::task::spawn_blocking(move || {
            fall(&mut server);
            server.start_again();
            server
        })
        .await
        .unwrap();
    }
    load.goes_on(300).await;
    let acknowledged = load.finish().await;
    check(&store, &acknowledged, &followers).await;
}

/// A primary that acknowledges only what its standby has, and the standby.
fn pair() -> (Postgres, Postgres) {
    let primary = Postgres::start("");
    let standby = primary.standby("second");
    primary.query("ALTER SYSTEM SET synchronous_standby_names = 'second'");
    primary.query("SELECT pg_reload_conf()");
    let begun = std::time::Instant::now();
    while primary.query("SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") != "1" {
        assert!(begun.elapsed() < PATIENCE, "the standby does not follow");
        std::thread::sleep(Duration::from_millis(50));
    }
    (primary, standby)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failover_to_the_synchronous_standby_loses_nothing_acknowledged() {
    if is_left_out("postgres") {
        return;
    }
    let (mut primary, standby) = tokio::task::spawn_blocking(pair).await.unwrap();
    let url = format!(
        "postgres://postgres@127.0.0.1:{},127.0.0.1:{}/postgres?schema=failing_over",
        primary.port(),
        standby.port()
    );
    let store = open(&url, OpenOptions::default()).await.unwrap();
    let followers = [Follower::start(&store).await];
    let load = Load::start(&store);
    load.goes_on(500).await;
    let standby = tokio::task::spawn_blocking(move || {
        primary.stop(StopMode::Immediate);
        standby.promote();
        standby
    })
    .await
    .unwrap();
    load.goes_on(500).await;
    let acknowledged = load.finish().await;
    check(&store, &acknowledged, &followers).await;
    drop(standby);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_whose_standby_was_not_waited_for_is_not_acknowledged() {
    if is_left_out("postgres") {
        return;
    }
    let (primary, mut standby) = tokio::task::spawn_blocking(pair).await.unwrap();
    // What people set for their roles must not keep the store from hearing of it.
    primary.query("ALTER ROLE CURRENT_USER SET client_min_messages = 'error'");
    primary.query("ALTER ROLE CURRENT_USER SET lock_timeout = '1ms'");
    let store = open(&primary.url("waiting"), OpenOptions::default()).await.unwrap();
    let append_to = |stream: &str| {
        let stream = tradewind_events::StreamId::new(stream).unwrap();
        tradewind_events::Append::to(stream, tradewind_events::ExpectedRevision::None, vec![event(&[])])
    };
    // The names of category and type are made with the first event. Who waits for the standby later is the append.
    store.append(append_to("a-0")).await.unwrap();
    standby.stop(StopMode::Fast);
    let append = append_to("a-1");
    let answer = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(append).await }
    });
    let cancel = "SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    let begun = std::time::Instant::now();
    while primary.query(cancel) == "0" {
        assert!(begun.elapsed() < PATIENCE, "nobody waits for the standby");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    tokio::time::sleep(Duration::from_millis(500)).await;
    assert!(!answer.is_finished(), "acknowledged, though no standby has it");
    let standby = tokio::task::spawn_blocking(move || {
        standby.start_again();
        standby
    });
    let standby = standby.await.unwrap();
    let answer = tokio::time::timeout(PATIENCE, answer).await.unwrap().unwrap();
    assert!(answer.is_ok(), "{answer:?}");
    assert_eq!(store.head().await.unwrap(), tradewind_events::Position(2));
    drop(standby);
}
