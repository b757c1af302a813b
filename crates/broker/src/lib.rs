//! Events between services over the broker that a team already runs.
//!
//! The log is the outbox: what a service tells others is its feed, and a [`Relay`] reads the feed and publishes it on a
//! [`Topic`] of a [`Broker`]. A [`BrokeredSource`] joins the two ends again: it is an event source like the feed itself,
//! whose live events come over the broker, and whose history, and whatever the broker has lost, come from the feed. So
//! projections, reactions and process managers work over a broker as they do without one.
//!
//! Read in this order: a [`Message`] is an event with the position of the message before it on its topic; [`Broker`],
//! [`Publisher`] and [`Consumer`] are the ports; [`open`] chooses the engine by URL; `nats`, `rabbitmq` and `kafka`
//! are engines, and [`FeedsBroker`] the one that needs nothing installed; `relay` and `source` are the two ends.
//! `docs/internals/broker.md` draws the messages and says what is promised.

mod backoff;
mod error;
mod message;
mod names;
mod options;
mod place;
mod ports;

mod feeds;
#[cfg(feature = "kafka")]
mod kafka;
#[cfg(feature = "nats")]
mod nats;
#[cfg(any(feature = "nats", feature = "rabbitmq"))]
mod monitoring;
mod open;
#[cfg(feature = "rabbitmq")]
mod rabbitmq;

mod relay;
mod source;

#[cfg(feature = "conformance")]
pub mod conformance;

pub use error::{BrokerError, PublishError};
pub use feeds::FeedsBroker;
pub use message::{Delivered, Message, Receipt};
pub use names::{Group, NameError, Topic};
pub use open::{BrokerUrl, open, open_at};
pub use options::BrokerOptions;
pub use place::RelayPlace;
pub use ports::{Broker, Consumer, Publisher, StartFrom, Subscribe};
pub use relay::{Relay, RelayHandle, RelayMetrics, RelayOptions, RelayProblem, RelayState, RelayStatus};
pub use source::{BrokeredMetrics, BrokeredOptions, BrokeredSource};

#[cfg(test)]
mod tests;
