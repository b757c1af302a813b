//! What a reaction or process manager must remember: how far it has come, which events it has set aside, and which
//! timers it has set. All of it changes in one transaction. Derived: if it is lost, everything is met again, and
//! the keys of the commands make that harmless.
//!
//! What is here is all that is asked of a ledger: `mod` keeps the checkpoint, `aside` the keys and events that are set
//! aside, `timers` the timers.

mod aside;
mod kept;
mod timers;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use tradewind_events::Position;

use crate::projection::BUSY_MAX;
use crate::shared::{SharedAside, SharedDatabase, SharedLedger, Term};
use crate::sql::{self, Transaction};

pub(crate) use aside::{Filter, Listed, Names, SetAside, Settled, Standing, State, set_aside, settle};
pub(crate) use kept::KeptEvent;
pub(crate) use timers::{Timer, TimerChange};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), position BIGINT NOT NULL);
    INSERT INTO checkpoint VALUES (1, 0) ON CONFLICT DO NOTHING;
    CREATE TABLE IF NOT EXISTS begun (one INTEGER PRIMARY KEY CHECK (one = 1), position BIGINT NOT NULL);";

/// All tables, in SQL that both databases understand, but for what each calls bytes, and for what SQLite calls tables
/// that are their own index.
fn tables(keyed: &str, bytes: &str) -> String {
    [SCHEMA, timers::SCHEMA].concat().replace("{keyed}", keyed) + &Names::IN_LEDGER.tables(keyed, bytes)
}

/// What has come of events up to a position.
#[derive(Default)]
pub(crate) struct Entry {
    /// All up to here are met or set aside.
    pub(crate) through: Position,
    /// What those that were met did to timers, in their order.
    pub(crate) timers: Vec<TimerChange>,
    /// Those that were not met.
    pub(crate) aside: Vec<SetAside>,
}

/// A file, or tables that the instances of a service share. Clones share it.
#[derive(Clone)]
pub(crate) struct Ledger {
    place: Arc<Place>,
    names: Names,
}

enum Place {
    File(Mutex<Connection>),
    Shared(SharedLedger),
    /// Beside a projection's own tables in the shared database. It has nothing but what is set aside.
    Generation(SharedAside),
}

impl Ledger {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(&tables("WITHOUT ROWID", "BLOB"))?;
        timers::migrate(&connection)?;
        connection.execute_batch(&timers::MARKS.replace("{keyed}", "WITHOUT ROWID"))?;
        Ok(Self::at(Place::File(Mutex::new(connection)), Names::IN_LEDGER))
    }

    /// What is set aside in a projection's own database, which is at `path` and has nothing else of a ledger.
    pub(crate) fn of_read_database(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_MAX)?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        Ok(Self::at(Place::File(Mutex::new(connection)), Names::IN_READ_MODEL))
    }

    /// The same in a database that instances share.
    pub(crate) fn of_generation(aside: SharedAside) -> Self {
        Self::at(Place::Generation(aside), Names::IN_READ_MODEL)
    }

    fn at(place: Place, names: Names) -> Self {
        Self { place: Arc::new(place), names }
    }

    /// One that instances share, by its name. It is used only while its lease is held.
    pub(crate) fn shared(database: SharedDatabase, name: String) -> Self {
        Self::at(Place::Shared(SharedLedger::new(database, name)), Names::IN_LEDGER)
    }

    /// Begins to use one that is shared, in place of whoever used it before; tells how far that had come. One that is
    /// new begins where the furthest behind of its `family` is.
    pub(crate) async fn take_over(&self, term: &Term, family: &str) -> Result<Position, String> {
        match &*self.place {
            Place::File(_) | Place::Generation(_) => {}
            Place::Shared(shared) => {
                let (tables, marks) = (tables("", "bytea"), timers::MARKS.replace("{keyed}", ""));
                Box::pin(shared.take_over(term, family, &tables, &marks)).await?;
            }
        }
        self.position().await
    }

    /// Ends the use of one that is shared.
    pub(crate) fn let_go(&self) {
        if let Place::Shared(shared) = &*self.place {
            shared.let_go();
        }
    }

    /// Whether it may be used just now.
    pub(crate) fn is_at_hand(&self) -> bool {
        match &*self.place {
            Place::File(_) => true,
            Place::Shared(shared) => shared.is_held(),
            Place::Generation(aside) => aside.is_held(),
        }
    }

    /// Changes something in a transaction.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        self.run(true, work).await
    }

    /// Reads something.
    async fn look<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        self.run(false, work).await
    }

    /// Runs `work` in a transaction, where waiting is allowed.
    async fn run<T: Send + 'static>(
        &self,
        changes: bool,
        work: impl FnOnce(&Transaction<'_>) -> sql::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let place = self.place.clone();
        let working = match &*self.place {
            Place::File(_) => tokio::task::spawn_blocking(move || place.on_file(changes, work)),
            Place::Shared(shared) => {
                let in_use = Box::pin(shared.connect()).await?;
                tokio::task::spawn_blocking(move || match &*place {
                    Place::Shared(shared) => shared.with(in_use, changes, work),
                    _ => Err(sql::Error::NoRow),
                })
            }
            Place::Generation(aside) => {
                let lent = Box::pin(aside.connect()).await?;
                tokio::task::spawn_blocking(move || match &*place {
                    Place::Generation(aside) => aside.with(lent, changes, work),
                    _ => Err(sql::Error::NoRow),
                })
            }
        };
        match working.await {
            Ok(done) => done.map_err(|error: sql::Error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(crate) async fn position(&self) -> Result<Position, String> {
        self.look(reached).await
    }

    /// Keeps the checkpoint, what is set aside, and what happens to timers: all of it or nothing.
    pub(crate) async fn record(&self, entry: Entry) -> Result<(), String> {
        self.with(move |tx| {
            tx.execute("UPDATE checkpoint SET position = ?1", [entry.through.0 as i64])?;
            entry.timers.iter().try_for_each(|change| timers::apply(tx, change))?;
            entry.aside.iter().try_for_each(|one| set_aside(tx, Names::IN_LEDGER, one))
        })
        .await
    }

    /// Begins behind a position, if it has not begun before; tells how far it has come. That is decided once.
    pub(crate) async fn begin_behind(&self, position: Position) -> Result<Position, String> {
        self.with(move |tx| {
            let position = position.0 as i64;
            let begin = "UPDATE checkpoint SET position = ?1 WHERE position = 0 AND NOT EXISTS (SELECT 1 FROM begun)";
            tx.execute(begin, [position])?;
            tx.execute("INSERT INTO begun VALUES (1, ?1) ON CONFLICT DO NOTHING", [position])?;
            reached(tx)
        })
        .await
    }

    /// Forgets everything, since it is of another store than this one, which ends with `head`; tells behind which position
    /// it begins again.
    pub(crate) async fn reset(&self, head: Position) -> Result<Position, String> {
        self.with(move |tx| {
            tx.execute("DELETE FROM begun WHERE position > ?1", [head.0 as i64])?;
            tx.execute("UPDATE checkpoint SET position = coalesce((SELECT position FROM begun), 0)", [])?;
            tx.execute("DELETE FROM timers", [])?;
            tx.execute("DELETE FROM aside_events", [])?;
            tx.execute("DELETE FROM aside", [])?;
            reached(tx)
        })
        .await
    }
}

impl Place {
    fn on_file<T>(&self, changes: bool, work: impl FnOnce(&Transaction<'_>) -> sql::Result<T>) -> sql::Result<T> {
        let Self::File(connection) = self else { return Err(sql::Error::NoRow) };
        let mut connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
        // Who reads first and then finds that somebody else has written would be refused at once.
        let kind = if changes { TransactionBehavior::Immediate } else { TransactionBehavior::Deferred };
        let tx = connection.transaction_with_behavior(kind)?;
        let done = work(&Transaction::on_sqlite(&tx))?;
        tx.commit()?;
        Ok(done)
    }
}

/// How far it has come.
fn reached(tx: &Transaction<'_>) -> sql::Result<Position> {
    tx.query_row("SELECT position FROM checkpoint", [], |row| row.get(0).map(|position: i64| Position(position as u64)))
}
