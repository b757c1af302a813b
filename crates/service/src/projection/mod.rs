//! Projections: read models made from events, each in a database of its own.

mod database;
mod folder;
mod generation;
mod home;
mod lane;
mod open;
mod past;
mod question;
mod read_model;
mod reader;
mod rebuild;
mod runner;
mod seeding;
mod sink;
mod starting;

use tradewind_events::{Query, Recorded};

use crate::sql;

pub(crate) use database::{BatchError, apply_one, classify, hash_of};
pub(crate) use folder::GenerationName;
pub(crate) use generation::Generation;
pub(crate) use open::Opened;
pub use open::{ProjectionOptions, ProjectionStartError};
pub use past::{About, PastError, PastOptions};
pub(crate) use question::Question;
pub use read_model::{Answer, QueryError, ReadModel};
pub use reader::Reader;
pub(crate) use runner::{Follows, ProjectionRunner, Surroundings};
pub(crate) use seeding::{HandoverError, Seeds};
pub(crate) use sink::Writer;

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
    /// [`ProjectionError`] stops this projection at this event until it is fixed, or the event is skipped.
    fn apply(&self, tx: &sql::Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError>;
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
