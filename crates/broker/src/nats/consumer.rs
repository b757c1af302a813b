//! Consuming: a durable pull consumer that acknowledges everything up to a message at once.
//!
//! What a consumer that fell had not acknowledged, the server would deliver again only after a time, and behind newer
//! messages. So whoever comes back continues with a consumer of the group's other name, which begins behind what was
//! acknowledged, and only then removes the old one: at any moment at least one of the two remembers the place.

use std::collections::VecDeque;
use std::time::Duration;

use async_nats::Subject;
use async_nats::jetstream::Message as NatsMessage;
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy, Info, PullConsumer, pull};
use async_nats::jetstream::context::{ConsumerInfoErrorKind, Context};
use async_nats::jetstream::stream::Stream;
use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};

use super::{refused_or_away, within};
use crate::{BrokerError, BrokerOptions, Consumer, Delivered, Receipt, StartFrom, Subscribe};

/// How many messages are asked for at once.
const PULL_MESSAGES: usize = 2_000;
const PULL_EXPIRES: Duration = Duration::from_secs(30);
/// How often the server says that it is there.
const HEARTBEAT: Duration = Duration::from_secs(2);
/// After how long the server delivers again what is not acknowledged. Consumers that come back do not wait for it.
const ACK_WAIT: Duration = Duration::from_secs(120);

pub(super) struct NatsConsumer {
    context: Context,
    messages: pull::Stream,
    /// What is delivered and not acknowledged, and where its acknowledgement goes.
    unacknowledged: VecDeque<(Receipt, Subject)>,
}

impl NatsConsumer {
    pub(super) async fn open(
        context: Context,
        stream: &Stream,
        subscribe: &Subscribe,
        options: &BrokerOptions,
    ) -> Result<Self, BrokerError> {
        let names = [format!("{}@a", subscribe.group), format!("{}@b", subscribe.group)];
        let mut known = Vec::new();
        for name in &names {
            known.extend(info(stream, name, options).await?);
        }
        // Two, if one fell between making the second and removing the first.
        known.sort_by_key(|info| info.ack_floor.stream_sequence);
        let newest = known.pop();
        for stale in known {
            remove(stream, &stale.name, options).await?;
        }
        let (name, begin, old) = match newest {
            None => {
                let begin = match subscribe.from {
                    StartFrom::Beginning => DeliverPolicy::All,
                    StartFrom::Now => DeliverPolicy::New,
                };
                (&names[0], begin, None)
            }
            Some(info) => {
                let other = usize::from(info.name == names[0]);
                let begin = DeliverPolicy::ByStartSequence { start_sequence: resume_at(&info) };
                (&names[other], begin, Some(info.name))
            }
        };
        let consumer = make(stream, name, begin, options).await?;
        if let Some(old) = old {
            remove(stream, &old, options).await?;
        }
        let pulling = consumer.stream().max_messages_per_batch(PULL_MESSAGES.min(options.prefetch.into()));
        let pulling = pulling.expires(PULL_EXPIRES).heartbeat(HEARTBEAT).messages();
        let messages = within(options.answer_within, pulling).await?.map_err(|error| refused_or_away(&error))?;
        Ok(Self { context, messages, unacknowledged: VecDeque::new() })
    }

    fn take(&mut self, message: NatsMessage) -> Option<Delivered> {
        let NatsMessage { message, .. } = message;
        let receipt = self.unacknowledged.back().map_or(Receipt(1), |(last, _)| Receipt(last.0 + 1));
        self.unacknowledged.push_back((receipt, message.reply?));
        Delivered::read(&message.payload, receipt)
    }
}

/// The first sequence that has not been acknowledged.
fn resume_at(info: &Info) -> u64 {
    let begun_at = match info.config.deliver_policy {
        DeliverPolicy::ByStartSequence { start_sequence } => start_sequence,
        _ => 1,
    };
    (info.ack_floor.stream_sequence + 1).max(begun_at)
}

async fn info(stream: &Stream, name: &str, options: &BrokerOptions) -> Result<Option<Info>, BrokerError> {
    match within(options.answer_within, stream.consumer_info(name)).await? {
        Ok(info) => Ok(Some(info)),
        Err(error) if error.kind() == ConsumerInfoErrorKind::NotFound => Ok(None),
        Err(error) => Err(refused_or_away(&error)),
    }
}

async fn make(
    stream: &Stream,
    name: &str,
    deliver_policy: DeliverPolicy,
    options: &BrokerOptions,
) -> Result<PullConsumer, BrokerError> {
    let config = pull::Config {
        durable_name: Some(name.to_owned()),
        deliver_policy,
        ack_policy: AckPolicy::All,
        ack_wait: ACK_WAIT,
        max_ack_pending: options.prefetch.into(),
        inactive_threshold: options.keep_for,
        ..pull::Config::default()
    };
    let made = within(options.answer_within, stream.create_consumer(config)).await?;
    made.map_err(|error| refused_or_away(&error))
}

async fn remove(stream: &Stream, name: &str, options: &BrokerOptions) -> Result<(), BrokerError> {
    let removed = within(options.answer_within, stream.delete_consumer(name)).await?;
    removed.map(|_| ()).map_err(|error| refused_or_away(&error))
}

impl Consumer for NatsConsumer {
    fn next(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<Delivered>, BrokerError>> {
        Box::pin(async move {
            let mut all: Vec<Delivered> = Vec::new();
            while all.len() < max {
                let next = if all.is_empty() {
                    self.messages.next().await
                } else {
                    match self.messages.next().now_or_never() {
                        Some(next) => next,
                        None => break,
                    }
                };
                match next {
                    Some(Ok(message)) => all.extend(self.take(message)),
                    // What came before it is given first; a stream that broke tells so again.
                    Some(Err(_)) | None if !all.is_empty() => break,
                    Some(Err(error)) => return Err(BrokerError::Unavailable(error.to_string())),
                    None => return Err(BrokerError::Unavailable("the server ended the deliveries".to_owned())),
                }
            }
            Ok(all)
        })
    }

    fn acknowledge(&mut self, through: Receipt) -> BoxFuture<'_, Result<(), BrokerError>> {
        Box::pin(async move {
            let done = self.unacknowledged.partition_point(|(receipt, _)| *receipt <= through);
            // One stays, so that receipts go on from it.
            let Some((_, reply)) = done.checked_sub(1).and_then(|last| self.unacknowledged.get(last)) else {
                return Ok(());
            };
            let sent = self.context.client().publish(reply.clone(), "+ACK".into()).await;
            sent.map_err(|error| BrokerError::Unavailable(error.to_string()))?;
            self.unacknowledged.drain(..done - 1);
            Ok(())
        })
    }
}
