//! The same in SQLite.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, TransactionBehavior};
use tradewind_events::{EventSource, Position, Query, ReadError, Timestamp};
use tradewind_outbox::Follower;
use tradewind_outbox::sqlite::{Outbox, OutboxOptions};

use crate::given::{Heard, event, listen, stream};

fn open(folder: &std::path::Path) -> Connection {
    let database = Connection::open(folder.join("shop.db")).unwrap();
    database.busy_timeout(Duration::from_secs(30)).unwrap();
    database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL").unwrap();
    database
}

/// Changes accounts as in PostgreSQL; some transactions are rolled back.
fn write(database: &mut Connection, outbox: &Outbox, writer: u64, count: u64) -> u64 {
    let (mut chance, mut committed) = (writer * 7_919 + 1, 0);
    for _ in 0..count {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let account = (chance >> 33) % 10;
        let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate).unwrap();
        let sql = "UPDATE accounts SET changes = changes + 1 WHERE id = ?1 RETURNING changes";
        let change: u64 = transaction.query_row(sql, [account], |row| row.get(0)).unwrap();
        outbox.put(&transaction, &stream(account), &event(change)).unwrap();
        if (chance >> 20).is_multiple_of(10) {
            continue;
        }
        transaction.commit().unwrap();
        outbox.wake();
        committed += 1;
    }
    committed
}

fn accounts(database: &Connection) {
    let setup = "CREATE TABLE accounts (id INTEGER PRIMARY KEY, changes INTEGER NOT NULL);
                 WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 9)
                 INSERT INTO accounts SELECT n, 0 FROM n";
    database.execute_batch(setup).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_writers_lose_and_invert_nothing() {
    let folder = tempfile::tempdir().unwrap();
    accounts(&open(folder.path()));
    let outbox = Outbox::open(&folder.path().join("shop.db"), OutboxOptions::default()).unwrap();
    let (done, all) = tokio::sync::watch::channel(None);
    let listening = listen(Arc::new(outbox.source()), all);
    let writers: Vec<_> = (0..8)
        .map(|writer| {
            let (mut database, outbox) = (open(folder.path()), outbox.clone());
            std::thread::spawn(move || write(&mut database, &outbox, writer, 150))
        })
        .collect();
    let committed = tokio::task::spawn_blocking(move || writers.into_iter().map(|one| one.join().unwrap()).sum());
    let committed: u64 = committed.await.unwrap();
    done.send_replace(Some(committed));
    let heard = tokio::time::timeout(Duration::from_secs(60), listening).await.expect("all comes").unwrap();
    assert_eq!(heard.events, committed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_everybody_has_is_emptied() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(folder.path());
    accounts(&database);
    let options = OutboxOptions { slot_positions: 32, ..OutboxOptions::default() };
    let outbox = Outbox::open(&folder.path().join("shop.db"), options).unwrap();
    let source: Arc<dyn EventSource> = Arc::new(outbox.source());
    let (mut heard, mut committed) = (Heard::default(), 0);
    for round in 0..20 {
        committed += write(&mut database, &outbox, round, 40);
        heard = heard.until(Arc::clone(&source), committed).await;
        source.handled("reader", heard.position);
    }
    let left: u64 = database.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap();
    assert!(committed > 500 && left <= 4 * 32, "{left} of {committed} are left");
    let gone = source.read(Position::START, &Query::all(), 10).await;
    assert!(matches!(gone, Err(ReadError::Invalid(_))), "{gone:?}");
}

#[test]
fn an_effect_is_had_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut database = open(folder.path());
    let inbox = Outbox::open(&folder.path().join("shop.db"), OutboxOptions::default()).unwrap().inbox();
    let follower = Follower::new("copy").unwrap();
    let transaction = database.transaction().unwrap();
    assert!(inbox.begin(&transaction, &follower, Position(5)).unwrap());
    transaction.rollback().unwrap();
    for (position, is_new) in [(5, true), (5, false), (4, false), (6, true)] {
        let transaction = database.transaction().unwrap();
        assert_eq!(inbox.begin(&transaction, &follower, Position(position)).unwrap(), is_new, "{position}");
        transaction.commit().unwrap();
    }
    assert_eq!(inbox.place(&database, &follower).unwrap(), Position(6));
    let week = |number: i64| Timestamp::from_micros(number * 7 * 24 * 3_600 * 1_000_000);
    for (number, is_new) in [(9, true), (9, false), (10, false), (11, true)] {
        inbox.forget(&database, week(number)).unwrap();
        let transaction = database.transaction().unwrap();
        assert_eq!(inbox.begin_id(&transaction, &follower, "the same", week(number)).unwrap(), is_new, "{number}");
        transaction.commit().unwrap();
    }
}

#[test]
fn tables_of_a_newer_program_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("shop.db");
    drop(Outbox::open(&file, OutboxOptions::default()).unwrap());
    open(folder.path()).execute("INSERT INTO outbox_versions VALUES (99)", []).unwrap();
    let refused = Outbox::open(&file, OutboxOptions::default()).err().unwrap();
    assert_eq!(refused.code().to_string(), "TW-1013");
}
