//! The exchange, the stream and the groups' places, made where they are missing.

use lapin::ExchangeKind;
use lapin::options::{ExchangeDeclareOptions, QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};

use super::{Link, broker_error, late, refusal};
use crate::{BrokerError, BrokerOptions, Group, Topic};

const NOT_FOUND: u16 = 404;
const PRECONDITION_FAILED: u16 = 406;

/// The exchange of a topic, and the stream that keeps it.
pub(super) fn topic_name(topic: &Topic) -> String {
    format!("tradewind.{topic}")
}

/// The queue that keeps the place of a group.
pub(super) fn place_name(topic: &Topic, group: &Group) -> String {
    format!("{}.place", former_queue_name(topic, group))
}

/// The queue that each group had of its own, with a copy of everything, before groups read the stream.
fn former_queue_name(topic: &Topic, group: &Group) -> String {
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

/// Makes the queue of a group's place; true if it is new.
pub(super) async fn make_place(link: &Link, name: &str, options: &BrokerOptions) -> Result<bool, BrokerError> {
    if exists(link, name).await? {
        return Ok(false);
    }
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), text("quorum"));
    // A newer place pushes out the one before it.
    arguments.insert("x-max-length".into(), number(1));
    arguments.insert("x-overflow".into(), text("drop-head"));
    // Gone with its follower.
    arguments.insert("x-expires".into(), number(options.keep_for.as_millis() as u64));
    // Whoever looks at a place gives it back. From 4.0 on the server, unless told, drops what was given back twenty
    // times. It takes -1 for no limit, but older ones take that for a limit that everything is over.
    arguments.insert("x-delivery-limit".into(), number(i32::MAX as u64));
    // Somebody else may have made it at the same time.
    let made = declare(&link.another().await?, name, arguments).await;
    if made.is_err() && exists(link, name).await? {
        return Ok(false);
    }
    made.map(|()| true)
}

/// Removes the queue of a group that was made before groups read the stream: it would fill for nobody. What its group
/// had not yet had of it, it reads from the feed.
pub(super) async fn remove_former_queue(link: &Link, topic: &Topic, group: &Group) -> Result<(), BrokerError> {
    let link = link.another().await?;
    let name = former_queue_name(topic, group);
    link.within(link.channel.queue_delete(name.into(), QueueDeleteOptions::default())).await.map(drop)
}

/// Lets everything that is published on a topic come to a queue.
async fn bind(link: &Link, queue: &str, exchange: &str) -> Result<(), BrokerError> {
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
