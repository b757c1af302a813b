//! Nothing is lost, and nothing comes out of its order, whoever else is at work in the database.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout};
use tradewind_events::{EventSource, Position};
use tradewind_outbox::postgres::{OutboxOptions, StamperState};
use tradewind_testkit::servers::is_left_out;

use crate::given::{Bank, Heard, WITHIN, client, event, listen, options, server, stamp, stream};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_writers_lose_and_invert_nothing() {
    if is_left_out("postgres") {
        return;
    }
    let bank = Bank::open(server().await.port(), options(), 40).await;
    let (stamping, (done, all)) = (stamp(&bank.outbox), tokio::sync::watch::channel(None));
    let listening = listen(Arc::new(bank.outbox.source()), all);
    let committed = bank.sixteen_write(150).await;
    done.send_replace(Some(committed));
    let heard = timeout(WITHIN, listening).await.expect("all comes").unwrap();
    assert_eq!(heard.events, committed);
    assert_eq!(bank.outbox.source().head().await.unwrap(), Position(committed));
    stamping.stop().await;
}

/// A transaction that has nothing to do with the outbox is open for three seconds, and has written. What is committed
/// meanwhile is told meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_foreign_transaction_holds_nothing_up() {
    if is_left_out("postgres") {
        return;
    }
    let port = server().await.port();
    let bank = Bank::open(port, options(), 40).await;
    let stamping = stamp(&bank.outbox);
    let mut foreign = client(port).await;
    let foreign = foreign.transaction().await.unwrap();
    foreign.batch_execute("CREATE TEMP TABLE elsewhere (n int8); INSERT INTO elsewhere VALUES (1)").await.unwrap();
    let (begun, mut writer) = (Instant::now(), client(port).await);
    let source = bank.outbox.source();
    let mut delays = Vec::new();
    for change in 1..=100 {
        let transaction = writer.transaction().await.unwrap();
        bank.outbox.put(&transaction, &stream(1), &event(change)).await.unwrap();
        transaction.commit().await.unwrap();
        bank.outbox.wake();
        let committed = Instant::now();
        while source.head().await.unwrap() < Position(change) {
            assert!(committed.elapsed() < Duration::from_secs(2), "held up by the foreign transaction");
            tokio::task::yield_now().await;
        }
        delays.push(committed.elapsed());
    }
    tokio::time::sleep_until(begun + Duration::from_secs(3)).await;
    foreign.commit().await.unwrap();
    delays.sort_unstable();
    eprintln!("commit to position beside an open transaction: p50 {:?}, p99 {:?}", delays[50], delays[98]);
    Heard::default().until(Arc::new(source), 100).await;
    stamping.stop().await;
}

/// One begins after another and takes its number before it: its id is the higher one, its number the lower. When the
/// other is told, it is still under way, and no transaction with a higher id has ended.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_began_later_and_put_sooner_is_waited_for() {
    if is_left_out("postgres") {
        return;
    }
    let port = server().await.port();
    let options = OutboxOptions { poll_every: Duration::from_millis(20), ..options() };
    let bank = Bank::open(port, options, 40).await;
    let stamping = stamp(&bank.outbox);
    let source = bank.outbox.source();
    let (mut first, mut second) = (client(port).await, client(port).await);
    for round in 1..=5_u64 {
        let first = first.transaction().await.unwrap();
        first.execute("SELECT pg_current_xact_id()", &[]).await.unwrap();
        let second = second.transaction().await.unwrap();
        bank.outbox.put(&second, &stream(2), &event(round)).await.unwrap();
        bank.outbox.put(&first, &stream(1), &event(round)).await.unwrap();
        first.commit().await.unwrap();
        bank.outbox.wake();
        // Looked at many times meanwhile.
        while source.head().await.unwrap() < Position(2 * round - 1) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::sleep(Duration::from_millis(400)).await;
        second.commit().await.unwrap();
        bank.outbox.wake();
        let begun = Instant::now();
        while source.head().await.unwrap() < Position(2 * round) {
            assert!(begun.elapsed() < Duration::from_secs(10), "what was committed in round {round} never came");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Heard::default().until(Arc::new(source), 10).await;
    stamping.stop().await;
}

/// One of the writers' own transactions stays open: what it put comes when it commits, and holds nobody else up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_that_commits_late_comes_late() {
    if is_left_out("postgres") {
        return;
    }
    let port = server().await.port();
    let bank = Bank::open(port, options(), 40).await;
    let stamping = stamp(&bank.outbox);
    let (mut late, mut early) = (client(port).await, client(port).await);
    let late = late.transaction().await.unwrap();
    bank.outbox.put(&late, &stream(1), &event(1)).await.unwrap();
    for change in 1..=50 {
        let transaction = early.transaction().await.unwrap();
        bank.outbox.put(&transaction, &stream(2), &event(change)).await.unwrap();
        transaction.commit().await.unwrap();
        bank.outbox.wake();
    }
    let source: Arc<dyn EventSource> = Arc::new(bank.outbox.source());
    let heard = Heard::default().until(Arc::clone(&source), 50).await;
    assert!(!heard.changes.contains_key("account-1"));
    late.commit().await.unwrap();
    bank.outbox.wake();
    let heard = heard.until(source, 51).await;
    assert_eq!(heard.changes["account-1"], 1);
    stamping.stop().await;
}

/// Two stampers at once: one works, the other takes over within the lease when the first one ends without a word.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_stampers_one_works() {
    if is_left_out("postgres") {
        return;
    }
    let bank = Bank::open(server().await.port(), options(), 40).await;
    let (done, all) = tokio::sync::watch::channel(None);
    let listening = listen(Arc::new(bank.outbox.source()), all);
    let mut stampings = vec![stamp(&bank.outbox), stamp(&bank.outbox)];
    let writing = tokio::spawn({
        let bank = Arc::clone(&bank);
        async move { bank.sixteen_write(200).await }
    });
    for _ in 0..3 {
        let begun = Instant::now();
        let working = loop {
            let working = stampings.iter().position(|one| one.handle.status().state == StamperState::Stamping);
            if let Some(working) = working {
                break working;
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "nobody takes over");
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        tokio::time::sleep(Duration::from_millis(300)).await;
        let states = stampings.iter().filter(|one| one.handle.status().state == StamperState::Stamping).count();
        assert_eq!(states, 1);
        stampings.remove(working).task.abort();
        stampings.push(stamp(&bank.outbox));
    }
    let committed = writing.await.unwrap();
    done.send_replace(Some(committed));
    let heard = timeout(WITHIN, listening).await.expect("all comes").unwrap();
    assert_eq!(heard.events, committed);
    for stamping in stampings {
        stamping.stop().await;
    }
}
