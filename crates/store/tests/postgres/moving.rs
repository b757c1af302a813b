//! Stores that move between engines: nothing changes on the way, whatever happens meanwhile.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tradewind_events::{
    Append, AppendError, Direction, EventId, EventType, ExpectedRevision, Metadata, Position, Query, Revision,
    Snapshot, StreamAppend, StreamId, Tag, Timestamp,
};
use tradewind_store::moving::{Movable, Moved, relocate};
use tradewind_store::tool::{Selection, export};
use tradewind_store::{FileStore, OpenOptions, StoreUrl, open, open_movable};
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::load::{PATIENCE, event};

const MOVE: &str = "TRADEWIND_TEST_MOVE";

async fn movable(url: &str) -> Arc<dyn Movable> {
    open_movable(&url.parse().unwrap(), OpenOptions::default()).await.unwrap()
}

fn folder(at: &Path, name: &str) -> String {
    StoreUrl::File(at.join(name)).to_string()
}

async fn moved(from: &Arc<dyn Movable>, to: &Arc<dyn Movable>, url: &str) -> Moved {
    relocate(from.as_ref(), to.as_ref(), url, &mut |_| {}).await.unwrap()
}

async fn exported(store: &Arc<dyn Movable>) -> Vec<u8> {
    let mut lines = Vec::new();
    let all = Selection::Matching { after: Position::START, query: Query::all() };
    export(store.as_ref(), all, u64::MAX, "/store", &mut lines, &mut |_, _| {}).await.unwrap();
    lines
}

/// What is found by tag, category and type, and by time: not what an export shows, but the indexes behind it.
async fn found(store: &Arc<dyn Movable>) -> Vec<Vec<u64>> {
    let mut all = Vec::new();
    for query in [
        Query::tags([Tag::new("customer-3").unwrap()]),
        Query::tags([Tag::new("odd").unwrap(), Tag::new("paid").unwrap()]),
        Query::category("ledger"),
        Query::types([EventType::new("Closed").unwrap()]),
    ] {
        let (mut after, mut positions) = (Position::START, Vec::new());
        loop {
            let page = store.read(after, &query, 500).await.unwrap();
            positions.extend(page.events.iter().map(|event| event.position().0));
            if page.through >= page.head {
                break;
            }
            after = page.through;
        }
        assert!(positions.len() > 10);
        all.push(positions);
    }
    let slice = store.read_stream(&stream("order-3"), Revision::FIRST, Direction::Forward, 100).await.unwrap();
    all.push(slice.events.iter().map(|event| event.position().0).chain([slice.first.0]).collect());
    let moment = store.kept(Position(3_000), 1).await.unwrap()[0].event.recorded_at();
    all.push(vec![store.position_at(moment).await.unwrap().0]);
    all
}

fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

fn part(name: &str, events: Vec<tradewind_events::Event>) -> StreamAppend {
    StreamAppend { stream: stream(name), expected: ExpectedRevision::Any, events }
}

/// Appends of several streams with all that events can have.
fn append(number: u64) -> Append {
    let mut first = event(&["odd", "paid"]);
    first.event_type = EventType::new(if number.is_multiple_of(2) { "Opened" } else { "Closed" }).unwrap();
    first.time = Timestamp::from_micros(1_000_000 + number as i64);
    first.metadata = Metadata { correlation_id: Some(EventId::new().to_string()), ..Metadata::default() };
    first.data = format!("{{\"number\":{number},\"text\":\"späte Fracht\"}}").into();
    let mut second = event(&[]);
    second.tags = vec![Tag::new(format!("customer-{}", number % 7)).unwrap()];
    let mut entry = event(&[]);
    entry.data = format!("{{\"entry\":\"{number:0>400}\"}}").into();
    let streams = vec![part(&format!("order-{}", number % 50), vec![first, second]), part("ledger", vec![entry])];
    Append { streams, condition: None }
}

async fn fill(store: &Arc<dyn Movable>, appends: u64) -> Vec<(Append, tradewind_events::Appended)> {
    let mut done = Vec::new();
    for some in (0..appends).collect::<Vec<_>>().chunks(256) {
        let appends: Vec<Append> = some.iter().map(|number| append(*number)).collect();
        let answers = futures_util::future::join_all(appends.iter().map(|append| store.append(append.clone()))).await;
        done.extend(appends.into_iter().zip(answers.into_iter().map(Result::unwrap)));
    }
    done
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_a_folder_to_postgres_and_back_everything_is_the_same() {
    if is_left_out("postgres") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (one, two, three) =
        (folder(place.path(), "one"), Postgres::shared().fresh_url(), folder(place.path(), "three"));
    let mut options = OpenOptions::default();
    options.log.segment_bytes = 256 << 10;
    let file = FileStore::open(&place.path().join("one"), options.log).await.unwrap();
    let first: Arc<dyn Movable> = Arc::new(file.clone());
    let appends = fill(&first, 2_000).await;
    // Given up and gone; given up and still on the disk; given up to the last event.
    first.truncate(&stream("order-3"), Revision(20)).await.unwrap();
    first.truncate(&stream("ledger"), Revision(1_500)).await.unwrap();
    assert!(file.reclaim().await.unwrap() > 0, "nothing was reclaimed, so nothing is shown");
    first.truncate(&stream("order-4"), Revision(7)).await.unwrap();
    first.truncate(&stream("order-5"), Revision::END).await.unwrap();
    let snapshot = Snapshot {
        stream: stream("order-5"),
        revision: Revision(9),
        position: Position(1_300),
        schema: "order/2".to_owned(),
        state: "state".into(),
    };
    first.save_snapshot(snapshot.clone()).await.unwrap();
    let (before, finds) = (exported(&first).await, found(&first).await);

    let second = movable(&two).await;
    let there = moved(&first, &second, &two).await;
    assert_eq!((there.events, there.there_before, there.truncated, there.snapshots), (6_000, 0, 4, 1));
    assert!(there.given_up > 1_500);
    assert!(exported(&second).await == before, "the export from PostgreSQL differs");
    assert_eq!(found(&second).await, finds);
    drop((first, file));
    let gone = open(&one, OpenOptions::default()).await.err().unwrap();
    assert_eq!((gone.code().to_string(), gone.to_string().contains(&two)), ("TW-1017".to_owned(), true), "{gone}");

    let third = movable(&three).await;
    let back = moved(&second, &third, &three).await;
    assert_eq!((back.checksum, back.given_up, back.snapshots), (there.checksum, there.given_up, 1));
    let refused = second.append(append(0)).await;
    assert!(matches!(&refused, Err(AppendError::Moved(to)) if *to == three), "{refused:?}");
    let again = relocate(second.as_ref(), third.as_ref(), &three, &mut |_| {}).await.unwrap_err();
    assert_eq!(again.code().to_string(), "TW-1017");
    drop(third);
    // Opened anew, it stands on its own.
    let third = movable(&three).await;
    assert!(exported(&third).await == before, "the export from the second folder differs");
    assert_eq!(found(&third).await, finds);
    assert_eq!(third.load_snapshot(&stream("order-5")).await.unwrap(), Some(snapshot));
    for (append, answer) in [&appends[0], &appends[153], &appends[1_999]] {
        let repeated = third.append(append.clone()).await.unwrap();
        assert!(repeated.duplicate);
        assert_eq!((repeated.first, repeated.last), (answer.first, answer.last));
    }
    let half = Append { streams: vec![appends[9].0.streams[0].clone()], condition: None };
    assert!(matches!(third.append(half).await, Err(AppendError::IdReused { .. })));
    let next = third.append(append(1)).await.unwrap();
    assert_eq!((next.first, next.revisions), (Position(6_001), vec![Some(Revision(81)), Some(Revision(2_000))]));
    drop(third);
    let report =
        tradewind_log::verify(&tradewind_log::DiskStorage::new(place.path().join("three")).unwrap(), |_, _| {});
    assert!(report.unwrap().findings.iter().all(|finding| !finding.loss));
}

/// Writes until the store says that it has moved; answers what was acknowledged, and where to it has gone.
async fn write_until_moved(store: Arc<dyn Movable>, writer: usize) -> (Vec<(EventId, Position)>, String) {
    let mut acknowledged = Vec::new();
    loop {
        let wanted = Append::to(stream(&format!("own-{writer}")), ExpectedRevision::Any, vec![event(&["live"])]);
        match store.append(wanted.clone()).await {
            Ok(appended) => acknowledged.push((wanted.streams[0].events[0].id, appended.first)),
            Err(AppendError::Moved(to)) => return (acknowledged, to),
            Err(other) => panic!("{other:?}"),
        }
    }
}

async fn moves_live(from: &str, to: &str) {
    let source = movable(from).await;
    fill(&source, 1_000).await;
    let mut writers = Vec::new();
    for writer in 0..6 {
        // Two processes could not be more apart: each has connections of its own.
        writers.push(tokio::spawn(write_until_moved(movable(from).await, writer)));
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let target = movable(to).await;
    let outcome = tokio::time::timeout(PATIENCE, moved(&source, &target, to)).await.expect("the move does not end");
    assert!(outcome.stopped < Duration::from_secs(10), "writers were stopped for {:?}", outcome.stopped);
    println!("{} events, writers stopped for {:?}", outcome.events, outcome.stopped);
    let mut count = 0;
    for writer in writers {
        let (acknowledged, told) = writer.await.unwrap();
        assert_eq!(told, to);
        for (id, position) in &acknowledged {
            let there = target.kept(Position(position.0 - 1), 1).await.unwrap();
            assert_eq!((there[0].event.id(), there[0].event.position()), (*id, *position), "an acknowledged event");
        }
        count += acknowledged.len();
    }
    assert!(count > 50, "too little was written to tell: {count}");
    assert_eq!(source.head().await.unwrap(), Position(outcome.events), "the old store took something afterwards");
    assert!(exported(&source).await == exported(&target).await);
    target.append(append(7)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_a_schema_moves_to_a_folder_while_it_is_written_to() {
    if is_left_out("postgres") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    moves_live(&Postgres::shared().fresh_url(), &folder(place.path(), "live")).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_when_a_schema_moves_to_another_while_it_is_written_to() {
    if is_left_out("postgres") {
        return;
    }
    moves_live(&Postgres::shared().fresh_url(), &Postgres::shared().fresh_url()).await;
}

/// Not a test of its own: what a moving process runs, until it is killed or done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_moves() {
    let Ok(told) = std::env::var(MOVE) else { return };
    let (from, to) = told.split_once(' ').unwrap();
    let outcome = moved(&movable(from).await, &movable(to).await, to).await;
    println!("\nthere before: {}", outcome.there_before);
}

/// Kills moves of ever longer lives until one comes to its end; answers how many were killed, and what the last found.
async fn killed_until_done(from: &str, to: &str) -> (usize, Option<u64>) {
    for kills in 0..200 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "moving::a_process_moves", "--nocapture", "--test-threads=1"]);
        command.env(MOVE, format!("{from} {to}")).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        tokio::time::sleep(Duration::from_millis(150 + 80 * kills as u64)).await;
        if process.try_wait().unwrap().is_none() {
            process.kill().unwrap();
            process.wait().unwrap();
            continue;
        }
        let output = process.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        let wrong = String::from_utf8_lossy(&output.stderr).into_owned();
        // The one before was killed behind its last step.
        if !output.status.success() && kills > 0 && wrong.contains("Moved") {
            return (kills, None);
        }
        assert!(output.status.success(), "{said}{wrong}");
        let there = said.lines().find_map(|line| line.strip_prefix("there before: ")).expect("it says what was there");
        return (kills, Some(there.parse().unwrap()));
    }
    panic!("it never comes to its end");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_move_that_is_killed_goes_on_where_it_was() {
    if is_left_out("postgres") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let (one, two, three) =
        (folder(place.path(), "one"), Postgres::shared().fresh_url(), folder(place.path(), "three"));
    let first = movable(&one).await;
    fill(&first, 8_000).await;
    first.truncate(&stream("order-3"), Revision(20)).await.unwrap();
    let before = exported(&first).await;
    drop(first);
    for (from, to) in [(&one, &two), (&two, &three)] {
        let (kills, there) = killed_until_done(from, to).await;
        println!("{from} to {to}: killed {kills} times; the last one found {there:?} events");
        assert!(kills > 0 && there != Some(0), "killed {kills} times, and the last one found {there:?} events");
    }
    assert!(exported(&movable(&three).await).await == before);
}

#[tokio::test]
async fn a_target_with_something_else_in_it_is_refused_and_left_alone() {
    if is_left_out("postgres") {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let source = movable(&folder(place.path(), "source")).await;
    fill(&source, 20).await;
    for url in [Postgres::shared().fresh_url(), folder(place.path(), "other")] {
        for appends in [3, 40] {
            let target = movable(&url).await;
            fill(&target, appends).await;
            let before = exported(&target).await;
            let refused = relocate(source.as_ref(), target.as_ref(), &url, &mut |_| {}).await.unwrap_err();
            assert_eq!(refused.code().to_string(), "TW-1018", "{refused}");
            assert!(exported(&target).await == before);
        }
    }
    source.append(append(1)).await.unwrap();
}

#[tokio::test]
async fn a_store_is_not_moved_to_itself_by_another_name() {
    if is_left_out("postgres") {
        return;
    }
    let url = Postgres::shared().fresh_url();
    let (source, target) = (movable(&url).await, movable(&url.replace("127.0.0.1", "localhost")).await);
    let refused = relocate(source.as_ref(), target.as_ref(), &url, &mut |_| {}).await.unwrap_err();
    assert_eq!(refused.code().to_string(), "TW-1018", "{refused}");
    source.append(append(1)).await.unwrap();
}

#[tokio::test]
async fn a_served_store_is_refused() {
    let url = "http://127.0.0.1:7100".parse().unwrap();
    let refused = open_movable(&url, OpenOptions::default()).await.err().unwrap();
    assert_eq!(refused.code().to_string(), "TW-1018", "{refused}");
}
