//! Truncation and snapshots.

use bytes::Bytes;
use tradewind_events::{Direction, ExpectedRevision, Position, Query, Revision, Snapshot};

use super::given::{Store, all, events, positions, put, revisions, stream, stream_of, to};

/// Later events count on.
pub async fn a_truncated_stream_keeps_its_end_and_its_count(store: Store) {
    put(&store, "order-1", events(6)).await;
    put(&store, "order-2", events(2)).await;
    store.truncate(&stream("order-1"), Revision(4)).await.unwrap();
    for (direction, expected) in [(Direction::Forward, [4, 5]), (Direction::Backward, [5, 4])] {
        let from = if direction == Direction::Forward { Revision::FIRST } else { Revision::END };
        let slice = store.read_stream(&stream("order-1"), from, direction, 10).await.unwrap();
        assert_eq!(revisions(&slice.events), expected);
        assert_eq!((slice.last, slice.first, slice.end), (Some(Revision(5)), Revision(4), true));
    }
    let next = to("order-1", ExpectedRevision::Exactly(Revision(5)), events(1));
    assert_eq!(store.append(next).await.unwrap().revisions, [Some(Revision(6))]);
    store.truncate(&stream("order-1"), Revision(2)).await.unwrap();
    assert_eq!(revisions(&stream_of(&store, "order-1").await), [4, 5, 6]);
    assert_eq!(revisions(&stream_of(&store, "order-2").await), [0, 1]);
}

/// So that nobody takes the stream for a new one.
pub async fn truncation_keeps_the_last_event(store: Store) {
    put(&store, "order-1", events(3)).await;
    store.truncate(&stream("order-1"), Revision::END).await.unwrap();
    assert_eq!(revisions(&stream_of(&store, "order-1").await), [2]);
    assert!(store.append(to("order-1", ExpectedRevision::None, events(1))).await.is_err());
    store.truncate(&stream("unknown-1"), Revision(5)).await.unwrap();
}

/// Positions keep their count.
pub async fn truncated_events_are_gone_by_position_too(store: Store) {
    put(&store, "a-1", events(3)).await;
    put(&store, "b-1", events(2)).await;
    store.truncate(&stream("a-1"), Revision(2)).await.unwrap();
    assert_eq!(positions(&all(&store, &Query::all()).await), [3, 4, 5]);
    assert_eq!(positions(&all(&store, &Query::category("a")).await), [3]);
    assert_eq!(store.head().await.unwrap(), Position(5));
    assert_eq!(put(&store, "a-1", events(1)).await.first, Position(6));
}

/// Whatever is in it.
pub async fn a_snapshot_replaces_the_one_before(store: Store) {
    assert_eq!(store.load_snapshot(&stream("order-1")).await.unwrap(), None);
    put(&store, "order-1", events(4)).await;
    let snapshot = |revision: u64, state: &'static [u8]| Snapshot {
        stream: stream("order-1"),
        revision: Revision(revision),
        position: Position(revision + 1),
        schema: "order:1".to_owned(),
        state: Bytes::from_static(state),
    };
    for snapshot in [snapshot(1, b"{\"a\":1}"), snapshot(3, b"\x00\xff\n")] {
        store.save_snapshot(snapshot.clone()).await.unwrap();
        assert_eq!(store.load_snapshot(&stream("order-1")).await.unwrap(), Some(snapshot));
    }
    assert_eq!(store.load_snapshot(&stream("order-2")).await.unwrap(), None);
}
