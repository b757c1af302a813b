//! Outbox and inbox for services that keep plain tables: what others are to be told is put into the outbox in the same SQL
//! transaction as the data, and what others have told is marked as handled in the same transaction as its effect.
//!
//! An outbox is an event source like a log: positions without a gap, in an order in which nothing appears behind a reader.
//! So a relay publishes it on a broker, and a feed tells it, as they do with a log. In PostgreSQL transactions commit in
//! another order than they take their numbers; so a *stamper* gives positions after commit, and all readers use only
//! those. SQLite has one writer at a time, and needs none.
//!
//! `postgres` and `sqlite`, each behind the feature of its name, have the same parts: `Outbox`, `OutboxSource`, `Inbox`;
//! `postgres` also the `Stamper`. `docs/internals/outbox.md` draws the tables and says what is promised.

mod error;
mod names;

#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod follow;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod rows;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod turn;

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "sqlite")]
pub mod sqlite;

pub use error::OutboxError;
pub use names::Follower;
