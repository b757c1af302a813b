//! What a reaction or process manager must remember: how far it has come, and which timers it has set. Both change
//! in one transaction. Derived: if the file is lost, everything is met again, and the keys of the commands make
//! that harmless.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, Row, Transaction, params};
use tradewind_events::{Position, Timestamp};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS checkpoint (one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL);
    INSERT OR IGNORE INTO checkpoint VALUES (1, 0);
    CREATE TABLE IF NOT EXISTS timers (
        process TEXT NOT NULL, name TEXT NOT NULL, due INTEGER NOT NULL, cause TEXT NOT NULL,
        correlation TEXT, backdated INTEGER NOT NULL, PRIMARY KEY (process, name)) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS timers_by_due ON timers (due);";

/// Marks on timers that could not be handled. They go with the connection, so that every start tries again.
const MARKS: &str = "
    CREATE TEMP TABLE failed (
        process TEXT NOT NULL, name TEXT NOT NULL, cause TEXT NOT NULL, problem TEXT NOT NULL,
        PRIMARY KEY (process, name, cause)) WITHOUT ROWID";

/// A timer's columns, in the order in which [`timer`] reads them.
macro_rules! columns {
    () => {
        "process, name, due, cause, correlation, backdated"
    };
}

/// A timer that is set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Timer {
    /// The instance of the process manager whose it is.
    pub(crate) process: String,
    pub(crate) name: String,
    pub(crate) due: Timestamp,
    /// The event that set it: the same timer set anew is another one.
    pub(crate) cause: String,
    pub(crate) correlation: Option<String>,
    /// Whether it belongs to a past that was brought in, and fires at its own time.
    pub(crate) backdated: bool,
}

/// What an event does to timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimerChange {
    Set(Timer),
    Cancel { process: String, name: String },
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
        connection.execute_batch(SCHEMA)?;
        connection.execute_batch(MARKS)?;
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

    /// Keeps the checkpoint and what the events up to it do to timers, both or neither.
    pub(crate) async fn record(&self, through: Position, changes: Vec<TimerChange>) -> Result<(), String> {
        self.with(move |connection| {
            let tx = connection.transaction()?;
            tx.prepare_cached("UPDATE checkpoint SET position = ?1")?.execute([through.0 as i64])?;
            for change in &changes {
                apply(&tx, change)?;
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
            tx.commit()
        })
        .await
    }

    /// Timers that are due at `now` and not marked as failed, the earliest first.
    pub(crate) async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Timer>, String> {
        self.with(move |connection| {
            let sql = concat!(
                "SELECT ", columns!(), " FROM timers WHERE due <= ?1 AND NOT EXISTS
                 (SELECT 1 FROM failed AS f WHERE (f.process, f.name, f.cause) = (timers.process, timers.name, timers.cause))
                 ORDER BY due LIMIT ?2"
            );
            connection.prepare_cached(sql)?.query_map(params![now.micros(), limit as i64], timer)?.collect()
        })
        .await
    }

    /// Marks a timer that could not be handled: it is kept, and does not fire until it is tried again.
    pub(crate) async fn mark_failed(&self, timer: Timer, problem: String) -> Result<(), String> {
        self.with(move |connection| {
            let sql = "INSERT OR REPLACE INTO failed VALUES (?1, ?2, ?3, ?4)";
            let Timer { process, name, cause, .. } = timer;
            connection.prepare_cached(sql)?.execute(params![process, name, cause, problem]).map(drop)
        })
        .await
    }

    /// Timers that could not be handled and why, the earliest first.
    pub(crate) async fn failed(&self, limit: usize) -> Result<Vec<(Timer, String)>, String> {
        self.with(move |connection| {
            let sql = concat!(
                "SELECT ",
                columns!(),
                ", problem FROM timers NATURAL JOIN failed ORDER BY due, process, name LIMIT ?1"
            );
            let mut select = connection.prepare_cached(sql)?;
            select.query_map([limit as i64], |row| Ok((timer(row)?, row.get(6)?)))?.collect()
        })
        .await
    }

    /// Takes the marks away, so that all of them fire again; tells how many there were.
    pub(crate) async fn retry_failed(&self) -> Result<usize, String> {
        self.with(|connection| {
            let marked = "SELECT count(*) FROM timers NATURAL JOIN failed";
            let marked: i64 = connection.query_row(marked, [], |row| row.get(0))?;
            connection.execute("DELETE FROM failed", [])?;
            Ok(marked as usize)
        })
        .await
    }

    /// Forgets a timer that has fired or was given up, unless it has been set anew since.
    pub(crate) async fn fired(&self, timer: Timer) -> Result<(), String> {
        self.with(move |connection| {
            let sql = "DELETE FROM timers WHERE process = ?1 AND name = ?2 AND cause = ?3";
            connection.prepare_cached(sql)?.execute(params![timer.process, timer.name, timer.cause]).map(drop)
        })
        .await
    }
}

fn apply(tx: &Transaction<'_>, change: &TimerChange) -> rusqlite::Result<()> {
    match change {
        TimerChange::Set(timer) => {
            let sql = "INSERT INTO timers (process, name, due, cause, correlation, backdated)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                       ON CONFLICT DO UPDATE SET due = excluded.due, cause = excluded.cause,
                       correlation = excluded.correlation, backdated = excluded.backdated";
            let Timer { process, name, due, cause, correlation, backdated } = timer;
            tx.prepare_cached(sql)?.execute(params![process, name, due.micros(), cause, correlation, backdated])?;
        }
        TimerChange::Cancel { process, name } => {
            let sql = "DELETE FROM timers WHERE process = ?1 AND name = ?2";
            tx.prepare_cached(sql)?.execute(params![process, name])?;
        }
    }
    Ok(())
}

fn timer(row: &Row<'_>) -> rusqlite::Result<Timer> {
    Ok(Timer {
        process: row.get(0)?,
        name: row.get(1)?,
        due: Timestamp::from_micros(row.get(2)?),
        cause: row.get(3)?,
        correlation: row.get(4)?,
        backdated: row.get(5)?,
    })
}
