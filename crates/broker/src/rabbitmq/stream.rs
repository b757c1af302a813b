//! Reading the stream of a topic.

use std::time::Duration;

use futures_util::{FutureExt, StreamExt};
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::{AMQPValue, FieldTable};
use tradewind_events::Position;

use super::place::Done;
use super::{Link, broker_error, topology};
use crate::{BrokerError, Delivered, Receipt, Topic};

/// How many messages the server may send ahead of whoever looks for the last one.
const LOOKING_PREFETCH: u16 = 2_000;
/// After so long without a message the end of the stream is reached: it does not say so itself.
const QUIET: Duration = Duration::from_millis(300);
/// Where the server says in which place of the stream a message lies.
const OFFSET_HEADER: &str = "x-stream-offset";

/// Where reading begins.
#[derive(Debug, Clone, Copy)]
pub(super) enum Begin {
    /// With the oldest message that is kept.
    Oldest,
    /// At the beginning of what was written together last.
    NewestChunk,
    /// At a message; at the oldest behind it if it is not kept any more.
    At(u64),
}

/// Messages from a topic's stream. Dropped, it is closed.
pub(super) struct Stream {
    link: Link,
    deliveries: lapin::Consumer,
    prefetch: u16,
    /// The tag of the last delivery, and of the last one behind which the server was let go on.
    taken: u64,
    granted: u64,
    /// What ended the deliveries: the client's library tells it once, and whoever asks again must hear it again.
    broken: Option<BrokerError>,
}

/// A message, and where it lies.
pub(super) struct Kept {
    pub(super) offset: u64,
    delivery: Delivery,
}

impl Kept {
    /// What it tells, if it is one of our messages. Its receipt is its offset.
    pub(super) fn read(&self) -> Option<Delivered> {
        Delivered::read(&self.delivery.data, Receipt(self.offset))
    }

    fn of(delivery: Delivery) -> Result<Self, BrokerError> {
        let headers = delivery.properties.headers().as_ref().map(FieldTable::inner);
        let offset = match headers.and_then(|headers| headers.get(OFFSET_HEADER)) {
            Some(AMQPValue::LongLongInt(offset)) => u64::try_from(*offset).ok(),
            Some(AMQPValue::LongInt(offset)) => u64::try_from(*offset).ok(),
            Some(AMQPValue::LongUInt(offset)) => Some(u64::from(*offset)),
            _ => None,
        };
        match offset {
            Some(offset) => Ok(Self { offset, delivery }),
            None => Err(BrokerError::Refused(format!(
                "the queue of the topic is no stream: its messages have no {OFFSET_HEADER}. Delete it, it is made anew"
            ))),
        }
    }
}

impl Stream {
    pub(super) async fn open(link: &Link, topic: &Topic, begin: Begin, prefetch: u16) -> Result<Self, BrokerError> {
        let link = link.another().await?;
        link.prefetch(prefetch).await?;
        let offset = match begin {
            Begin::Oldest => AMQPValue::LongString("first".into()),
            Begin::NewestChunk => AMQPValue::LongString("last".into()),
            Begin::At(offset) => AMQPValue::LongLongInt(i64::try_from(offset).unwrap_or(i64::MAX)),
        };
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), offset);
        let name = topology::topic_name(topic);
        let consuming =
            link.channel.basic_consume(name.as_str().into(), "".into(), BasicConsumeOptions::default(), arguments);
        let deliveries = link.within(consuming).await?;
        Ok(Self { link, deliveries, prefetch, taken: 0, granted: 0, broken: None })
    }

    /// The next message. Loses nothing when the wait is broken off.
    pub(super) async fn next(&mut self) -> Result<Kept, BrokerError> {
        self.go_on();
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        let next = self.deliveries.next().await;
        self.take(next)
    }

    /// The next message, if it is here already.
    pub(super) fn here(&mut self) -> Option<Result<Kept, BrokerError>> {
        if let Some(error) = &self.broken {
            return Some(Err(error.clone()));
        }
        let next = self.deliveries.next().now_or_never()?;
        Some(self.take(next))
    }

    fn take(&mut self, next: Option<lapin::Result<Delivery>>) -> Result<Kept, BrokerError> {
        let taken = match next {
            Some(Ok(delivery)) => {
                self.taken = delivery.delivery_tag;
                Kept::of(delivery)
            }
            Some(Err(error)) => Err(broker_error(&error)),
            None => Err(BrokerError::Unavailable("the server ended the stream's deliveries".to_owned())),
        };
        taken.inspect_err(|error| self.broken = Some(error.clone()))
    }

    /// Lets the server send more, a part of what it may send ahead at a time. A stream forgets nothing by this. It is
    /// sent at once, and nobody waits until it is written: a wait that is broken off would have it sent twice, for
    /// which the server closes the channel.
    fn go_on(&mut self) {
        if self.taken - self.granted < u64::from(self.prefetch / 4) {
            return;
        }
        self.granted = self.taken;
        let sent = self.link.channel.basic_ack(self.taken, BasicAckOptions { multiple: true }).now_or_never();
        if let Some(Err(error)) = sent {
            self.broken.get_or_insert(broker_error(&error));
        }
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        // Sent at once; nobody waits for the answer.
        let _ = self.link.channel.close(200, "done".into()).now_or_never();
    }
}

/// The last of our messages that a topic's stream has.
pub(super) async fn last(link: &Link, topic: &Topic) -> Result<Option<Done>, BrokerError> {
    let mut newest = Stream::open(link, topic, Begin::NewestChunk, LOOKING_PREFETCH).await?;
    let mut last = None;
    while let Ok(kept) = tokio::time::timeout(QUIET, newest.next()).await {
        let kept = kept?;
        last = kept.read().map(|message| Done { offset: kept.offset, position: message.event.position() }).or(last);
    }
    Ok(last)
}

/// The position of the last message that a topic's stream has.
pub(super) async fn last_position(link: &Link, topic: &Topic) -> Result<Option<Position>, BrokerError> {
    Ok(last(link, topic).await?.map(|done| done.position))
}
