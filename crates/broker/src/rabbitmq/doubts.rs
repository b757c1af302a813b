//! Settings of a server that may lose messages. AMQP does not tell them, so that it is tried: a message is given back
//! again and again, and must come again.

use std::time::Duration;

use lapin::BasicProperties;
use lapin::options::{
    BasicGetOptions, BasicPublishOptions, BasicRejectOptions, ConfirmSelectOptions, QueueDeclareOptions,
    QueueDeleteOptions,
};
use lapin::types::{AMQPValue, FieldTable, ShortString};
use tradewind_events::EventId;

use super::{Link, late};
use crate::BrokerError;

/// How often the message is given back: more often than any default allows.
const RETURNS: u32 = 40;
/// How long it may take to come again.
const COMES_WITHIN: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// The queue is gone after this time, also if this process is.
const EXPIRES_MS: i64 = 60_000;
const PERSISTENT: u8 = 2;

/// What is to be feared of a server.
pub(super) async fn look_for(link: &Link) -> Result<Vec<String>, BrokerError> {
    let mut doubts = Vec::new();
    if let Some(returns) = returns_of(link, Some(i32::MAX)).await? {
        doubts.push(format!(
            "a message that was given back {returns} times is gone, although its queue asks for more: a policy sets \
             `delivery-limit`. What was prefetched together with a message that fails is given back with it, and is \
             dropped as well"
        ));
    } else if let Some(returns) = returns_of(link, None).await? {
        doubts.push(format!(
            "a quorum queue that sets no `x-delivery-limit` drops a message that was given back {returns} times, and \
             what was prefetched together with it; Tradewind's own queues set it, others may not"
        ));
    }
    Ok(doubts)
}

/// How often a message could be given back before it was gone; none: as often as was tried.
async fn returns_of(link: &Link, limit: Option<i32>) -> Result<Option<u32>, BrokerError> {
    // Its own channel: what is refused closes it.
    let link = link.another().await?;
    let queue: ShortString = format!("tradewind.probe.{}", EventId::new()).into();
    let mut arguments = FieldTable::default();
    arguments.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    arguments.insert("x-expires".into(), AMQPValue::LongLongInt(EXPIRES_MS));
    if let Some(limit) = limit {
        arguments.insert("x-delivery-limit".into(), AMQPValue::LongLongInt(limit.into()));
    }
    let durable = QueueDeclareOptions::durable();
    link.within(link.channel.queue_declare(queue.clone(), durable, arguments)).await?;
    let outcome = give_back(&link, &queue).await;
    let deleted = link.channel.queue_delete(queue, QueueDeleteOptions::default());
    link.within(deleted).await?;
    outcome
}

async fn give_back(link: &Link, queue: &ShortString) -> Result<Option<u32>, BrokerError> {
    link.within(link.channel.confirm_select(ConfirmSelectOptions::default())).await?;
    let properties = BasicProperties::default().with_delivery_mode(PERSISTENT);
    let published = link.channel.basic_publish(
        ShortString::default(),
        queue.clone(),
        BasicPublishOptions::default(),
        b"is it kept?",
        properties,
    );
    let confirmation = link.within(published).await?;
    link.within(confirmation).await?;
    for returns in 0..RETURNS {
        if !comes(link, queue).await? {
            return Ok(Some(returns));
        }
    }
    Ok(None)
}

/// Whether the message comes; then it is given back.
async fn comes(link: &Link, queue: &ShortString) -> Result<bool, BrokerError> {
    let coming = async {
        loop {
            let got = link.channel.basic_get(queue.clone(), BasicGetOptions::default());
            if let Some(message) = link.within(got).await? {
                let back = message.acker.reject(BasicRejectOptions { requeue: true });
                return link.within(back).await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    };
    match tokio::time::timeout(COMES_WITHIN, coming).await {
        Ok(Ok(true)) => Ok(true),
        Ok(Ok(false)) => Err(late(link.answer_within)),
        Ok(Err(error)) => Err(error),
        Err(_) => Ok(false),
    }
}
