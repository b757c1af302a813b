//! Keys and events that are set aside, in the ledger.

use std::fmt;

use serde::Serialize;
use tradewind_events::{Position, Recorded, Timestamp};

use super::Ledger;
use super::kept::{self, KeptEvent};
use super::timers::{self, TimerChange};
use crate::sql::{self, OptionalExtension, Row, Transaction, named_params, params};

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS {aside} (
        key TEXT PRIMARY KEY, state TEXT NOT NULL, failure TEXT NOT NULL, error TEXT NOT NULL,
        attempts BIGINT NOT NULL, first_failed BIGINT, last_failed BIGINT, due BIGINT) {keyed};";

/// What the two tables are called.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    /// That of the keys.
    aside: &'static str,
    /// That of their events.
    pub(super) events: &'static str,
}

impl Names {
    pub(super) const IN_LEDGER: Self = Self { aside: "aside", events: "aside_events" };
    /// Beside a projection's own tables.
    pub(crate) const IN_READ_MODEL: Self = Self { aside: "tradewind_aside", events: "tradewind_aside_events" };

    /// The SQL that makes them, in what both databases understand; see [`tables`](super::tables).
    pub(crate) fn tables(self, keyed: &str, bytes: &str) -> String {
        let sql = [SCHEMA, kept::TABLE].concat().replace("{aside}", self.aside).replace("{events}", self.events);
        sql.replace("{keyed}", keyed).replace("{bytes}", bytes)
    }
}

/// What is to become of a key that is set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum State {
    /// Nothing, until somebody looks.
    Parked,
    /// It is tried again when its pause is over.
    Waiting,
    /// It is met when its time has come.
    Delayed,
}

impl State {
    pub(crate) const ALL: [Self; 3] = [Self::Parked, Self::Waiting, Self::Delayed];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Parked => "parked",
            Self::Waiting => "waiting",
            Self::Delayed => "delayed",
        }
    }

    pub(crate) fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.word() == word)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// How a key stands, whose first event was not met.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: State,
    /// The kind of its last failure; empty if it has not failed.
    pub(crate) failure: String,
    pub(crate) error: String,
    /// How often it has failed while others succeeded.
    pub(crate) attempts: u32,
    pub(crate) first_failed: Option<Timestamp>,
    pub(crate) last_failed: Option<Timestamp>,
    /// When it is next tried, or delivered; none, if it is parked.
    pub(crate) due: Option<Timestamp>,
}

impl Standing {
    /// It has not been tried, and is to be as soon as may be.
    pub(crate) fn untried(now: Timestamp) -> Self {
        Self {
            state: State::Waiting,
            failure: String::new(),
            error: String::new(),
            attempts: 0,
            first_failed: None,
            last_failed: None,
            due: Some(now),
        }
    }

    /// It is to be met when `due` has come.
    pub(crate) fn delayed(due: Timestamp) -> Self {
        Self { state: State::Delayed, ..Self::untried(due) }
    }
}

/// Events of one key that are not met now: its first ones, or more behind those that are there.
#[derive(Debug, Clone)]
pub(crate) struct SetAside {
    pub(crate) key: String,
    /// How it stands, if none of its events are there yet.
    pub(crate) standing: Standing,
    pub(crate) events: Vec<Recorded>,
}

/// What has come of the first events of a key that was set aside.
#[derive(Debug, Clone)]
pub(crate) struct Settled {
    pub(crate) key: String,
    /// They are met up to here; none, if the first was not.
    pub(crate) through: Option<Position>,
    /// How many they are.
    pub(crate) events: u64,
    pub(crate) timers: Vec<TimerChange>,
    /// Those that are to be met without the others.
    pub(crate) alone: Vec<SetAside>,
    /// How the key stands if more of its events are there.
    pub(crate) standing: Standing,
}

/// A key that is set aside, and how many events.
#[derive(Debug, Clone)]
pub(crate) struct KeyAside {
    pub(crate) key: String,
    pub(crate) standing: Standing,
    pub(crate) events: u64,
}

/// The same with its first event.
#[derive(Debug, Clone)]
pub(crate) struct Listed {
    pub(crate) of: KeyAside,
    pub(crate) first: KeptEvent,
}

/// Which keys.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub(crate) state: Option<State>,
    pub(crate) failure: Option<String>,
    pub(crate) key: Option<String>,
    /// Those behind this one.
    pub(crate) after: Option<String>,
}

pub(crate) fn set_aside(tx: &Transaction<'_>, names: Names, one: &SetAside) -> sql::Result<()> {
    let sql = format!(
        "INSERT INTO {} VALUES (:key, :state, :failure, :error, :attempts, :first_failed, :last_failed, :due)
         ON CONFLICT (key) DO NOTHING",
        names.aside
    );
    stand(tx, &sql, &one.key, &one.standing)?;
    one.events.iter().try_for_each(|event| kept::insert(tx, names, &one.key, event))
}

/// Keeps what has come of the first events of a key; tells whether more of it are left. If not, it is free.
pub(crate) fn settle(tx: &Transaction<'_>, names: Names, settled: &Settled) -> sql::Result<bool> {
    if let Some(through) = settled.through {
        let sql = format!("DELETE FROM {} WHERE key = ?1 AND position <= ?2", names.events);
        tx.prepare_cached(&sql)?.execute(params![settled.key, through.0 as i64])?;
    }
    for change in &settled.timers {
        timers::apply(tx, change)?;
    }
    for one in &settled.alone {
        set_aside(tx, names, one)?;
    }
    stand_or_free(tx, names, &settled.key, &settled.standing)
}

fn stand(tx: &Transaction<'_>, sql: &str, key: &str, standing: &Standing) -> sql::Result<()> {
    let columns = named_params! {
        ":key": key,
        ":state": standing.state.word(),
        ":failure": standing.failure,
        ":error": standing.error,
        ":attempts": standing.attempts,
        ":first_failed": standing.first_failed.map(Timestamp::micros),
        ":last_failed": standing.last_failed.map(Timestamp::micros),
        ":due": standing.due.map(Timestamp::micros),
    };
    tx.prepare_cached(sql)?.execute(columns)
}

/// Gives a key free if nothing of it is left, or else says how it stands; tells whether anything is left.
fn stand_or_free(tx: &Transaction<'_>, names: Names, key: &str, standing: &Standing) -> sql::Result<bool> {
    let Names { aside, events } = names;
    let sql = format!("SELECT EXISTS (SELECT 1 FROM {events} WHERE key = ?1)");
    let left = tx.prepare_cached(&sql)?.query_row([key], |row| row.get(0))?;
    if left {
        let sql = format!(
            "UPDATE {aside} SET state = :state, failure = :failure, error = :error, attempts = :attempts,
             first_failed = :first_failed, last_failed = :last_failed, due = :due WHERE key = :key"
        );
        stand(tx, &sql, key, standing)?;
    } else {
        tx.prepare_cached(&format!("DELETE FROM {aside} WHERE key = ?1"))?.execute([key])?;
    }
    Ok(left)
}

impl Ledger {
    /// All keys that are set aside.
    pub(crate) async fn all_aside(&self) -> Result<Vec<KeyAside>, String> {
        let Names { aside, events } = self.names;
        self.look(move |tx| {
            let sql = format!("SELECT {} FROM {aside} AS a", key_columns(events));
            tx.prepare_cached(&sql)?.query_all([], key_aside)
        })
        .await
    }

    /// Keeps what has come of the first events of a key; tells whether more of it are left. If not, it is free.
    pub(crate) async fn settle(&self, settled: Settled) -> Result<bool, String> {
        let names = self.names;
        self.with(move |tx| settle(tx, names, &settled)).await
    }

    /// Says how a key stands that is set aside.
    pub(crate) async fn stand(&self, keys: Vec<String>, standing: Standing) -> Result<(), String> {
        let names = self.names;
        self.with(move |tx| {
            for key in &keys {
                stand_or_free(tx, names, key, &standing)?;
            }
            Ok(())
        })
        .await
    }

    /// Keys that are set aside, in their order, each with its first event.
    pub(crate) async fn list(&self, filter: Filter, limit: usize) -> Result<Vec<Listed>, String> {
        let Names { aside, events } = self.names;
        self.look(move |tx| {
            let sql = format!(
                "SELECT {}, {} FROM {aside} AS a JOIN {events} AS e ON e.key = a.key AND e.position =
                 (SELECT min(position) FROM {events} AS f WHERE f.key = a.key)
                 WHERE (:state IS NULL OR state = :state) AND (:failure IS NULL OR failure = :failure)
                 AND (:key IS NULL OR a.key = :key) AND (:after IS NULL OR a.key > :after)
                 ORDER BY a.key LIMIT :limit",
                key_columns(events),
                kept::COLUMNS
            );
            let wanted = named_params! {
                ":state": filter.state.map(State::word),
                ":failure": filter.failure,
                ":key": filter.key,
                ":after": filter.after,
                ":limit": limit as i64,
            };
            tx.prepare_cached(&sql)?
                .query_all(wanted, |row| Ok(Listed { of: key_aside(row)?, first: kept::read(row, 9)? }))
        })
        .await
    }

    /// The events of a key that is set aside, behind a position, in their order.
    pub(crate) async fn queue(&self, key: &str, after: Position, limit: usize) -> Result<Vec<KeptEvent>, String> {
        let (key, events) = (key.to_owned(), self.names.events);
        self.look(move |tx| {
            let columns = kept::COLUMNS;
            let sql =
                format!("SELECT {columns} FROM {events} WHERE key = ?1 AND position > ?2 ORDER BY position LIMIT ?3");
            let which = params![key, after.0 as i64, limit as i64];
            tx.prepare_cached(&sql)?.query_all(which, |row| kept::read(row, 0))
        })
        .await
    }

    /// One event that is set aside, and the key that it is of.
    pub(crate) async fn event_aside(&self, key: &str, position: Position) -> Result<Option<KeptEvent>, String> {
        let (key, events) = (key.to_owned(), self.names.events);
        self.look(move |tx| {
            let sql = format!("SELECT {} FROM {events} WHERE key = ?1 AND position = ?2", kept::COLUMNS);
            let which = params![key, position.0 as i64];
            tx.prepare_cached(&sql)?.query_row(which, |row| kept::read(row, 0)).optional()
        })
        .await
    }

    /// Lets an event say something else than what was recorded.
    pub(crate) async fn fix(&self, key: &str, position: Position, data: Vec<u8>) -> Result<(), String> {
        let (key, events) = (key.to_owned(), self.names.events);
        self.with(move |tx| {
            let sql = format!("UPDATE {events} SET fixed = ?3 WHERE key = ?1 AND position = ?2");
            tx.prepare_cached(&sql)?.execute(params![key, position.0 as i64, data])
        })
        .await
    }
}

/// What [`key_aside`] reads.
fn key_columns(events: &str) -> String {
    format!(
        "a.key, state, failure, error, attempts, first_failed, last_failed, due,
         (SELECT count(*) FROM {events} AS c WHERE c.key = a.key)"
    )
}

fn key_aside(row: &Row<'_>) -> sql::Result<KeyAside> {
    let moment = |at| row.get::<_, Option<i64>>(at).map(|micros| micros.map(Timestamp::from_micros));
    let state: String = row.get(1)?;
    let standing = Standing {
        // A word of a newer version: what is not understood is left to somebody.
        state: State::of_word(&state).unwrap_or(State::Parked),
        failure: row.get(2)?,
        error: row.get(3)?,
        attempts: row.get(4)?,
        first_failed: moment(5)?,
        last_failed: moment(6)?,
        due: moment(7)?,
    };
    Ok(KeyAside { key: row.get(0)?, standing, events: row.get::<_, i64>(8)? as u64 })
}
