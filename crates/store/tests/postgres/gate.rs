//! Whoever appends waits at the gate, and what waits has limits.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio_postgres::{Client, NoTls};
use tradewind_events::{
    Append, AppendCondition, AppendError, Direction, Event, ExpectedRevision, Position, Query, Revision, StreamId, Tag,
};
use tradewind_store::{OpenOptions, open};
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::load::{PATIENCE, event};

fn to(stream: &str, events: Vec<Event>) -> Append {
    Append::to(StreamId::new(stream).unwrap(), ExpectedRevision::Any, events)
}

fn schema(url: &str) -> &str {
    url.rsplit('=').next().unwrap()
}

/// Somebody who holds the gate of a store until he is dropped.
async fn holding(url: &str) -> Client {
    let server = url.split('?').next().unwrap();
    let (client, connection) = tokio_postgres::connect(server, NoTls).await.unwrap();
    tokio::spawn(connection);
    let hold = format!("BEGIN; LOCK TABLE {}.gate IN SHARE UPDATE EXCLUSIVE MODE", schema(url));
    client.batch_execute(&hold).await.unwrap();
    client
}

#[tokio::test]
async fn an_append_that_waited_too_long_at_the_gate_was_not_done_and_says_so() {
    if is_left_out("postgres") {
        return;
    }
    let url = Postgres::shared().fresh_url();
    let mut options = OpenOptions::default();
    options.postgres.answer_within = Duration::from_secs(1);
    let store = open(&url, options).await.unwrap();
    let holding = holding(&url).await;
    let late = store.append(to("a-1", vec![event(&[])])).await;
    assert!(matches!(late, Err(AppendError::Timeout)), "{late:?}");
    drop(holding);
    let appended = store.append(to("a-1", vec![event(&[])])).await.unwrap();
    assert_eq!(appended.last, Position(1));
}

/// An event with hardly any data, and much besides.
fn laden() -> Event {
    let mut laden = event(&[]);
    laden.metadata.extensions.insert("padding".to_owned(), "x".repeat(100_000));
    laden
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_batch_is_no_larger_than_it_may_be_metadata_included() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let url = server.fresh_url();
    let mut options = OpenOptions::default();
    options.postgres.batch_bytes_max = 1_000_000;
    let store = open(&url, options).await.unwrap();
    let holding = holding(&url).await;
    let appends: Vec<_> = (0..40)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(to(&format!("a-{number}"), vec![laden()])).await })
        })
        .collect();
    // Until one waits at the gate, and the others behind it.
    tokio::time::sleep(Duration::from_millis(300)).await;
    drop(holding);
    for append in appends {
        append.await.unwrap().unwrap();
    }
    let batches = server.query(&format!("SELECT count(DISTINCT xmin::text) FROM {}.events", schema(&url)));
    assert!(batches.parse::<u32>().unwrap() >= 4, "{batches} batches for 4 MB");
}

/// The first is sent alone, and gives up at the gate. Those that had room behind it go then; the others have waited as
/// long for room, and nothing of them is kept.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn those_who_wait_have_no_more_bytes_than_there_is_room_for() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let url = server.fresh_url();
    let mut options = OpenOptions::default();
    options.postgres.answer_within = Duration::from_secs(2);
    options.postgres.waiting_bytes_max = 1_000_000;
    let store = open(&url, options).await.unwrap();
    store.append(to("a-0", vec![laden()])).await.unwrap();
    let holding = holding(&url).await;
    let begun = Instant::now();
    let first = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.append(to("a-0", vec![laden()])).await }
    });
    let waits = "SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE c.relname = 'gate'
                 AND c.relnamespace = '{}'::regnamespace AND NOT granted";
    while server.query(&waits.replace("{}", schema(&url))) != "1" {
        assert!(begun.elapsed() < PATIENCE, "nobody waits at the gate");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let appends: Vec<_> = (0..30)
        .map(|number| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.append(to(&format!("a-{number}"), vec![laden()])).await })
        })
        .collect();
    let late = first.await.unwrap();
    assert!(matches!(late, Err(AppendError::Timeout)), "{late:?}");
    tokio::time::sleep(Duration::from_millis(800)).await;
    drop(holding);
    let (mut recorded, mut late) = (0, 0);
    for append in appends {
        match append.await.unwrap() {
            Ok(_) => recorded += 1,
            Err(AppendError::Timeout) => late += 1,
            Err(other) => panic!("{other:?}"),
        }
    }
    assert!((1..=12).contains(&recorded), "{recorded} recorded, {late} too late");
}

#[tokio::test]
async fn a_repetition_leaves_no_rows_behind() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let url = server.fresh_url();
    let store = open(&url, OpenOptions::default()).await.unwrap();
    let append = to("a-1", vec![event(&["x"])]);
    assert!(!store.append(append.clone()).await.unwrap().duplicate);
    for _ in 0..30 {
        assert!(store.append(append.clone()).await.unwrap().duplicate);
    }
    assert_eq!(server.query(&format!("SELECT pg_relation_size('{}.gate')", schema(&url))), "0");
}

#[tokio::test]
async fn streams_without_a_category_share_their_kinds() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::shared();
    let url = server.fresh_url();
    let store = open(&url, OpenOptions::default()).await.unwrap();
    let appends = (0..200).map(|number| store.append(to(&format!("stream{number}"), vec![event(&[])])));
    futures_util::future::try_join_all(appends).await.unwrap();
    assert_eq!(server.query(&format!("SELECT count(*) FROM {}.kinds", schema(&url))), "1");
    let page = store.read(Position::START, &Query::category("stream77"), 10).await.unwrap();
    assert_eq!(page.events.iter().map(|event| event.stream()).collect::<Vec<_>>(), ["stream77"]);
}

/// So many events that what is done for each of them takes seconds.
const MANY: u64 = 400_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_concerns_very_many_events_holds_up_nobody() {
    if is_left_out("postgres") {
        return;
    }
    let server = Postgres::start("");
    let url = server.url("large");
    let mut options = OpenOptions::default();
    let store = open(&url, options.clone()).await.unwrap();
    store.append(to("large-1", vec![event(&["dense"])])).await.unwrap();
    let filling = format!(
        "INSERT INTO large.events SELECT n, stream, n - 1, time, recorded_at, kind, edges, gen_random_uuid(), tags,
             metadata, data FROM large.events, generate_series(2, {MANY}) n;
         INSERT INTO large.tags SELECT 'dense', n FROM generate_series(2, {MANY}) n;
         INSERT INTO large.tags VALUES ('last', {MANY})"
    );
    let server = tokio::task::spawn_blocking(move || {
        server.query(&filling);
        server
    });
    let server = server.await.unwrap();

    // Every second tag is there, and never with the first.
    let both = |other: &str| Query::tags(["dense", other].map(|tag| Tag::new(tag).unwrap()));
    let provided = |other: &str| AppendCondition { fail_if: both(other), after: Position::START };
    let dear = to("dear-1", vec![event(&[])]).provided(provided("nowhere"));
    let searching = tokio::spawn({
        let (store, dear) = (Arc::clone(&store), dear.clone());
        async move { store.append(dear).await }
    });
    let mut neighbours = 0;
    while !searching.is_finished() {
        store.append(to("other-1", vec![event(&[])])).await.unwrap();
        neighbours += 1;
    }
    let appended = searching.await.unwrap().unwrap();
    assert!(neighbours >= 10, "only {neighbours} appends went on beside a dear condition");
    // Found again, and not searched for again.
    let again = store.append(dear).await.unwrap();
    assert_eq!((again.duplicate, again.first), (true, appended.first));
    let failing = to("dear-1", vec![event(&[])]).provided(provided("last"));
    match store.append(failing).await {
        Err(AppendError::ConditionFailed { position }) => assert_eq!(position, Position(MANY)),
        other => panic!("{other:?}"),
    }

    options.postgres.answer_within = Duration::from_secs(3);
    let hurried = open(&url, options).await.unwrap();
    let large = StreamId::new("large-1").unwrap();
    let truncating = hurried.truncate(&large, Revision::END);
    tokio::time::timeout(PATIENCE * 3, truncating).await.expect("it does not end").unwrap();
    assert_eq!(server.query("SELECT count(*) FROM large.events WHERE data IS NOT NULL AND stream = 1"), "1");
    assert_eq!(server.query("SELECT count(*) FROM large.tags WHERE tag = 'dense'"), "1");
    let left = hurried.read_stream(&large, Revision::FIRST, Direction::Forward, 10).await.unwrap();
    assert_eq!((left.events.len(), left.first), (1, Revision(MANY - 1)));
}
