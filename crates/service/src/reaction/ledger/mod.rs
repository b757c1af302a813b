//! What a reaction or process manager must remember: how far it has come, which events it has set aside, and which
//! timers it has set. All of it changes in one transaction. Derived: if the file is lost, everything is met again, and
//! the keys of the commands make that harmless.
//!
//! What is here is all that is asked of a ledger: `mod` keeps the checkpoint, `aside` the keys and events that are set
//! aside, `timers` the timers.

mod aside;
mod kept;
mod timers;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tradewind_events::Position;

pub(crate) use aside::{Filter, Listed, SetAside, Settled, Standing, State};
pub(crate) use kept::KeptEvent;
pub(crate) use timers::{Timer, TimerChange};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
    INSERT OR IGNORE INTO checkpoint VALUES (1, 0);";

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

/// The file. Clones share it.
#[derive(Clone)]
pub(crate) struct Ledger {
    connection: Arc<Mutex<Connection>>,
}

impl Ledger {
    pub(crate) fn open(path: &Path) -> rusqlite::Result<Self> {
        let connection = Connection::open(path)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        connection.pragma_update(None, "temp_store", "MEMORY")?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.execute_batch(SCHEMA)?;
        timers::prepare(&connection)?;
        aside::prepare(&connection)?;
        Ok(Self { connection: Arc::new(Mutex::new(connection)) })
    }

    /// Runs `work` where waiting is allowed.
    async fn with<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, String> {
        let connection = self.connection.clone();
        let work = move || work(&mut connection.lock().unwrap_or_else(PoisonError::into_inner));
        match tokio::task::spawn_blocking(work).await {
            Ok(done) => done.map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    pub(crate) fn position(&self) -> rusqlite::Result<Position> {
        let connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.query_row("SELECT position FROM checkpoint", [], |row| row.get(0).map(|p: i64| Position(p as u64)))
    }

    /// Keeps the checkpoint, what is set aside, and what happens to timers: all of it or nothing.
    pub(crate) async fn record(&self, entry: Entry) -> Result<(), String> {
        self.with(move |connection| {
            let tx = connection.transaction()?;
            tx.prepare_cached("UPDATE checkpoint SET position = ?1")?.execute([entry.through.0 as i64])?;
            for change in &entry.timers {
                timers::apply(&tx, change)?;
            }
            for one in &entry.aside {
                aside::set_aside(&tx, one)?;
            }
            tx.commit()
        })
        .await
    }

    /// Forgets everything: it is of another store than this one.
    pub(crate) async fn reset(&self) -> Result<(), String> {
        self.with(|connection| {
            let tx = connection.transaction()?;
            tx.execute("UPDATE checkpoint SET position = 0", [])?;
            tx.execute("DELETE FROM timers", [])?;
            tx.execute("DELETE FROM aside_events", [])?;
            tx.execute("DELETE FROM aside", [])?;
            tx.commit()
        })
        .await
    }
}
