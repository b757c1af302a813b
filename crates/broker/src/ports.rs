//! What every broker does for us.

use futures_core::future::BoxFuture;
use tradewind_events::Position;

use crate::{BrokerError, Delivered, Group, Message, PublishError, Receipt, Topic};

/// A broker, reached when it is first used. What it gives out shares its connection, where its client can.
pub trait Broker: Send + Sync + 'static {
    /// Where it is, without credentials: for logs and status.
    fn place(&self) -> &str;

    /// A publisher on a topic, which is made if it is not there.
    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>>;

    /// A durable subscription, which is made if it is not there and otherwise goes on with what has not been
    /// acknowledged. One consumer of a group at a time.
    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>>;

    /// What of its settings may lose what it has confirmed, or keep it from whoever consumes, as far as it lets itself
    /// be asked; each in a sentence for whoever runs it.
    fn doubts(&self) -> BoxFuture<'_, Result<Vec<String>, BrokerError>> {
        Box::pin(async { Ok(Vec::new()) })
    }
}

/// Where a new group begins. It must be said; a group that is there goes on where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StartFrom {
    /// With the oldest message that the broker keeps.
    Beginning,
    /// With the next one: the group has its past from elsewhere, a snapshot or the feed.
    Now,
}

/// What a consumer is to consume.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// From where the messages come.
    pub topic: Topic,
    /// For whom the broker keeps them.
    pub group: Group,
    /// Where it begins if it is new.
    pub from: StartFrom,
}

/// Puts messages on one topic, in order. One at a time for a topic; of two, the later one wins or both go on with
/// repeats, but never with a hole.
pub trait Publisher: Send {
    /// The position of the last message on the topic when this publisher was opened, if the broker knows it.
    fn last(&self) -> Option<Position>;

    /// Whether whoever reads the topic, by whatever queue, has all of it up to the last message. Where it is not so, what was not confirmed
    /// is to be published again.
    fn last_is_everywhere(&self) -> bool {
        true
    }

    /// Publishes a batch in order. Answers when the broker has confirmed all of it durably, and stops at the first
    /// message that it does not confirm.
    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>>;
}

/// Takes one group's messages from one topic: in order, at least once, again after a restart unless acknowledged.
pub trait Consumer: Send {
    /// Waits for messages, and gives those that are there, at most `max`. Loses nothing when it is dropped.
    fn next(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<Delivered>, BrokerError>>;

    /// Tells the broker that everything up to and with this one has had its effect.
    fn acknowledge(&mut self, through: Receipt) -> BoxFuture<'_, Result<(), BrokerError>>;
}
