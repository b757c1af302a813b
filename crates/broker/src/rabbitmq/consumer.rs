//! Consuming: a group's quorum queue, and for a group that begins at the beginning first what the stream has kept.
//!
//! Such a group's queue is given a marker before anything else can come to it. As long as the marker is in the queue,
//! what was before has not all been acknowledged, and whoever comes back reads it again.

use std::collections::VecDeque;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use lapin::options::{BasicAckOptions, BasicConsumeOptions, BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::FieldTable;
use lapin::{BasicProperties, message::Delivery};
use tradewind_events::Position;

use super::history::{self, History};
use super::{Link, broker_error, topology};
use crate::{BrokerError, BrokerOptions, Consumer, Delivered, Receipt, StartFrom, Subscribe, Topic};

const MARKER: &str = "tradewind.beginning";
const PERSISTENT: u8 = 2;

pub(super) struct RabbitMqConsumer {
    link: Link,
    topic: Topic,
    deliveries: lapin::Consumer,
    past: Option<Past>,
    /// The last position from the past: the queue begins before the past ends.
    past_through: Position,
    /// What has come and is not yet given out: it survives when a wait is broken off.
    ahead: Vec<Delivered>,
    /// What is delivered and not acknowledged: its receipt and, for what has one, the server's tag.
    unacknowledged: VecDeque<(Receipt, u64)>,
    next_receipt: u64,
}

/// What is read from the stream before the queue.
struct Past {
    state: PastState,
    /// The marker's tag, acknowledged when all of the past is.
    marker: u64,
}

enum PastState {
    /// Kept, so that a wait that is broken off is gone on with.
    Opening(BoxFuture<'static, Result<(Box<History>, Position), BrokerError>>),
    /// The stream, and the last position that was there when reading it began.
    Reading(Box<History>, Position),
}

impl RabbitMqConsumer {
    pub(super) async fn open(link: Link, subscribe: &Subscribe, options: &BrokerOptions) -> Result<Self, BrokerError> {
        let Subscribe { topic, group, from } = subscribe;
        topology::make_topic(&link, topic, options).await?;
        let queue = topology::queue_name(topic, group);
        if topology::make_queue(&link, topic, group, options).await? && *from == StartFrom::Beginning {
            mark(&link, &queue).await?;
        }
        topology::bind(&link, &queue, &topology::topic_name(topic)).await?;
        link.prefetch(options.prefetch).await?;
        let nothing = FieldTable::default();
        let consuming =
            link.channel.basic_consume(queue.as_str().into(), "".into(), BasicConsumeOptions::default(), nothing);
        let deliveries = link.within(consuming).await?;
        Ok(Self {
            link,
            topic: topic.clone(),
            deliveries,
            past: None,
            past_through: Position::START,
            ahead: Vec::new(),
            unacknowledged: VecDeque::new(),
            next_receipt: 1,
        })
    }

    /// What one delivery of the queue brings.
    fn take(&mut self, delivery: &Delivery) {
        if delivery.properties.kind().as_ref().is_some_and(|kind| kind.as_str() == MARKER) {
            let opening = open_history(self.link.clone(), self.topic.clone());
            self.past = Some(Past { state: PastState::Opening(Box::pin(opening)), marker: delivery.delivery_tag });
            return;
        }
        let receipt = self.receipt(delivery.delivery_tag);
        let delivered = Delivered::read(&delivery.data, receipt);
        self.ahead.extend(delivered.filter(|delivered| delivered.event.position() > self.past_through));
    }

    fn receipt(&mut self, tag: u64) -> Receipt {
        let receipt = Receipt(self.next_receipt);
        self.next_receipt += 1;
        self.unacknowledged.push_back((receipt, tag));
        receipt
    }

    /// Reads on in the past. The marker's tag belongs to its last message: acknowledging less than all of the past
    /// acknowledges nothing.
    async fn read_past(&mut self, max: usize) -> Result<(), BrokerError> {
        while let Some(past) = &mut self.past {
            let (history, until) = match &mut past.state {
                PastState::Opening(opening) => {
                    let (history, until) = opening.await?;
                    past.state = PastState::Reading(history, until);
                    continue;
                }
                PastState::Reading(history, until) => (history, *until),
            };
            let message = if self.past_through < until { history.next().await? } else { None };
            let Some(mut message) = message else {
                // To its end, or as far as it is still kept.
                let marker = past.marker;
                self.past = None;
                let receipt = self.receipt(marker);
                if let Some(last) = self.ahead.last_mut() {
                    last.receipt = receipt;
                }
                break;
            };
            self.past_through = message.event.position();
            message.receipt = Receipt(self.next_receipt.saturating_sub(1));
            self.ahead.push(message);
            if self.ahead.len() >= max && self.past_through < until {
                break;
            }
        }
        Ok(())
    }
}

/// Without a cancellation first: after one, newer messages would go to the next consumer before what is given back.
impl Drop for RabbitMqConsumer {
    fn drop(&mut self) {
        // Sent at once; nobody waits for the answer.
        let _ = self.link.channel.close(200, "done".into()).now_or_never();
    }
}

async fn open_history(link: Link, topic: Topic) -> Result<(Box<History>, Position), BrokerError> {
    // A topic without a message has no past; its marker is acknowledged with the first message.
    let until = history::last_position(&link, &topic).await?.unwrap_or(Position::START);
    Ok((Box::new(History::open(&link, &topic, "first").await?), until))
}

/// Puts the marker into a queue that nothing else comes to yet.
async fn mark(link: &Link, queue: &str) -> Result<(), BrokerError> {
    let link = link.another().await?;
    link.within(link.channel.confirm_select(ConfirmSelectOptions::default())).await?;
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT).with_type(MARKER.into());
    let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
    let sent = link.channel.basic_publish("".into(), queue.into(), options, b"", properties);
    let confirmation = link.within(async { sent.await?.await }).await?;
    if confirmation.is_ack() && confirmation.take_message().is_none() {
        return Ok(());
    }
    Err(BrokerError::Unavailable("the server did not keep the marker of a new queue".to_owned()))
}

impl Consumer for RabbitMqConsumer {
    fn next(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<Delivered>, BrokerError>> {
        Box::pin(async move {
            if self.past.is_some() {
                self.read_past(max).await?;
            }
            while self.ahead.len() < max && self.past.is_none() {
                let next = if self.ahead.is_empty() {
                    self.deliveries.next().await
                } else {
                    match self.deliveries.next().now_or_never() {
                        Some(next) => next,
                        None => break,
                    }
                };
                match next {
                    Some(Ok(delivery)) => self.take(&delivery),
                    // What came before it is given first; a channel that broke tells so again.
                    Some(Err(_)) | None if !self.ahead.is_empty() => break,
                    Some(Err(error)) => return Err(broker_error(&error)),
                    None => return Err(BrokerError::Unavailable("the server ended the deliveries".to_owned())),
                }
                if self.past.is_some() && self.ahead.is_empty() {
                    self.read_past(max).await?;
                }
            }
            Ok(std::mem::take(&mut self.ahead))
        })
    }

    fn acknowledge(&mut self, through: Receipt) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            let done = self.unacknowledged.partition_point(|(receipt, _)| *receipt <= through);
            let Some((_, tag)) = done.checked_sub(1).and_then(|last| self.unacknowledged.get(last)) else {
                return Ok(());
            };
            let all_before = BasicAckOptions { multiple: true };
            self.link.within(self.link.channel.basic_ack(*tag, all_before)).await?;
            self.unacknowledged.drain(..done);
            Ok(())
        })
    }
}
