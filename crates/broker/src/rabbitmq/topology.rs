//! The exchange, the stream and the queues, made where they are missing.

use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions};
use lapin::types::{AMQPValue, FieldTable};

use super::{Link, broker_error, late, refusal};
use crate::{BrokerError, BrokerOptions, Group, Topic};

const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;

/// The exchange of a topic, and the stream that keeps it.
pub(super) fn topic_name(topic: &Topic) -> String {
    format!("tradewind.{topic}")
}

/// The queue of a group.
pub(super) fn queue_name(topic: &Topic, group: &Group) -> String {
    format!("tradewind.{topic}.{group}")
}

fn text(value: &str) -> AMQPValue {
    AMQPValue::LongString(value.into())
}

fn number(value: u64) -> AMQPValue {
    AMQPValue::LongLongInt(i64::try_from(value).unwrap_or(i64::MAX))
}

/// Makes what a topic needs.
pub(super) async fn make_topic(link: &Link, topic: &Topic, options: &BrokerOptions) -> Result<(), BrokerError> {
    let name = topic_name(topic);
    let durable = ExchangeDeclareOptions { durable: true, ..ExchangeDeclareOptions::default() };
    let declared =
        link.channel.exchange_declare(name.as_str().into(), ExchangeKind::Topic, durable, FieldTable::default());
    link.within(declared).await?;
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("stream"));
    arguments.insert("x-max-age".into(), text(&format!("{}s", options.keep_for.as_secs())));
    // A stream drops whole segments; the default of half a gigabyte would keep much for long.
    arguments.insert("x-stream-max-segment-size-bytes".into(), number(64 << 20));
    if !exists(link, &name).await? {
        let made = declare(&link.another().await?, &name, arguments).await;
        // Somebody else may have made it at the same time.
        if made.is_err() && !exists(link, &name).await? {
            made?;
        }
    }
    bind(link, &name, &name).await
}

/// Makes a group's queue, without binding it; true if it is new.
pub(super) async fn make_queue(
    link: &Link,
    topic: &Topic,
    group: &Group,
    options: &BrokerOptions,
) -> Result<bool, BrokerError> {
    let name = queue_name(topic, group);
    if exists(link, &name).await? {
        return Ok(false);
    }
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    // One consumer at a time, so that order is kept while another waits to take over.
    arguments.insert("x-single-active-consumer".into(), AMQPValue::Boolean(true));
    // Bounded, and gone with its follower: what is dropped is read from the feed.
    arguments.insert("x-max-length-bytes".into(), number(options.group_bytes_max));
    arguments.insert("x-overflow".into(), text("drop-head"));
    arguments.insert("x-expires".into(), number(options.keep_for.as_millis() as u64));
    // Attempts are counted where the effect is. From 4.0 on the server, unless told, drops what was delivered twenty
    // times without an acknowledgement, and with it all that was prefetched. It takes -1 for no limit, but older ones
    // take that for a limit that everything is over.
    arguments.insert("x-delivery-limit".into(), number(i32::MAX as u64));
    declare(link, &name, arguments).await?;
    Ok(true)
}

/// Lets everything that is published on a topic come to a queue.
pub(super) async fn bind(link: &Link, queue: &str, exchange: &str) -> Result<(), BrokerError> {
    let bound = link.channel.queue_bind(
        queue.into(),
        exchange.into(),
        "#".into(),
        QueueBindOptions::default(),
        FieldTable::default(),
    );
    link.within(bound).await
}

async fn declare(link: &Link, name: &str, arguments: FieldTable) -> Result<(), BrokerError> {
    let declared = link.channel.queue_declare(name.into(), QueueDeclareOptions::durable(), arguments);
    match tokio::time::timeout(link.answer_within, declared).await {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(error)) if refusal(&error) == Some(PRECONDITION_FAILED) => {
            Err(BrokerError::Refused(format!("the queue {name} cannot be made as it must be: {error}")))
        }
        // It is there, but its server is not, or not yet.
        Ok(Err(error)) if refusal(&error) == Some(NOT_FOUND) => Err(BrokerError::Unavailable(error.to_string())),
        Ok(Err(error)) => Err(broker_error(&error)),
        Err(_) => Err(late(link.answer_within)),
    }
}

/// Whether there is a queue, whatever its settings: a server of another version may have made it with others.
async fn exists(link: &Link, name: &str) -> Result<bool, BrokerError> {
    let asking = link.another().await?;
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asked = asking.channel.queue_declare(name.into(), passive, FieldTable::default());
    match tokio::time::timeout(link.answer_within, asked).await {
        Ok(Ok(_)) => Ok(true),
        Ok(Err(error)) if refusal(&error) == Some(NOT_FOUND) => Ok(false),
        Ok(Err(error)) => Err(broker_error(&error)),
        Err(_) => Err(late(link.answer_within)),
    }
}
