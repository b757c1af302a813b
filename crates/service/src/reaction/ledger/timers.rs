//! Timers in the ledger.

use rusqlite::Connection;
use tradewind_events::Timestamp;

use super::Ledger;
use crate::sql::{self, Row, Transaction, params};

pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS timers (
        process TEXT NOT NULL, name TEXT NOT NULL, due BIGINT NOT NULL, cause TEXT NOT NULL,
        correlation TEXT, backdated INTEGER NOT NULL, traceparent TEXT, tracestate TEXT,
        PRIMARY KEY (process, name)) {keyed};
    CREATE INDEX IF NOT EXISTS timers_by_due ON timers (due);";

/// Marks on timers that could not be handled. They go with the connection, so that every start tries again.
pub(super) const MARKS: &str = "
    CREATE TEMP TABLE failed (
        process TEXT NOT NULL, name TEXT NOT NULL, cause TEXT NOT NULL, problem TEXT NOT NULL,
        PRIMARY KEY (process, name, cause)) {keyed}";

/// A timer's columns, in the order in which [`timer`] reads them.
macro_rules! columns {
    () => {
        "process, name, due, cause, correlation, backdated, traceparent, tracestate"
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
    /// The trace to which what set it belongs.
    pub(crate) traceparent: Option<String>,
    pub(crate) tracestate: Option<String>,
}

/// What an event does to timers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TimerChange {
    Set(Timer),
    Cancel { process: String, name: String },
}

/// A file that was made before timers belonged to traces gets room for them.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('timers') WHERE name = 'traceparent')";
    if connection.query_row(sql, [], |row| row.get(0))? {
        return Ok(());
    }
    let sql = "ALTER TABLE timers ADD COLUMN traceparent TEXT; ALTER TABLE timers ADD COLUMN tracestate TEXT";
    connection.execute_batch(sql)
}

impl Ledger {
    /// Timers that are due at `now` and not marked as failed, the earliest first.
    pub(crate) async fn due(&self, now: Timestamp, limit: usize) -> Result<Vec<Timer>, String> {
        self.look(move |tx| {
            let sql = concat!(
                "SELECT ", columns!(), " FROM timers WHERE due <= ?1 AND NOT EXISTS
                 (SELECT 1 FROM failed AS f WHERE (f.process, f.name, f.cause) = (timers.process, timers.name, timers.cause))
                 ORDER BY due LIMIT ?2"
            );
            tx.prepare_cached(sql)?.query_all(params![now.micros(), limit as i64], timer)
        })
        .await
    }

    /// Marks a timer that could not be handled: it is kept, and does not fire until it is tried again.
    pub(crate) async fn mark_failed(&self, timer: Timer, problem: String) -> Result<(), String> {
        self.with(move |tx| {
            let sql = "INSERT INTO failed VALUES (?1, ?2, ?3, ?4)
                       ON CONFLICT (process, name, cause) DO UPDATE SET problem = excluded.problem";
            let Timer { process, name, cause, .. } = timer;
            tx.execute(sql, params![process, name, cause, problem])
        })
        .await
    }

    /// Timers that could not be handled and why, the earliest first.
    pub(crate) async fn failed(&self, limit: usize) -> Result<Vec<(Timer, String)>, String> {
        self.look(move |tx| {
            let sql = concat!(
                "SELECT ",
                columns!(),
                ", problem FROM timers NATURAL JOIN failed ORDER BY due, process, name LIMIT ?1"
            );
            tx.prepare_cached(sql)?.query_all([limit as i64], |row| Ok((timer(row)?, row.get(8)?)))
        })
        .await
    }

    /// Takes the marks away, so that all of them fire again; tells how many there were.
    pub(crate) async fn retry_failed(&self) -> Result<usize, String> {
        self.with(|tx| {
            let marked = "SELECT count(*) FROM timers NATURAL JOIN failed";
            let marked: i64 = tx.query_row(marked, [], |row| row.get(0))?;
            tx.execute("DELETE FROM failed", [])?;
            Ok(marked as usize)
        })
        .await
    }

    /// Forgets a timer that has fired or was given up, unless it has been set anew since.
    pub(crate) async fn fired(&self, timer: Timer) -> Result<(), String> {
        self.with(move |tx| {
            let sql = "DELETE FROM timers WHERE process = ?1 AND name = ?2 AND cause = ?3";
            tx.execute(sql, params![timer.process, timer.name, timer.cause])
        })
        .await
    }
}

pub(super) fn apply(tx: &Transaction<'_>, change: &TimerChange) -> sql::Result<()> {
    match change {
        TimerChange::Set(timer) => {
            let sql = "INSERT INTO timers (process, name, due, cause, correlation, backdated, traceparent, tracestate)
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                       ON CONFLICT (process, name) DO UPDATE SET due = excluded.due, cause = excluded.cause,
                       correlation = excluded.correlation, backdated = excluded.backdated,
                       traceparent = excluded.traceparent, tracestate = excluded.tracestate";
            let Timer { process, name, due, cause, correlation, backdated, traceparent, tracestate } = timer;
            let due = due.micros();
            let columns = params![process, name, due, cause, correlation, backdated, traceparent, tracestate];
            tx.prepare_cached(sql)?.execute(columns)?;
        }
        TimerChange::Cancel { process, name } => {
            let sql = "DELETE FROM timers WHERE process = ?1 AND name = ?2";
            tx.prepare_cached(sql)?.execute(params![process, name])?;
        }
    }
    Ok(())
}

fn timer(row: &Row<'_>) -> sql::Result<Timer> {
    Ok(Timer {
        process: row.get(0)?,
        name: row.get(1)?,
        due: Timestamp::from_micros(row.get(2)?),
        cause: row.get(3)?,
        correlation: row.get(4)?,
        backdated: row.get(5)?,
        traceparent: row.get(6)?,
        tracestate: row.get(7)?,
    })
}
