//! What the checks are written with.

use std::any::Any;
use std::sync::Arc;
use std::time::Duration;

use tradewind_events::{Event, EventId, EventType, Metadata, Position, Recorded, Revision, Tag, Timestamp};

use super::{Fixture, OpenPublisher};
use crate::{Broker, Consumer, Delivered, Group, Message, Publisher, StartFrom, Subscribe, Topic};

/// How long what is expected may take to come.
const COMES_WITHIN: Duration = Duration::from_secs(20);
/// How long to wait for what must not come.
const QUIET: Duration = Duration::from_millis(500);

/// A broker under test.
pub struct Given {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) topic: Topic,
    publisher: OpenPublisher,
}

/// An event at a position, of one of three streams.
#[must_use]
pub fn event(position: u64) -> Recorded {
    sized_event(position, 0)
}

/// The same with so many bytes more.
#[must_use]
pub(super) fn sized_event(position: u64, bytes: usize) -> Recorded {
    let time = Timestamp::from_micros(1_700_000_000_000_000 + position as i64 * 1_000);
    let event = Event {
        id: EventId::derived("a check", position as usize),
        event_type: EventType::new("OrderPlaced").unwrap(),
        time,
        tags: vec![Tag::new(format!("number:{position}")).unwrap()],
        metadata: Metadata {
            correlation_id: Some("conversation".to_owned()),
            traceparent: Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".to_owned()),
            ..Metadata::default()
        },
        data: serde_json::to_vec(&serde_json::json!({ "number": position, "more": "ü".repeat(bytes / 2) }))
            .unwrap()
            .into(),
    };
    let stream = format!("order-{}", position % 3);
    Recorded::assemble(&stream, &event, Position(position), Revision((position - 1) / 3), time)
}

/// The events of some positions, chained.
pub(super) fn messages(events: &[Recorded], previous: u64) -> Vec<Message> {
    let mut previous = Position(previous);
    let chain = events.iter().map(|event| {
        let message = Message::of(event, "/check", previous);
        previous = event.position();
        message
    });
    chain.collect()
}

impl Given {
    /// The broker of a fixture, and what must outlive it.
    #[must_use]
    pub fn new(fixture: Fixture) -> (Self, Box<dyn Any + Send>) {
        let Fixture { broker, publisher, topic, keep } = fixture;
        (Self { broker, publisher, topic }, keep)
    }

    pub(super) async fn publisher(&self) -> Box<dyn Publisher> {
        (self.publisher)(self.topic.clone()).await.unwrap()
    }

    pub(super) async fn publisher_on(&self, topic: &Topic) -> Box<dyn Publisher> {
        (self.publisher)(topic.clone()).await.unwrap()
    }

    pub(super) fn subscribe(&self, group: &str, from: StartFrom) -> Subscribe {
        Subscribe { topic: self.topic.clone(), group: Group::new(group).unwrap(), from }
    }

    pub(super) async fn consumer(&self, group: &str, from: StartFrom) -> Box<dyn Consumer> {
        self.broker.consumer(self.subscribe(group, from)).await.unwrap()
    }
}

/// Publishes events at positions 1, 2 and so on, up to the last of a range.
pub(super) async fn publish(publisher: &mut dyn Publisher, positions: std::ops::RangeInclusive<u64>) {
    let before = positions.start() - 1;
    let events: Vec<Recorded> = positions.map(event).collect();
    publisher.publish(&messages(&events, before)).await.unwrap();
}

/// The next messages, until there are so many.
pub(super) async fn take(consumer: &mut dyn Consumer, count: usize) -> Vec<Delivered> {
    let mut all = Vec::new();
    while all.len() < count {
        let more = tokio::time::timeout(COMES_WITHIN, consumer.next(count - all.len())).await;
        let more = more.unwrap_or_else(|_| panic!("only {:?} came, not {count}", positions(&all))).unwrap();
        assert!(more.len() <= count - all.len(), "more than asked for");
        all.extend(more);
    }
    all
}

/// What comes in a moment, although nothing should.
pub(super) async fn unexpected(consumer: &mut dyn Consumer) -> Vec<u64> {
    match tokio::time::timeout(QUIET, consumer.next(100)).await {
        Ok(messages) => positions(&messages.unwrap()),
        Err(_) => Vec::new(),
    }
}

pub(super) fn positions(messages: &[Delivered]) -> Vec<u64> {
    messages.iter().map(|message| message.event.position().0).collect()
}

/// The whole of a range, as positions.
pub(super) fn all(range: std::ops::RangeInclusive<u64>) -> Vec<u64> {
    range.collect()
}
