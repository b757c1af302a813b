//! Many writers at once.

use std::collections::HashMap;
use std::sync::Arc;

use futures_util::future::join_all;
use tradewind_events::{AppendError, Direction, ExpectedRevision, Position, Query, Revision};

use super::given::{Store, all, event, events, positions, put, stream, stream_of, to};

/// Ordering under concurrency: one gapless order of all, in which each writer's appends keep theirs.
pub async fn sixteen_writers_leave_no_gap_and_keep_their_order(store: Store) {
    let writers = (0..16).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut answers = Vec::new();
            for n in 0..25 {
                let own = put(&store, &format!("own-{writer}"), vec![event(&format!("W{writer}-{n}"))]).await;
                let shared = put(&store, "shared-1", events(2)).await;
                answers.extend([own, shared]);
            }
            answers
        })
    });
    for answers in join_all(writers).await {
        let answers = answers.unwrap();
        assert!(answers.windows(2).all(|pair| pair[0].last < pair[1].first), "an append that went back in time");
        assert!(answers.iter().all(|answer| answer.last.0 - answer.first.0 < 2), "an append that was torn apart");
    }
    let everything = all(&store, &Query::all()).await;
    assert_eq!(positions(&everything), (1..=1_200).collect::<Vec<_>>());
    let mut next: HashMap<&str, u64> = HashMap::new();
    for event in &everything {
        let revision = next.entry(event.stream()).or_default();
        assert_eq!(event.revision(), Revision(*revision), "{event:?}");
        *revision += 1;
    }
    assert!(everything.windows(2).all(|pair| pair[0].recorded_at() <= pair[1].recorded_at()));
}

/// Optimistic concurrency: exactly one.
pub async fn of_those_who_expect_the_same_revision_one_wins(store: Store) {
    for round in 0..10_u64 {
        let expected = if round == 0 { ExpectedRevision::None } else { ExpectedRevision::Exactly(Revision(round - 1)) };
        let race = (0..16).map(|_| store.append(to("contended-1", expected, events(1))));
        let (mut won, mut lost) = (0, 0);
        for outcome in join_all(race).await {
            match outcome {
                Ok(_) => won += 1,
                Err(AppendError::WrongRevision { actual, .. }) => {
                    assert_eq!(actual, Some(Revision(round)));
                    lost += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!((won, lost), (1, 15));
    }
    assert_eq!(store.head().await.unwrap(), Position(10));
}

/// Read, decide, append, and again when somebody was quicker.
pub async fn counting_under_contention_loses_nothing(store: Store) {
    let writers = (0..8).map(|_| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for _ in 0..10 {
                loop {
                    let name = stream("counter-1");
                    let last = store.read_stream(&name, Revision::END, Direction::Backward, 1).await.unwrap().last;
                    match store.append(to("counter-1", ExpectedRevision::seen(last), events(1))).await {
                        Ok(_) => break,
                        Err(error) => assert!(error.is_conflict(), "{error:?}"),
                    }
                }
            }
        })
    });
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    assert_eq!(stream_of(&store, "counter-1").await.len(), 80);
}
