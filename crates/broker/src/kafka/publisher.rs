//! Publishing: an idempotent producer, all messages of a batch on their way at once.
//!
//! The server refuses a batch whose predecessor it does not have, so that nothing can be missing in between, as long as
//! the producer is not used any further once one message has failed. It is not: what is left in it is thrown away.

use std::time::Duration;

use futures_core::future::BoxFuture;
use rdkafka::ClientConfig;
use rdkafka::message::{Header, OwnedHeaders};
use rdkafka::producer::{FutureProducer, FutureRecord, Producer as _, PurgeConfig};
use tokio::time::{Instant, timeout_at};
use tradewind_events::Position;
use tradewind_http::wire::CLOUDEVENT_JSON;

use super::context::Context;
use super::drop_elsewhere;
use super::failure::broker_error;
use super::tail::Tail;
use super::topic::{MESSAGE_BYTES_MAX, PARTITION, topic_name};
use crate::{BrokerError, BrokerOptions, Message, PublishError, Publisher, Topic};

pub(super) struct KafkaPublisher {
    producer: Option<FutureProducer<Context>>,
    context: Context,
    topic: String,
    /// Where the next message stands if nobody else publishes.
    next: i64,
    last: Option<Position>,
    answer_within: Duration,
}

impl KafkaPublisher {
    pub(super) async fn open(
        settings: &ClientConfig,
        topic: &Topic,
        options: &BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let (context, name) = (Context::default(), topic_name(topic));
        let tail = Tail::read(settings, &context, &name, options).await?;
        let mut settings = settings.clone();
        // We give up first, and then throw away what is left; what the library gives up by itself, it goes on behind.
        let patience_ms = options.answer_within.as_millis() * 4;
        settings
            .set("enable.idempotence", "true")
            .set("acks", "all")
            .set("enable.gapless.guarantee", "true")
            .set("message.timeout.ms", patience_ms.to_string())
            .set("message.max.bytes", MESSAGE_BYTES_MAX.to_string())
            .set("linger.ms", "1");
        let producer = settings.create_with_context(context.clone());
        let producer: FutureProducer<Context> = producer.map_err(|error| broker_error(&error, &context))?;
        let Tail { next, last } = tail;
        Ok(Self { producer: Some(producer), context, topic: name, next, last, answer_within: options.answer_within })
    }

    async fn publish_in_order(&mut self, batch: &[Message]) -> Result<(), PublishError> {
        let unconfirmed = |error| PublishError { confirmed: 0, error };
        let over = || BrokerError::Unavailable("this publisher has failed before".to_owned());
        let producer = self.producer.clone().ok_or_else(|| unconfirmed(over()))?;
        let (mut on_their_way, mut broken) = (Vec::with_capacity(batch.len()), None);
        for message in batch {
            let record = FutureRecord::to(&self.topic)
                .partition(PARTITION)
                .key(message.key.as_str())
                .payload(&message.json[..])
                .headers(headers(message));
            match producer.send_result(record) {
                Ok(confirmation) => on_their_way.push(confirmation),
                Err((error, _)) => {
                    broken = Some(broker_error(&error, &self.context));
                    break;
                }
            }
        }
        let deadline = Instant::now() + self.answer_within;
        for (confirmed, confirmation) in on_their_way.into_iter().enumerate() {
            let stopped = |error| PublishError { confirmed, error };
            let Ok(answer) = timeout_at(deadline, confirmation).await else {
                return Err(stopped(self.late()));
            };
            let answer = answer.map_err(|_| stopped(BrokerError::Unavailable("the producer has gone".to_owned())))?;
            let delivered = answer.map_err(|(error, _)| stopped(broker_error(&error, &self.context)))?;
            if delivered.offset != self.next {
                let problem = format!("message {} became {}", self.next, delivered.offset);
                return Err(stopped(BrokerError::Conflict(problem)));
            }
            self.next += 1;
            self.last = Some(batch[confirmed].position);
        }
        match broken {
            Some(error) => {
                let confirmed = batch.iter().take_while(|message| Some(message.position) <= self.last).count();
                Err(PublishError { confirmed, error })
            }
            None => Ok(()),
        }
    }

    /// No answer in time, and why if it is known.
    fn late(&self) -> BrokerError {
        match self.context.told() {
            Some(told) => BrokerError::Unavailable(told.text),
            None => BrokerError::Timeout(self.answer_within.as_millis() as u64),
        }
    }
}

fn headers(message: &Message) -> OwnedHeaders {
    let content_type = Header { key: "content-type", value: Some(CLOUDEVENT_JSON) };
    let headers = OwnedHeaders::new_with_capacity(2).insert(content_type);
    match &message.traceparent {
        Some(trace) => headers.insert(Header { key: "traceparent", value: Some(trace) }),
        None => headers,
    }
}

impl Drop for KafkaPublisher {
    fn drop(&mut self) {
        if let Some(producer) = self.producer.take() {
            drop_elsewhere(producer);
        }
    }
}

impl Publisher for KafkaPublisher {
    fn last(&self) -> Option<Position> {
        self.last
    }

    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(async move {
            let outcome = self.publish_in_order(batch).await;
            if outcome.is_err()
                && let Some(producer) = self.producer.take()
            {
                producer.purge(PurgeConfig::default().queue().inflight());
                drop_elsewhere(producer);
            }
            outcome
        })
    }
}
