//! Consuming: the topic's one partition, from the group's committed offset on.
//!
//! What is acknowledged is noted at once, and committed by the library ten times a second and at the end: what was noted
//! and not yet committed when a consumer falls is repeated.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use rdkafka::consumer::{CommitMode, Consumer as _, StreamConsumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::topic_partition_list::Offset;
use rdkafka::{ClientConfig, Message as _, TopicPartitionList};

use super::context::Context;
use super::failure::broker_error;
use super::tail::{Tail, assign};
use super::topic::{PARTITION, topic_name};
use super::{blocking, drop_elsewhere};
use crate::{BrokerError, BrokerOptions, Consumer, Delivered, Receipt, StartFrom, Subscribe};

const COMMIT_EVERY_MS: u32 = 100;
/// How many bytes the library may hold that nobody has asked for.
const AHEAD_KIBIBYTES_MAX: u32 = 32 << 10;
/// How long it pauses when it holds enough.
const ENOUGH_PAUSE_MS: u32 = 20;
/// How long the effects of what was given may take: nobody else waits for the partition.
const HANDLING_MS_MAX: u32 = 24 * 3_600_000;

pub(super) struct KafkaConsumer {
    consumer: Option<Arc<StreamConsumer<Context>>>,
    context: Context,
    topic: String,
    /// What ended the deliveries, until it is told: the library tells it once.
    broken: Option<BrokerError>,
}

impl KafkaConsumer {
    pub(super) async fn open(
        settings_of_all: &ClientConfig,
        subscribe: &Subscribe,
        options: &BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let (context, topic) = (Context::default(), topic_name(&subscribe.topic));
        let mut settings = settings_of_all.clone();
        settings
            .set("group.id", format!("{topic}.{}", subscribe.group))
            .set("enable.auto.commit", "true")
            .set("auto.commit.interval.ms", COMMIT_EVERY_MS.to_string())
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            // Behind what the server still has: from its beginning, and the chain tells what is missing.
            .set("auto.offset.reset", "earliest")
            .set("session.timeout.ms", options.answer_within.as_millis().to_string())
            .set("max.poll.interval.ms", HANDLING_MS_MAX.to_string())
            .set("queued.min.messages", options.prefetch.to_string())
            .set("queued.max.messages.kbytes", AHEAD_KIBIBYTES_MAX.to_string())
            .set("fetch.queue.backoff.ms", ENOUGH_PAUSE_MS.to_string());
        let consumer = settings.create_with_context(context.clone());
        let consumer: StreamConsumer<Context> = consumer.map_err(|error| broker_error(&error, &context))?;
        let opened = Self { consumer: Some(Arc::new(consumer)), context, topic, broken: None };
        let begin = match opened.committed(options).await? {
            Some(offset) => offset,
            None => opened.begin(settings_of_all, subscribe.from, options).await?,
        };
        assign(opened.consumer()?, &opened.topic, begin).map_err(|error| broker_error(&error, &opened.context))?;
        Ok(opened)
    }

    fn consumer(&self) -> Result<&Arc<StreamConsumer<Context>>, BrokerError> {
        self.consumer.as_ref().ok_or_else(|| BrokerError::Unavailable("this consumer is closed".to_owned()))
    }

    /// Where the group goes on; none if it is new.
    async fn committed(&self, options: &BrokerOptions) -> Result<Option<i64>, BrokerError> {
        let (consumer, within) = (Arc::clone(self.consumer()?), options.answer_within);
        let mut partition = TopicPartitionList::with_capacity(1);
        partition.add_partition(&self.topic, PARTITION);
        let asked = blocking(move || {
            let committed = consumer.committed_offsets(partition, within)?;
            committed.elements().first().map_or(Ok(Offset::Invalid), |first| first.error().map(|()| first.offset()))
        });
        match asked.await?.map_err(|error| broker_error(&error, &self.context))? {
            Offset::Offset(offset) => Ok(Some(offset)),
            _ => Ok(None),
        }
    }

    /// Notes where a new group begins, so that everything from there on is kept for it.
    async fn begin(
        &self,
        settings: &ClientConfig,
        from: StartFrom,
        options: &BrokerOptions,
    ) -> Result<i64, BrokerError> {
        let consumer = self.consumer()?;
        let begin = match from {
            StartFrom::Now => Tail::read(settings, &self.context, &self.topic, options).await?.next,
            StartFrom::Beginning => {
                let (asking, topic, within) = (Arc::clone(consumer), self.topic.clone(), options.answer_within);
                let asked = blocking(move || asking.fetch_watermarks(&topic, PARTITION, within)).await?;
                asked.map_err(|error| broker_error(&error, &self.context))?.0
            }
        };
        let mut place = TopicPartitionList::with_capacity(1);
        let added = place.add_partition_offset(&self.topic, PARTITION, Offset::Offset(begin));
        added.map_err(|error| broker_error(&error, &self.context))?;
        let committing = Arc::clone(consumer);
        let committed = blocking(move || committing.commit(&place, CommitMode::Sync)).await?;
        committed.map_err(|error| broker_error(&error, &self.context))?;
        Ok(begin)
    }
}

/// Whether the library gets over something by itself.
pub(super) fn is_passing(error: &KafkaError) -> bool {
    let by_itself = matches!(
        error.rdkafka_error_code(),
        Some(
            Code::BrokerTransportFailure
                | Code::Resolve
                | Code::OperationTimedOut
                | Code::RequestTimedOut
                | Code::NotLeaderForPartition
                | Code::LeaderNotAvailable
                | Code::OffsetOutOfRange
                | Code::AutoOffsetReset
        )
    );
    by_itself || matches!(error, KafkaError::PartitionEOF(_))
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        if let Some(consumer) = self.consumer.take() {
            drop_elsewhere(consumer);
        }
    }
}

impl Consumer for KafkaConsumer {
    fn next(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<Delivered>, BrokerError>> {
        Box::pin(async move {
            if let Some(error) = self.broken.take() {
                return Err(error);
            }
            let mut messages = self.consumer()?.stream();
            let (mut all, mut broken) = (Vec::<Delivered>::new(), None);
            while all.len() < max {
                let next = if all.is_empty() {
                    messages.next().await
                } else {
                    match messages.next().now_or_never() {
                        Some(next) => next,
                        None => break,
                    }
                };
                match next {
                    Some(Ok(message)) => {
                        let receipt = Receipt(message.offset().cast_unsigned());
                        all.extend(Delivered::read(message.payload().unwrap_or_default(), receipt));
                    }
                    Some(Err(error)) if is_passing(&error) => {}
                    Some(Err(error)) => {
                        broken = Some(broker_error(&error, &self.context));
                        break;
                    }
                    None => return Err(BrokerError::Unavailable("the deliveries ended".to_owned())),
                }
            }
            drop(messages);
            match broken {
                Some(error) if all.is_empty() => Err(error),
                // What came before it is given first.
                broken => {
                    self.broken = broken;
                    Ok(all)
                }
            }
        })
    }

    fn acknowledge(&mut self, through: Receipt) -> BoxFuture<'_, Result<(), BrokerError>> {
        let stored = self.consumer().and_then(|consumer| {
            let stored = consumer.store_offset(&self.topic, PARTITION, through.0.cast_signed());
            stored.map_err(|error| broker_error(&error, &self.context))
        });
        Box::pin(async move { stored })
    }
}
