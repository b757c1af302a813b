//! The end of a topic: where the next message will stand, and the position that was published last.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use rdkafka::consumer::{Consumer as _, StreamConsumer};
use rdkafka::error::KafkaError;
use rdkafka::topic_partition_list::Offset;
use rdkafka::{ClientConfig, Message as _, TopicPartitionList};
use tokio::time::{Instant, timeout_at};
use tradewind_events::Position;
use tradewind_http::wire::event::read_message;

use super::context::Context;
use super::failure::broker_error;
use super::topic::PARTITION;
use super::{blocking, consumer, drop_elsewhere};
use crate::{BrokerError, BrokerOptions};

/// How many messages are looked at: two publishers at once repeat some, so that the last one need not be the newest.
const LOOK_BACK: i64 = 64;
/// How long nothing may come behind what the server calls the end: some call it so too early.
const QUIET: Duration = Duration::from_millis(200);

/// Closes its consumer elsewhere, however the reading ends.
struct Reading(Option<Arc<StreamConsumer<Context>>>);

impl Drop for Reading {
    fn drop(&mut self) {
        if let Some(consumer) = self.0.take() {
            drop_elsewhere(consumer);
        }
    }
}

pub(super) struct Tail {
    /// The offset behind the last message.
    pub(super) next: i64,
    /// The newest position among the last messages; none if there is none of ours.
    pub(super) last: Option<Position>,
}

impl Tail {
    /// Reads it, with a consumer of its own that is of no group that commits. No consumer is given the partition twice:
    /// the library aborts the process if one is closed while it still lets go of the partition that it had before.
    pub(super) async fn read(
        settings: &ClientConfig,
        context: &Context,
        topic: &str,
        options: &BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let mut settings = settings.clone();
        settings.set("group.id", topic).set("enable.auto.commit", "false").set("enable.partition.eof", "true");
        let consumer = settings.create_with_context(context.clone());
        let consumer: StreamConsumer<Context> = consumer.map_err(|error| broker_error(&error, context))?;
        let reading = Reading(Some(Arc::new(consumer)));
        let closed = || BrokerError::Unavailable("this consumer is closed".to_owned());
        let consumer = reading.0.as_ref().ok_or_else(closed)?;
        Self::read_with(consumer, context, topic, options).await
    }

    async fn read_with(
        consumer: &Arc<StreamConsumer<Context>>,
        context: &Context,
        topic: &str,
        options: &BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let deadline = Instant::now() + options.answer_within;
        let (asking, name, within) = (Arc::clone(consumer), topic.to_owned(), options.answer_within);
        let asked = blocking(move || asking.fetch_watermarks(&name, PARTITION, within)).await?;
        let (low, high) = asked.map_err(|error| broker_error(&error, context))?;
        let from = (high - LOOK_BACK).max(low);
        assign(consumer, topic, from).map_err(|error| broker_error(&error, context))?;
        let mut tail = Self { next: from, last: None };
        let (mut stream, mut at_end) = (consumer.stream(), false);
        loop {
            let until = if at_end { Instant::now() + QUIET } else { deadline };
            let Ok(next) = timeout_at(until.min(deadline), stream.next()).await else { break };
            match next {
                Some(Ok(message)) => {
                    tail.next = message.offset() + 1;
                    let ours = message.payload().and_then(|json| read_message(json).ok());
                    tail.last = tail.last.max(ours.map(|(event, _)| event.position()));
                }
                Some(Err(KafkaError::PartitionEOF(_))) => tail.next = tail.next.max(high),
                Some(Err(error)) if consumer::is_passing(&error) => continue,
                Some(Err(error)) => return Err(broker_error(&error, context)),
                None => break,
            }
            at_end = tail.next >= high;
        }
        if tail.next < high {
            return Err(BrokerError::Timeout(options.answer_within.as_millis() as u64));
        }
        Ok(tail)
    }
}

/// Takes the partition from an offset on.
pub(super) fn assign(consumer: &StreamConsumer<Context>, topic: &str, offset: i64) -> Result<(), KafkaError> {
    let mut partition = TopicPartitionList::with_capacity(1);
    partition.add_partition_offset(topic, PARTITION, Offset::Offset(offset))?;
    consumer.assign(&partition)
}
