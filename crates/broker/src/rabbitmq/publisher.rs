//! Publishing: one channel in confirm mode, all messages of a batch on their way at once.

use futures_core::future::BoxFuture;
use lapin::options::{BasicPublishOptions, ConfirmSelectOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{BasicProperties, Confirmation};
use tradewind_events::Position;
use tradewind_http::wire::CLOUDEVENT_JSON;

use super::{Link, broker_error, late, stream, topology};
use crate::{BrokerError, BrokerOptions, Message, PublishError, Publisher, Topic};

const PERSISTENT: u8 = 2;
const ROUTING_KEY_BYTES_MAX: usize = 255;

pub(super) struct RabbitMqPublisher {
    link: Link,
    exchange: String,
    last: Option<Position>,
}

impl RabbitMqPublisher {
    pub(super) async fn open(link: Link, topic: &Topic, options: &BrokerOptions) -> Result<Self, BrokerError> {
        topology::make_topic(&link, topic, options).await?;
        let last = stream::last_position(&link, topic).await?;
        link.within(link.channel.confirm_select(ConfirmSelectOptions::default())).await?;
        Ok(Self { link, exchange: topology::topic_name(topic), last })
    }

    async fn publish_in_order(&mut self, batch: &[Message]) -> Result<(), PublishError> {
        let mut on_their_way = Vec::with_capacity(batch.len());
        let mut broken = None;
        for message in batch {
            let mut properties = BasicProperties::default()
                .with_delivery_mode(PERSISTENT)
                .with_content_type(CLOUDEVENT_JSON.into())
                .with_message_id(message.id.to_string().into());
            if let Some(trace) = &message.traceparent {
                let mut headers = FieldTable::default();
                headers.insert("traceparent".into(), AMQPValue::LongString(trace.as_str().into()));
                properties = properties.with_headers(headers);
            }
            // A message without a queue comes back. It is confirmed all the same, so both are looked at.
            let options = BasicPublishOptions { mandatory: true, ..BasicPublishOptions::default() };
            let exchange = self.exchange.as_str().into();
            let key = routing_key(&message.event_type).into();
            match self.link.channel.basic_publish(exchange, key, options, &message.json, properties).await {
                Ok(confirmation) => on_their_way.push(confirmation),
                Err(error) => {
                    broken = Some(broker_error(&error));
                    break;
                }
            }
        }
        for (confirmed, confirmation) in on_their_way.into_iter().enumerate() {
            let stopped = |error| PublishError { confirmed, error };
            let answer = tokio::time::timeout(self.link.answer_within, confirmation).await;
            let answer = answer.map_err(|_| stopped(late(self.link.answer_within)))?;
            match answer.map_err(|error| stopped(broker_error(&error)))? {
                Confirmation::Ack(None) => self.last = Some(batch[confirmed].position),
                Confirmation::Ack(Some(returned)) | Confirmation::Nack(Some(returned)) => {
                    let problem = format!("the message came back: {}", returned.reply_text);
                    return Err(stopped(BrokerError::Refused(problem)));
                }
                Confirmation::Nack(None) => {
                    return Err(stopped(BrokerError::Unavailable("the server could not keep the message".to_owned())));
                }
                Confirmation::NotRequested => {
                    return Err(stopped(BrokerError::Unavailable("the server confirms nothing".to_owned())));
                }
            }
        }
        match broken {
            Some(error) => {
                let confirmed = batch.iter().take_while(|message| Some(message.position) <= self.last).count();
                Err(PublishError { confirmed, error })
            }
            None => Ok(()),
        }
    }
}

impl Publisher for RabbitMqPublisher {
    fn last(&self) -> Option<Position> {
        self.last
    }

    /// The stream may have a message that a server which was killed had not yet put into the queues that other programs
    /// have bound.
    fn last_is_everywhere(&self) -> bool {
        false
    }

    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(self.publish_in_order(batch))
    }
}

/// A type as a routing key, cut at a character's end.
fn routing_key(event_type: &str) -> &str {
    let mut end = event_type.len().min(ROUTING_KEY_BYTES_MAX);
    while !event_type.is_char_boundary(end) {
        end -= 1;
    }
    &event_type[..end]
}
