//! What the command line does, without the command line.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_events::{
    Direction, EventSource, EventStore, ExpectedRevision, Position, Query, Recorded, Revision, StreamId, SystemClock,
};
use tradewind_store::tool::{ImportOptions, Imported, Selection, ToolError, append, export, import, stat, tail};
use tradewind_testkit::memory_store::MemoryStore;

use crate::given::{event, fill, to};

async fn exported(store: &dyn EventSource) -> Vec<u8> {
    let mut out = Vec::new();
    let everything = Selection::Matching { after: Position::START, query: Query::all() };
    export(store, everything, u64::MAX, "/test", &mut out, &mut |_, _| {}).await.unwrap();
    out
}

async fn imported(store: &dyn EventStore, lines: &[u8]) -> Result<Imported, ToolError> {
    import(store, Cursor::new(lines), &SystemClock, &ImportOptions::default(), &mut |_| {}).await
}

fn without_place(events: &[Recorded]) -> Vec<(String, tradewind_events::Event, u64)> {
    let whole = |event: &Recorded| (event.stream().to_owned(), event.to_event().unwrap(), event.revision().0);
    events.iter().map(whole).collect()
}

async fn interleaved() -> MemoryStore {
    let store = MemoryStore::new();
    for n in 0..50 {
        store.append(to(&format!("a-{}", n % 7), vec![event("A"), event("B")])).await.unwrap();
        let mut binary = event("C");
        binary.data = vec![0, 255, n].into();
        store.append(to("b-1", vec![binary])).await.unwrap();
    }
    store
}

#[tokio::test]
async fn what_is_exported_can_be_imported_and_is_the_same() {
    let before = interleaved().await;
    let lines = exported(&before).await;
    assert_eq!(lines.iter().filter(|b| **b == b'\n').count(), 150);
    let after = MemoryStore::new();
    let done = imported(&after, &lines).await.unwrap();
    assert_eq!(done, Imported { line: 150, events: 150, duplicates: 0 });
    assert_eq!(without_place(&after.everything()), without_place(&before.everything()));
}

#[tokio::test]
async fn importing_again_or_in_pieces_writes_nothing_twice() {
    let before = interleaved().await;
    let lines = exported(&before).await;
    // Into the store that it came from, where the events lie in other groups.
    let done = imported(&before, &lines).await.unwrap();
    assert_eq!((done.events, done.duplicates), (0, 150));
    // A first import that broke off anywhere, and went on with other groups.
    for cut in [1, 2, 40, 149] {
        let after = MemoryStore::new();
        let part: Vec<u8> = lines.split_inclusive(|b| *b == b'\n').take(cut).flatten().copied().collect();
        let small = ImportOptions { group_events_max: 3, ..ImportOptions::default() };
        import(&after, Cursor::new(&part), &SystemClock, &small, &mut |_| {}).await.unwrap();
        let done = imported(&after, &lines).await.unwrap();
        assert_eq!((done.events, done.duplicates), (150 - cut as u64, cut as u64));
        assert_eq!(without_place(&after.everything()), without_place(&before.everything()));
    }
}

#[tokio::test]
async fn a_malformed_line_is_named_and_nothing_behind_it_imported() {
    let good = |n: u64| {
        format!(
            "{{\"specversion\":\"1.0\",\"id\":\"00000000-0000-0000-0000-{n:012}\",\"source\":\"/\",\"type\":\"A\",\"subject\":\"a-1\",\"data\":{n}}}\n"
        )
    };
    for bad in ["{\n", "{\"specversion\":\"1.0\",\"id\":\"x\",\"type\":\"A\",\"subject\":\"a-1\"}\n", "[]\n"] {
        let store = MemoryStore::new();
        let lines = format!("{}\n{}{bad}{}", good(1), good(2), good(3));
        let error = imported(&store, lines.as_bytes()).await.unwrap_err();
        assert!(matches!(error, ToolError::Line { line: 4, .. }), "{error:?}");
        assert_eq!((error.code().to_string(), store.everything().len()), ("TW-1014".to_owned(), 2));
    }
}

#[tokio::test]
async fn an_id_that_another_stream_has_is_named_with_its_line() {
    let store = MemoryStore::new();
    fill(&store, "a-1", 1).await;
    let id = store.everything()[0].id();
    let lines =
        format!("{{\"specversion\":\"1.0\",\"id\":\"{id}\",\"source\":\"/\",\"type\":\"A\",\"subject\":\"b-1\"}}\n");
    let error = imported(&store, lines.as_bytes()).await.unwrap_err();
    assert!(matches!(error, ToolError::Append { first: 1, last: 1, .. }), "{error:?}");
    assert!(error.to_string().starts_with("line 1: event id"));
}

#[tokio::test]
async fn a_stream_is_written_out_in_either_direction_and_to_its_limit() {
    let store = MemoryStore::new();
    fill(&store, "a-1", 2_500).await;
    for (direction, from) in [(Direction::Forward, Revision::FIRST), (Direction::Backward, Revision::END)] {
        for (limit, lines) in [(u64::MAX, 2_500), (1_234, 1_234)] {
            let selection = Selection::Stream { stream: StreamId::new("a-1").unwrap(), from, direction };
            let mut out = Vec::new();
            let written = export(&store, selection, limit, "/", &mut out, &mut |_, _| {}).await.unwrap();
            assert_eq!(written, lines);
            assert_eq!(out.iter().filter(|b| **b == b'\n').count() as u64, lines);
        }
    }
}

#[tokio::test]
async fn a_tail_writes_what_comes_until_it_is_stopped() {
    let store = Arc::new(MemoryStore::new());
    fill(&*store, "a-1", 3).await;
    let (stop, mut out) = (CancellationToken::new(), Vec::new());
    let (writer, stopper) = (Arc::clone(&store), stop.clone());
    tokio::spawn(async move {
        fill(&*writer, "a-1", 2).await;
        tokio::time::sleep(Duration::from_millis(100)).await;
        stopper.cancel();
    });
    let written = tail(&*store, Position(1), Query::all(), "/", &mut out, &stop).await.unwrap();
    assert_eq!(written, 4);
    assert!(String::from_utf8(out).unwrap().contains("\"position\":5"));
}

#[tokio::test]
async fn several_events_of_a_text_are_appended_together() {
    let store = MemoryStore::new();
    let cloud = |n: u64, stream: &str| {
        format!(
            "{{\"specversion\":\"1.0\",\n \"id\":\"00000000-0000-0000-0000-{n:012}\",\"source\":\"/\",\"type\":\"A\",\"subject\":\"{stream}\"}}"
        )
    };
    let text = format!("{}\n{} {}", cloud(1, "a-1"), cloud(2, "b-1"), cloud(3, "a-1"));
    let appended = append(&store, &text, ExpectedRevision::None, &SystemClock).await.unwrap();
    assert_eq!((appended.last, appended.revisions.len()), (Position(3), 2));
    let other = append(&store, &cloud(4, "a-1"), ExpectedRevision::None, &SystemClock).await;
    assert!(matches!(other, Err(ToolError::Append { .. })));
    let bad = append(&store, "{\n\"a\":\n}", ExpectedRevision::Any, &SystemClock).await.unwrap_err();
    assert_eq!(bad.code().to_string(), "TW-1014");
}

#[tokio::test]
async fn a_stat_counts_what_is_there() {
    let store = interleaved().await;
    let stat = stat(&store, &mut |_, _| {}).await.unwrap();
    assert_eq!((stat.head, stat.events, stat.streams), (Position(150), 150, 8));
    assert_eq!((stat.categories["a"].streams, stat.categories["a"].types["B"]), (7, 50));
    assert_eq!(stat.categories["b"].data_bytes, 150);
}
