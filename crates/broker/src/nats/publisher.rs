//! Publishing: all messages of a batch are on their way at once, each with the sequence that must stand before it.

use std::error::Error as _;
use std::future::IntoFuture as _;

use async_nats::HeaderMap;
use async_nats::jetstream::context::{Context, PublishError as NatsError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::stream::Stream;
use async_nats::jetstream::{self, ErrorCode as NatsCode};
use futures_core::future::BoxFuture;
use tradewind_events::Position;
use tradewind_http::wire::CLOUDEVENT_JSON;
use tradewind_http::wire::event::read_message;

use super::{refused_or_away, within};
use crate::{BrokerError, BrokerOptions, Message, PublishError, Publisher, Topic};

pub(super) struct NatsPublisher {
    context: Context,
    prefix: String,
    /// The sequence that the stream has if nobody else publishes.
    sequence: u64,
    last: Option<Position>,
    answer_within_ms: u64,
}

impl NatsPublisher {
    pub(super) async fn open(
        context: Context,
        stream: &Stream,
        topic: &Topic,
        options: &BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let info = within(options.answer_within, stream.get_info()).await?;
        let state = info.map_err(|error| refused_or_away(&error))?.state;
        let sequence = state.last_sequence;
        let mut last = None;
        if state.messages > 0 {
            let message = within(options.answer_within, stream.get_raw_message(sequence)).await?;
            let message = message.map_err(|error| refused_or_away(&error))?;
            let (event, _) = read_message(&message.payload).map_err(|error| {
                BrokerError::Refused(format!("the last message on {topic} is not one of ours: {error}"))
            })?;
            last = Some(event.position());
        }
        let answer_within_ms = options.answer_within.as_millis() as u64;
        Ok(Self { context, prefix: format!("tradewind.{topic}."), sequence, last, answer_within_ms })
    }

    fn error(&self, error: &NatsError) -> BrokerError {
        match error.kind() {
            PublishErrorKind::WrongLastSequence | PublishErrorKind::WrongLastMessageId => {
                BrokerError::Conflict(error.to_string())
            }
            PublishErrorKind::TimedOut => BrokerError::Timeout(self.answer_within_ms),
            PublishErrorKind::MaxPayloadExceeded => BrokerError::Invalid(error.to_string()),
            PublishErrorKind::Other => {
                let told = error.source().and_then(|source| source.downcast_ref::<jetstream::Error>());
                match told.map(jetstream::Error::error_code) {
                    // The same conflict, found by another part of the server.
                    Some(NatsCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT) => BrokerError::Conflict(error.to_string()),
                    _ => refused_or_away(error),
                }
            }
            _ => BrokerError::Unavailable(error.to_string()),
        }
    }
}

impl Publisher for NatsPublisher {
    fn last(&self) -> Option<Position> {
        self.last
    }

    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(async move {
            let mut on_their_way = Vec::with_capacity(batch.len());
            let mut broken = None;
            for (index, message) in batch.iter().enumerate() {
                let mut headers = HeaderMap::new();
                headers.insert("content-type", CLOUDEVENT_JSON);
                if let Some(trace) = &message.traceparent {
                    headers.insert("traceparent", trace.as_str());
                }
                let publish = PublishMessage::build()
                    .headers(headers)
                    .expected_last_sequence(self.sequence + index as u64)
                    .payload(message.json.clone());
                let subject = format!("{}{}", self.prefix, token(&message.event_type));
                match self.context.send_publish(subject, publish).await {
                    Ok(confirmation) => on_their_way.push(confirmation.into_future()),
                    Err(error) => {
                        broken = Some(error);
                        break;
                    }
                }
            }
            for (confirmed, confirmation) in on_their_way.into_iter().enumerate() {
                let ack = match confirmation.await {
                    Ok(ack) => ack,
                    Err(error) => return Err(PublishError { confirmed, error: self.error(&error) }),
                };
                if ack.sequence != self.sequence + 1 {
                    let problem = format!("message {} became {}", self.sequence + 1, ack.sequence);
                    return Err(PublishError { confirmed, error: BrokerError::Conflict(problem) });
                }
                self.sequence = ack.sequence;
                self.last = Some(batch[confirmed].position);
            }
            match broken {
                Some(error) => {
                    let confirmed = batch.iter().take_while(|message| Some(message.position) <= self.last).count();
                    Err(PublishError { confirmed, error: self.error(&error) })
                }
                None => Ok(()),
            }
        })
    }
}

/// A type as a token of a subject.
fn token(event_type: &str) -> String {
    event_type.chars().map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '_' { c } else { '_' }).collect()
}
