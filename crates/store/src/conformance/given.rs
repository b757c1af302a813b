//! What the checks begin with.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tradewind_events::{
    Append, Appended, Delivery, Direction, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, Position,
    Query, Recorded, Revision, StreamId, Subscription, Tag, Timestamp,
};

pub(super) type Store = Arc<dyn EventStore>;

pub(super) fn stream(name: &str) -> StreamId {
    StreamId::new(name).unwrap()
}

pub(super) fn tag(name: &str) -> Tag {
    Tag::new(name).unwrap()
}

pub(super) fn kind(name: &str) -> EventType {
    EventType::new(name).unwrap()
}

pub(super) fn event(name: &str) -> Event {
    tagged(name, &[])
}

pub(super) fn tagged(name: &str, tags: &[&str]) -> Event {
    Event {
        id: EventId::new(),
        event_type: kind(name),
        time: Timestamp::from_micros(1_490_955_630_000_001),
        tags: tags.iter().map(|name| tag(name)).collect(),
        metadata: Metadata::default(),
        data: format!("{{\"name\":\"{name}\"}}").into(),
    }
}

pub(super) fn events(count: usize) -> Vec<Event> {
    (0..count).map(|n| event(&format!("E{n}"))).collect()
}

pub(super) fn to(name: &str, expected: ExpectedRevision, events: Vec<Event>) -> Append {
    Append::to(stream(name), expected, events)
}

/// Appends in any case.
pub(super) async fn put(store: &Store, name: &str, events: Vec<Event>) -> Appended {
    store.append(to(name, ExpectedRevision::Any, events)).await.unwrap()
}

/// All that is in a stream.
pub(super) async fn stream_of(store: &Store, name: &str) -> Vec<Recorded> {
    let (name, mut all, mut from) = (stream(name), Vec::new(), Revision::FIRST);
    loop {
        let slice = store.read_stream(&name, from, Direction::Forward, 500).await.unwrap();
        all.extend(slice.events);
        if slice.end {
            return all;
        }
        from = all.last().unwrap().revision().next();
    }
}

/// All that matches.
pub(super) async fn all(store: &Store, query: &Query) -> Vec<Recorded> {
    let (mut all, mut after) = (Vec::new(), Position::START);
    loop {
        let page = store.read(after, query, 500).await.unwrap();
        assert!(page.through <= page.head, "a page tells more than there is");
        all.extend(page.events);
        if page.through >= page.head {
            return all;
        }
        assert!(page.through > after, "a page that does not go on");
        after = page.through;
    }
}

pub(super) fn positions(events: &[Recorded]) -> Vec<u64> {
    events.iter().map(|event| event.position().0).collect()
}

pub(super) fn revisions(events: &[Recorded]) -> Vec<u64> {
    events.iter().map(|event| event.revision().0).collect()
}

pub(super) fn types(events: &[Recorded]) -> Vec<&str> {
    events.iter().map(Recorded::event_type).collect()
}

/// The next delivery, or a failed check.
pub(super) async fn next(subscription: &mut Subscription) -> Delivery {
    tokio::time::timeout(Duration::from_secs(20), subscription.next())
        .await
        .expect("the subscription is silent")
        .expect("the subscription ended")
        .expect("the subscription failed")
}

/// Deliveries until a position is reached: their events, checked for order and for what `through` promises.
pub(super) async fn until(subscription: &mut Subscription, position: Position) -> Vec<Recorded> {
    let (mut events, mut through) = (Vec::<Recorded>::new(), Position::START);
    while through < position {
        let delivery = next(subscription).await;
        assert!(delivery.through >= through, "a subscription goes back");
        for event in delivery.events {
            assert!(event.position() > through.max(events.last().map_or(Position::START, Recorded::position)));
            assert!(event.position() <= delivery.through, "an event behind what the delivery tells");
            events.push(event);
        }
        through = delivery.through;
    }
    events
}
