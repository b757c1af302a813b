//! The same event ids again.

use futures_util::future::join_all;
use tradewind_events::{Append, AppendCondition, AppendError, ExpectedRevision, Position, Query, StreamAppend};

use super::given::{Store, event, events, put, stream, stream_of, to};

/// Also when others have written meanwhile.
pub async fn repeating_an_append_gives_the_same_answer_and_writes_nothing(store: Store) {
    let append = Append {
        streams: vec![
            StreamAppend { stream: stream("a-1"), expected: ExpectedRevision::Any, events: events(2) },
            StreamAppend { stream: stream("b-1"), expected: ExpectedRevision::Any, events: events(1) },
        ],
        condition: None,
    };
    let first = store.append(append.clone()).await.unwrap();
    put(&store, "a-1", events(1)).await;
    let again = store.append(append).await.unwrap();
    assert!(!first.duplicate && again.duplicate);
    assert_eq!((again.first, again.last, again.revisions), (first.first, first.last, first.revisions));
    assert_eq!(store.head().await.unwrap(), Position(4));
}

/// What held then need not hold now.
pub async fn repeating_is_recognised_before_anything_is_checked(store: Store) {
    let append = to("a-1", ExpectedRevision::None, events(1))
        .provided(AppendCondition { fail_if: Query::all(), after: Position::START });
    store.append(append.clone()).await.unwrap();
    put(&store, "a-1", events(1)).await;
    assert!(store.append(append).await.unwrap().duplicate);
}

/// Only the whole is recognised.
pub async fn ids_taken_together_with_others_are_refused(store: Store) {
    let (one, two, three) = (event("A"), event("B"), event("C"));
    put(&store, "a-1", vec![one.clone(), two.clone()]).await;
    for reuse in [vec![two.clone(), three.clone()], vec![three, one.clone()], vec![one.clone()], vec![two, one]] {
        let known = reuse.clone();
        match store.append(to("a-1", ExpectedRevision::Any, reuse)).await {
            Err(AppendError::IdReused { id, position }) => {
                assert!(known.iter().any(|event| event.id == id));
                assert!(position == Position(1) || position == Position(2));
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(store.head().await.unwrap(), Position(2));
}

/// An id belongs to one event of the whole store.
pub async fn an_id_taken_by_another_stream_is_refused(store: Store) {
    let taken = event("A");
    put(&store, "a-1", vec![taken.clone()]).await;
    match store.append(to("b-1", ExpectedRevision::Any, vec![taken.clone()])).await {
        Err(AppendError::IdReused { id, position }) => assert_eq!((id, position), (taken.id, Position(1))),
        other => panic!("{other:?}"),
    }
    assert!(stream_of(&store, "b-1").await.is_empty());
}

/// Whoever comes first writes, the others are told so.
pub async fn concurrent_repetitions_are_recorded_once(store: Store) {
    let append = to("a-1", ExpectedRevision::None, events(3));
    let answers = join_all((0..8).map(|_| store.append(append.clone()))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    assert_eq!(answers.iter().filter(|answer| !answer.duplicate).count(), 1);
    assert!(answers.iter().all(|answer| (answer.first, answer.last) == (Position(1), Position(3))));
    assert_eq!(stream_of(&store, "a-1").await.len(), 3);
}

/// The caller may go away at any moment, and find out later.
pub async fn an_abandoned_append_is_recorded_once_or_not_at_all(store: Store) {
    for n in 0..20 {
        let name = format!("a-{n}");
        let append = to(&name, ExpectedRevision::None, events(2));
        tokio::select! {
            biased;
            _ = store.append(append.clone()) => {}
            () = async { for _ in 0..n { tokio::task::yield_now().await; } } => {}
        }
        store.append(append).await.unwrap();
        assert_eq!(stream_of(&store, &name).await.len(), 2);
    }
    assert_eq!(store.head().await.unwrap(), Position(40));
}
