//! What is refused, as `Invalid`, before anything is written.

use tradewind_events::{
    Append, AppendCondition, AppendError, ExpectedRevision, Position, Query, ReadError, StreamAppend,
};

use super::given::{Store, event, events, put, stream, stream_of, to};

async fn assert_refused(store: &Store, append: Append) {
    match store.append(append).await {
        Err(AppendError::Invalid(_)) => {}
        other => panic!("{other:?}"),
    }
    assert_eq!(store.head().await.unwrap(), Position::START);
}

/// It says nothing.
pub async fn an_append_without_streams_is_refused(store: Store) {
    assert_refused(&store, Append::default()).await;
}

/// It could be read in two ways.
pub async fn a_stream_or_an_id_that_appears_twice_is_refused(store: Store) {
    let part = || StreamAppend { stream: stream("a-1"), expected: ExpectedRevision::Any, events: events(1) };
    assert_refused(&store, Append { streams: vec![part(), part()], condition: None }).await;
    let twice = event("A");
    assert_refused(&store, to("a-1", ExpectedRevision::Any, vec![twice.clone(), twice.clone()])).await;
    let other = |name: &str| StreamAppend {
        stream: stream(name),
        expected: ExpectedRevision::Any,
        events: vec![twice.clone()],
    };
    assert_refused(&store, Append { streams: vec![other("a-1"), other("b-1")], condition: None }).await;
}

/// One more than the most.
pub async fn more_events_than_may_be_are_refused(store: Store) {
    assert_refused(&store, to("a-1", ExpectedRevision::Any, events(Append::EVENTS_MAX + 1))).await;
}

/// The most.
pub async fn as_many_events_as_may_be_are_taken(store: Store) {
    let appended = put(&store, "a-1", events(Append::EVENTS_MAX)).await;
    assert_eq!((appended.first, appended.last), (Position(1), Position(Append::EVENTS_MAX as u64)));
    assert_eq!(stream_of(&store, "a-1").await.len(), Append::EVENTS_MAX);
}

/// Not even its ids.
pub async fn a_refused_append_leaves_nothing_behind(store: Store) {
    let later = event("A");
    let refused = to("a-1", ExpectedRevision::Exists, vec![later.clone()]);
    assert!(store.append(refused).await.unwrap_err().is_conflict());
    let appended = store.append(to("b-1", ExpectedRevision::None, vec![later])).await.unwrap();
    assert_eq!((appended.first, appended.duplicate), (Position(1), false));
}

/// No stream can be of such a category, and no engine says so in its own words.
pub async fn a_category_that_cannot_be_is_refused_in_queries_and_conditions(store: Store) {
    put(&store, "a-1", events(1)).await;
    for category in ["a\0", "a\nb", "a b", ""] {
        let read = store.read(Position::START, &Query::category(category), 10).await;
        assert!(matches!(read, Err(ReadError::Invalid(_))), "{category:?}: {read:?}");
        let condition = AppendCondition { fail_if: Query::category(category), after: Position::START };
        let append = to("a-1", ExpectedRevision::Any, events(1)).provided(condition);
        let appended = store.append(append).await;
        assert!(matches!(appended, Err(AppendError::Invalid(_))), "{category:?}: {appended:?}");
    }
    assert_eq!(store.head().await.unwrap(), Position(1));
}
