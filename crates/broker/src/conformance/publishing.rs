//! What a publisher promises.

use tradewind_events::Position;

use super::given::{Given, all, event, messages, positions, publish, sized_event, take};
use crate::StartFrom;

/// The event, its metadata and its place in the chain arrive as they were sent.
pub async fn a_published_event_comes_whole(given: Given) {
    let mut publisher = given.publisher().await;
    let sent = event(1);
    publisher.publish(&messages(std::slice::from_ref(&sent), 0)).await.unwrap();
    let mut consumer = given.consumer("whole", StartFrom::Beginning).await;
    let came = take(&mut *consumer, 1).await.remove(0);
    assert_eq!(came.previous, Position::START);
    let came = came.event;
    assert_eq!((came.position(), came.revision(), came.id()), (sent.position(), sent.revision(), sent.id()));
    assert_eq!((came.stream(), came.event_type(), came.time()), (sent.stream(), sent.event_type(), sent.time()));
    assert_eq!(came.tags().collect::<Vec<_>>(), sent.tags().collect::<Vec<_>>());
    assert_eq!(came.metadata().unwrap(), sent.metadata().unwrap());
    assert_eq!(came.data(), sent.data());
}

/// Batch after batch, in the order in which they were published.
pub async fn a_batch_comes_in_order(given: Given) {
    let mut publisher = given.publisher().await;
    let mut consumer = given.consumer("order", StartFrom::Beginning).await;
    publish(&mut *publisher, 1..=1).await;
    publish(&mut *publisher, 2..=500).await;
    publish(&mut *publisher, 501..=502).await;
    let came = take(&mut *consumer, 502).await;
    assert_eq!(positions(&came), all(1..=502));
    assert!(came.iter().all(|message| message.previous.0 + 1 == message.event.position().0));
}

/// So that a relay goes on where the last one was, whatever it remembers itself.
pub async fn a_new_publisher_knows_what_was_published_last(given: Given) {
    let mut first = given.publisher().await;
    assert_eq!(first.last(), None);
    publish(&mut *first, 1..=7).await;
    assert_eq!(first.last(), Some(Position(7)));
    drop(first);
    let mut second = given.publisher().await;
    assert_eq!(second.last(), Some(Position(7)));
    publish(&mut *second, 8..=9).await;
    let mut consumer = given.consumer("last", StartFrom::Beginning).await;
    assert_eq!(positions(&take(&mut *consumer, 9).await), all(1..=9));
}

/// Nothing is cut.
pub async fn an_event_of_half_a_mebibyte_comes_whole(given: Given) {
    let mut publisher = given.publisher().await;
    let sent = sized_event(1, 512 << 10);
    publisher.publish(&messages(std::slice::from_ref(&sent), 0)).await.unwrap();
    let mut consumer = given.consumer("large", StartFrom::Beginning).await;
    assert_eq!(take(&mut *consumer, 1).await[0].event.data(), sent.data());
}

/// A service may tell what nobody listens to yet.
pub async fn a_topic_without_consumers_takes_events(given: Given) {
    let mut publisher = given.publisher().await;
    publish(&mut *publisher, 1..=20).await;
    assert_eq!(publisher.last(), Some(Position(20)));
}
