use futures_util::StreamExt;
use tradewind_events::{EventType, ExpectedRevision, Metadata, Tag};

use super::*;

fn event(tag: &str) -> Event {
    Event {
        id: EventId::new(),
        event_type: EventType::new("Happened").unwrap(),
        time: Timestamp::EPOCH,
        tags: vec![Tag::new(tag).unwrap()],
        metadata: Metadata::default(),
        data: "{}".into(),
    }
}

fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

fn one(name: &str, expected: ExpectedRevision, event: Event) -> Append {
    Append::to(stream(name), expected, vec![event])
}

#[tokio::test]
async fn a_wrong_revision_writes_nothing_and_tells_the_actual_one() {
    let store = MemoryStore::new();
    store.append(one("a-1", ExpectedRevision::None, event("x"))).await.unwrap();
    let refused = store.append(one("a-1", ExpectedRevision::None, event("x"))).await;
    assert!(matches!(refused, Err(AppendError::WrongRevision { actual: Some(Revision(0)), .. })), "{refused:?}");
    assert_eq!(store.head().await.unwrap(), Position(1));
}

#[tokio::test]
async fn the_same_append_again_is_answered_as_the_first_and_writes_nothing() {
    let store = MemoryStore::new();
    let append = one("a-1", ExpectedRevision::None, event("x"));
    let first = store.append(append.clone()).await.unwrap();
    store.append(one("a-1", ExpectedRevision::Any, event("x"))).await.unwrap();
    let again = store.append(append.clone()).await.unwrap();
    assert_eq!(again, Appended { duplicate: true, ..first });
    let mut elsewhere = append;
    elsewhere.streams[0].stream = stream("a-2");
    assert!(matches!(store.append(elsewhere).await, Err(AppendError::IdReused { position: Position(1), .. })));
    assert_eq!(store.everything().len(), 2);
}

#[tokio::test]
async fn a_condition_refuses_what_came_after_its_position_only() {
    let store = MemoryStore::new();
    store.append(one("a-1", ExpectedRevision::Any, event("x"))).await.unwrap();
    let fail_if = Query::tags([Tag::new("x").unwrap()]);
    let provided = |after| {
        one("a-2", ExpectedRevision::Any, event("y")).provided(AppendCondition { fail_if: fail_if.clone(), after })
    };
    let refused = store.append(provided(Position::START)).await;
    assert!(matches!(refused, Err(AppendError::ConditionFailed { position: Position(1) })));
    store.append(provided(Position(1))).await.unwrap();
}

#[tokio::test]
async fn a_subscription_catches_up_and_goes_on_live_without_gap_or_repeat() {
    let store = MemoryStore::new();
    for _ in 0..1_300 {
        store.append(one("a-1", ExpectedRevision::Any, event("x"))).await.unwrap();
    }
    let mut deliveries = store.subscribe(Position(5), Query::all()).await.unwrap();
    let writer = store.clone();
    let writing = tokio::spawn(async move {
        for _ in 0..700 {
            writer.append(one("a-2", ExpectedRevision::Any, event("x"))).await.unwrap();
            tokio::task::yield_now().await;
        }
    });
    let mut seen = Vec::new();
    while seen.len() < 1_995 {
        seen.extend(deliveries.next().await.unwrap().unwrap().events.iter().map(|event| event.position().0));
    }
    writing.await.unwrap();
    assert_eq!(seen, (6..=2_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_truncated_stream_keeps_its_last_event_and_its_count() {
    let store = MemoryStore::new();
    for _ in 0..4 {
        store.append(one("a-1", ExpectedRevision::Any, event("x"))).await.unwrap();
    }
    store.truncate(&stream("a-1"), Revision(9)).await.unwrap();
    let slice = store.read_stream(&stream("a-1"), Revision::FIRST, Direction::Forward, 10).await.unwrap();
    assert_eq!((slice.first, slice.last, slice.events.len()), (Revision(3), Some(Revision(3)), 1));
    assert_eq!(store.read(Position::START, &Query::all(), 10).await.unwrap().events.len(), 1);
}
