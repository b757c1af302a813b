use tradewind_events::{Append, Event, EventStore, EventType, ExpectedRevision, StreamId, Timestamp};
use tradewind_testkit::memory_store::MemoryStore;

use super::*;

async fn happen(store: &MemoryStore, stream: &str) {
    let event = Event::new(EventType::new("OrderApproved").unwrap(), Timestamp::EPOCH, &()).unwrap();
    let append = Append::to(StreamId::new(stream).unwrap(), ExpectedRevision::Any, vec![event]);
    store.append(append).await.unwrap();
}

async fn woken(watcher: &mut Watcher) -> bool {
    tokio::time::timeout(Duration::from_millis(300), watcher.changed()).await.is_ok()
}

/// Waits until the subscription is there: whatever it is that wakes first, it is past its beginning then.
async fn settled(watcher: &mut Watcher) {
    while woken(watcher).await {}
}

#[tokio::test]
async fn only_those_who_watch_an_order_are_woken_by_it() {
    let store = Arc::new(MemoryStore::new());
    let live = LiveOrders::default();
    let (follower, source) = (live.clone(), store.clone());
    tokio::spawn(async move { follower.follow(source).await });
    let (mut one, mut another, mut other) = (live.watch("a"), live.watch("a"), live.watch("b"));
    settled(&mut one).await;
    settled(&mut another).await;
    settled(&mut other).await;
    happen(&store, "order-a").await;
    assert!(woken(&mut one).await);
    assert!(woken(&mut another).await);
    assert!(!woken(&mut other).await);
}

#[test]
fn an_order_that_nobody_watches_any_more_is_forgotten() {
    let live = LiveOrders::default();
    let (one, another) = (live.watch("a"), live.watch("a"));
    drop(one);
    assert_eq!(live.watched.lock().len(), 1);
    drop(another);
    assert_eq!(live.watched.lock().len(), 0);
}
