//! Projections: read models made from events, each in a database of its own.

mod database;
mod folder;
mod generation;
mod home;
mod lane;
mod open;
mod parking;
mod past;
mod pen;
mod question;
mod read_model;
mod reader;
mod rebuild;
mod redriving;
mod runner;
mod seeding;
mod sink;
mod starting;

use std::borrow::Cow;

use tradewind_events::{Query, Recorded};

use crate::sql;

pub(crate) use database::{BUSY_MAX, BatchError, End, NotApplied, apply_one, classify, hash_of};
pub(crate) use folder::GenerationName;
pub(crate) use generation::Generation;
pub(crate) use open::Opened;
pub use open::{ProjectionOptions, ProjectionStartError};
pub use past::{About, PastError, PastOptions};
pub(crate) use pen::Writer;
pub(crate) use question::Question;
pub use read_model::{Answer, QueryError, ReadModel};
pub use reader::Reader;
pub(crate) use runner::{Follows, ProjectionRunner, Surroundings};
pub(crate) use seeding::{HandoverError, Seeds};

/// A read model in SQL. It is derived: it may be lost, rebuilt, or made as of any past moment.
pub trait Projection: Send + Sync + 'static {
    /// Its name, which is also its folder's: lower-case letters, digits and dashes.
    fn name(&self) -> &'static str;

    /// Raise it when `schema` or `apply` changes: the read model is then built anew beside the old one, which
    /// answers until the new one has caught up. If it is the schema that has changed, today's queries cannot be put to
    /// the old one, and are told to come again until then.
    fn version(&self) -> u32;

    /// The SQL that makes its tables and indexes in an empty SQLite database. Read models of the past are always there.
    fn schema(&self) -> &'static str;

    /// The same for PostgreSQL, if all that it and its queries say is understood there, too. With it, the instances of a
    /// service that share a database share this read model; without, each of them makes its own.
    fn postgres_schema(&self) -> Option<&'static str> {
        None
    }

    /// Which events it wants.
    fn query(&self) -> Query;

    /// What one event changes. It runs in the transaction that also moves the checkpoint, so that each event takes
    /// effect exactly once. It must not fail on events that it does not know.
    ///
    /// # Errors
    /// [`ProjectionError`] parks the event's [`key`](Self::key) until somebody looks, or, if that is not wanted
    /// ([`parks`](Self::parks)), stops the projection. Nothing of what the event has changed until then is kept.
    fn apply(&self, tx: &sql::Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError>;

    /// What must be applied one after the other. An event that cannot be applied parks its key: later events of the key
    /// are kept behind it, and those of all others are applied. It is the stream unless told: then a row should be made
    /// of the events of one stream, or come to the same in whatever order those of several streams are applied.
    fn key<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        Cow::Borrowed(event.stream())
    }

    /// Whether an event that cannot be applied parks its key. If not, the whole projection stops there: for one whose
    /// rows depend on the order of events of different keys, so that it would be wrong in more than what it lacks.
    fn parks(&self) -> bool {
        true
    }
}

/// Why a projection cannot apply an event.
#[derive(Debug, thiserror::Error)]
pub enum ProjectionError {
    /// The database refused.
    #[error("the database refused: {0}")]
    Database(#[from] sql::Error),
    /// The event is not what its type promises.
    #[error("the event cannot be read: {0}")]
    Event(#[from] serde_json::Error),
    /// Anything else.
    #[error("{0}")]
    Other(String),
}
