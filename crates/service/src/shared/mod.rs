//! What the instances of one service share besides its events: a PostgreSQL database with read models, checkpoints and
//! leases. Each thing is done by one instance at a time; whoever lost its lease can commit nothing.
//!
//! In reading order: `schema` says what is in the database; `lease` and `seat` who may work at what; `home` has a
//! projection's generations, `writer` applies events to one and `aside` has what of it could not be applied, all for
//! the holder of its lease alone; `tables` lets queries read one; `ledger` is what a reaction remembers, which `split` carries over
//! from one number of shares to another; `show` tells every instance which one answers and how far it has come; `line` is a connection that
//! is made when it is needed, `lent` are those that writers share. `docs/internals/scaling.md` says why it is sound.

mod aside;
mod home;
mod lease;
mod ledger;
mod lent;
mod line;
mod schema;
mod seat;
mod show;
mod split;
mod tables;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OnceCell, Semaphore};
use tradewind_store::{PostgresDatabase, PostgresFailure, PostgresOptions, PostgresSession, PostgresUrl};
use uuid::Uuid;

use crate::projection::{Generation, GenerationName};
use crate::sql::postgres::Session;
use tradewind_events::Position;

pub(crate) use aside::SharedAside;
pub(crate) use home::SharedHome;
pub use lease::LeaseOptions;
pub(crate) use ledger::SharedLedger;
pub(crate) use line::Line;
pub use seat::LeaseStatus;
pub(crate) use seat::{FOLLOWERS, Seat, Term, stand_by};
pub(crate) use show::Hurry;
pub(crate) use tables::SharedTables;
pub(crate) use writer::SharedWriter;

/// How many queries one instance puts at the same time; others wait.
const READERS_MAX: usize = 4;
/// Without effect on what is acknowledged: what is lost with the database's machine is made again from the events.
/// Whoever holds up others is not waited for without an end.
const UNHURRIED: &str = "SET synchronous_commit = off; SET lock_timeout = '8s'";

/// A PostgreSQL database in which the instances of a service share read models, checkpoints and leases. Each instance
/// has one of these. Cheap to clone; it connects when it needs to.
#[derive(Clone)]
pub struct SharedDatabase {
    inner: Arc<Inner>,
}

struct Inner {
    database: PostgresDatabase,
    /// The schema of what is shared. Whatever is in it may be lost.
    schema: String,
    /// What tells this instance from others.
    id: String,
    /// What people call it.
    label: String,
    leases: LeaseOptions,
    made: OnceCell<()>,
    idle: Mutex<Vec<Session>>,
    turns: Arc<Semaphore>,
    seats: seat::Seats,
    shown: show::Shown,
    writers: lent::Writers,
    /// For generations: made, replaced, removed.
    catalogue: Line,
}

/// Why a database cannot be shared.
#[derive(Debug, thiserror::Error)]
pub enum SharedError {
    /// Its URL is wrong.
    #[error("{0}")]
    Url(String),
    /// Its certificates cannot be read.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl SharedDatabase {
    /// What the instances of a service share at this URL, `postgres://user@host/database?schema=orders`, which may be
    /// that of its event store: it is kept in a schema of its own, `orders_reads`. `instance` is what people call this
    /// one, such as its address.
    ///
    /// # Errors
    /// [`SharedError`] if the URL is wrong.
    pub fn new(url: &str, instance: impl Into<String>, leases: LeaseOptions) -> Result<Self, SharedError> {
        let url: PostgresUrl = url.parse().map_err(SharedError::Url)?;
        let schema = format!("{}_reads", url.schema());
        let options = PostgresOptions { retry_for: Duration::from_secs(2), ..PostgresOptions::default() };
        let inner = Inner {
            database: PostgresDatabase::new(url, options)?,
            schema,
            id: Uuid::new_v4().simple().to_string(),
            label: instance.into(),
            leases,
            made: OnceCell::new(),
            idle: Mutex::default(),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            seats: seat::Seats::default(),
            shown: show::Shown::default(),
            writers: lent::Writers::default(),
            catalogue: Line::new("generations"),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What people call this instance.
    #[must_use]
    pub fn instance(&self) -> &str {
        &self.inner.label
    }

    /// A generation of which nothing is known yet.
    pub(crate) fn nothing_yet(&self) -> Generation {
        let name = GenerationName { generation: 0, version: 0 };
        Generation::shared(SharedTables::new(self.clone(), name), Position::START, false)
    }

    fn schema(&self) -> &str {
        &self.inner.schema
    }

    /// The schema of one generation's tables.
    fn schema_of(&self, name: GenerationName) -> String {
        format!("{}_g{}", self.inner.schema, name.generation)
    }

    /// A connection for `role` on which these statements have been run, to a database that has the shared tables.
    async fn connect(&self, role: &str, settings: &str) -> Result<PostgresSession, PostgresFailure> {
        let made = self.inner.made.get_or_try_init(|| async {
            let session = self.inner.database.connect("opening", "", self.inner.leases.lasts).await?;
            schema::make(&session, self.schema()).await
        });
        made.await?;
        self.inner.database.connect(role, settings, self.inner.leases.lasts).await
    }

    /// A connection for reading, used before or new.
    async fn reader(&self) -> Result<Session, PostgresFailure> {
        let idle = self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        match idle {
            Some(session) if !session.is_closed() => Ok(session),
            _ => Ok(Session::new(self.connect("queries", "").await?)),
        }
    }

    fn give_back(&self, session: Session) {
        if !session.is_closed() {
            self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        }
    }

    /// The connections that were made before may lead to a server that is not there any more.
    fn forget_idle(&self) {
        self.inner.idle.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl fmt::Debug for SharedDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} for {}", self.inner.database.url().place(), self.inner.label)
    }
}
