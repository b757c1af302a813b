//! What the stream of a topic has kept.

use std::time::Duration;

use futures_util::StreamExt;
use lapin::message::Delivery;
use lapin::options::{BasicAckOptions, BasicConsumeOptions};
use lapin::types::{AMQPValue, FieldTable};
use tradewind_events::Position;

use super::{Link, broker_error, topology};
use crate::{BrokerError, Delivered, Receipt, Topic};

/// How many messages the server may send ahead.
const PREFETCH: u16 = 2_000;
/// After so long without a message the end of the stream is reached: it does not say so itself.
const QUIET: Duration = Duration::from_millis(300);

/// Reads a topic's stream from a place on.
pub(super) struct History {
    link: Link,
    deliveries: lapin::Consumer,
    /// What has come and is not yet given out: it survives when a wait is broken off.
    current: Option<Delivery>,
}

impl History {
    /// `first` is the oldest message that is kept, `last` the beginning of the newest chunk.
    pub(super) async fn open(link: &Link, topic: &Topic, offset: &str) -> Result<Self, BrokerError> {
        let link = link.another().await?;
        link.prefetch(PREFETCH).await?;
        let mut arguments = FieldTable::default();
        arguments.insert("x-stream-offset".into(), AMQPValue::LongString(offset.into()));
        let name = topology::topic_name(topic);
        let consuming =
            link.channel.basic_consume(name.as_str().into(), "".into(), BasicConsumeOptions::default(), arguments);
        let deliveries = link.within(consuming).await?;
        Ok(Self { link, deliveries, current: None })
    }

    /// The next message; none if nothing more comes for a moment.
    pub(super) async fn next(&mut self) -> Result<Option<Delivered>, BrokerError> {
        loop {
            if self.current.is_none() {
                let Ok(next) = tokio::time::timeout(QUIET, self.deliveries.next()).await else { return Ok(None) };
                let Some(delivery) = next else {
                    return Err(BrokerError::Unavailable("the server ended the stream's deliveries".to_owned()));
                };
                self.current = Some(delivery.map_err(|error| broker_error(&error))?);
            }
            let Some(delivery) = &self.current else { continue };
            // A stream forgets nothing by this; it only lets the server send more.
            let more = delivery.ack(BasicAckOptions::default());
            self.link.within(async { more.await.map(|_| ()) }).await?;
            let delivered = Delivered::read(&delivery.data, Receipt(0));
            self.current = None;
            if delivered.is_some() {
                return Ok(delivered);
            }
        }
    }
}

/// The position of the last message that a topic's stream has.
pub(super) async fn last_position(link: &Link, topic: &Topic) -> Result<Option<Position>, BrokerError> {
    let mut newest = History::open(link, topic, "last").await?;
    let mut last = None;
    while let Some(message) = newest.next().await? {
        last = Some(message.event.position());
    }
    Ok(last)
}
