//! Subscriptions: from anywhere, into the future.

use std::sync::Arc;
use std::time::Duration;

use tradewind_events::{Position, Query, Recorded};

use super::given::{Store, event, events, next, positions, put, until};

/// While writers go on.
pub async fn a_subscription_catches_up_and_goes_live_without_a_gap_or_a_repeat(store: Store) {
    for n in 0..40 {
        put(&store, &format!("s-{}", n % 3), events(10)).await;
    }
    let mut subscription = store.subscribe(Position::START, Query::all()).await.unwrap();
    let writer = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for n in 0..100 {
                put(&store, &format!("s-{}", n % 3), events(4)).await;
            }
        })
    };
    let seen = until(&mut subscription, Position(800)).await;
    writer.await.unwrap();
    assert_eq!(positions(&seen), (1..=800).collect::<Vec<_>>());
}

/// Before anything is there, after the past, and after each live event.
pub async fn a_subscription_tells_when_it_has_caught_up(store: Store) {
    let mut subscription = store.subscribe(Position::START, Query::all()).await.unwrap();
    let first = next(&mut subscription).await;
    assert!(first.caught_up && first.events.is_empty());
    assert_eq!(first.through, Position::START);
    for n in 1..=3_u64 {
        put(&store, "a-1", events(1)).await;
        let (mut seen, mut through) = (Vec::new(), Position::START);
        loop {
            let delivery = next(&mut subscription).await;
            seen.extend(positions(&delivery.events));
            through = through.max(delivery.through);
            if delivery.caught_up {
                break;
            }
        }
        assert_eq!((seen, through), (vec![n], Position(n)));
    }
}

/// Matches only; and a reader of nothing still knows where it stands.
pub async fn a_filtered_subscription_gets_what_matches_and_tells_how_far_it_is(store: Store) {
    put(&store, "noise-1", events(50)).await;
    let mut subscription = store.subscribe(Position::START, Query::category("order")).await.unwrap();
    assert!(until(&mut subscription, Position(50)).await.is_empty());
    put(&store, "order-1", vec![event("A")]).await;
    put(&store, "noise-1", events(50)).await;
    put(&store, "order-2", vec![event("B")]).await;
    put(&store, "noise-1", events(7)).await;
    assert_eq!(positions(&until(&mut subscription, Position(109)).await), [51, 102]);
}

/// Nor does it lose anything.
pub async fn a_slow_subscriber_never_blocks_a_writer(store: Store) {
    let mut slow = store.subscribe(Position::START, Query::all()).await.unwrap();
    next(&mut slow).await;
    let mut large = event("Large");
    for n in 0..64 {
        large.id = tradewind_events::EventId::new();
        large.data = format!("\"{}\"", "x".repeat(128 << 10)).into();
        let name = format!("blob-{n}");
        let append = put(&store, &name, vec![large.clone()]);
        tokio::time::timeout(Duration::from_secs(10), append).await.expect("the writer is blocked");
    }
    let mut quick = store.subscribe(Position(60), Query::all()).await.unwrap();
    assert_eq!(positions(&until(&mut quick, Position(64)).await), [61, 62, 63, 64]);
    assert_eq!(until(&mut slow, Position(64)).await.len(), 64);
}

/// In the middle, at the head, and before the first.
pub async fn a_subscription_may_begin_anywhere(store: Store) {
    put(&store, "a-1", events(10)).await;
    for after in [0, 4, 9, 10] {
        let mut subscription = store.subscribe(Position(after), Query::all()).await.unwrap();
        let seen = until(&mut subscription, Position(10)).await;
        assert_eq!(positions(&seen), (after + 1..=10).collect::<Vec<_>>());
    }
    let mut subscription = store.subscribe(Position(10), Query::all()).await.unwrap();
    put(&store, "a-1", events(2)).await;
    assert_eq!(positions(&until(&mut subscription, Position(12)).await), [11, 12]);
}

/// Each for itself.
pub async fn many_subscribers_get_everything(store: Store) {
    let mut readers = Vec::new();
    for n in 0..100 {
        let mut subscription = store.subscribe(Position(n % 5), Query::all()).await.unwrap();
        readers.push(tokio::spawn(async move {
            let seen = until(&mut subscription, Position(60)).await;
            seen.iter().map(Recorded::position).collect::<Vec<_>>()
        }));
    }
    for _ in 0..20 {
        put(&store, "a-1", events(3)).await;
    }
    for (n, reader) in readers.into_iter().enumerate() {
        let expected: Vec<_> = (n as u64 % 5 + 1..=60).map(Position).collect();
        assert_eq!(reader.await.unwrap(), expected);
    }
}
