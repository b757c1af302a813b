//! The writing side of one read database: events and checkpoint in one transaction.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use tradewind_events::{Position, Recorded};
use uuid::Uuid;

use super::{Projection, ProjectionError};
use crate::panics::catch;
use crate::reaction::{Failure, Names, SetAside, Settled, class, set_aside, settle};
use crate::sql;

const CHECKPOINT: &str = "
    CREATE TABLE tradewind_checkpoint (
        one INTEGER PRIMARY KEY CHECK (one = 1), position INTEGER NOT NULL, schema TEXT NOT NULL)";

/// How long one connection waits for another.
pub(crate) const BUSY_MAX: Duration = Duration::from_secs(5);

/// A read database that is open for writing.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    /// Its checkpoint.
    pub(crate) position: Position,
    /// Whether its tables are those of today's schema. Others cannot be asked with today's questions.
    pub(crate) of_today: bool,
}

/// Why a batch was not applied.
#[derive(Debug)]
pub(crate) enum BatchError {
    /// The event at this index of the batch cannot be applied; nothing of the batch was.
    Event(usize, Failure),
    /// The database is out of order; nothing of the batch was applied.
    Database(sql::Error),
    /// Somebody else has moved the checkpoint, to here; nothing of the batch was applied.
    Moved(Position),
    /// Another instance has taken this over; nothing of the batch was applied.
    Fenced,
}

/// With what a transaction ends, besides what its events have changed.
#[derive(Debug)]
pub(crate) enum End {
    /// The checkpoint moves, and some events are set aside.
    Moved { from: Position, through: Position, aside: Vec<SetAside> },
    /// The events were the first of a key that was set aside.
    Settled(Settled),
}

/// Why an event was not applied.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotApplied {
    #[error("{0}")]
    Refused(#[from] ProjectionError),
    #[error("{0}")]
    Panicked(String),
}

/// Opens a read database for writing, with its tables made if it is new.
pub(crate) fn open_writer(path: &Path, schema: &str) -> rusqlite::Result<Writer> {
    let mut connection = Connection::open(path)?;
    configure(&connection)?;
    // A power cut may take the last transactions, whole, and they are replayed: no commit need wait for the disk.
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
    let known: bool = connection.query_row(
        "SELECT EXISTS (SELECT 1 FROM sqlite_master WHERE name = 'tradewind_checkpoint')",
        [],
        |row| row.get(0),
    )?;
    if !known {
        let tx = connection.transaction()?;
        tx.execute_batch(CHECKPOINT)?;
        tx.execute("INSERT INTO tradewind_checkpoint VALUES (1, 0, ?1)", [hash_of(schema)])?;
        tx.execute_batch(schema)?;
        tx.commit()?;
    }
    // One that was made before anything was set aside gets room for it.
    connection.execute_batch(&Names::IN_READ_MODEL.tables("WITHOUT ROWID", "BLOB"))?;
    let position = checkpoint(&connection)?;
    // One that does not tell its schema was made before they were told.
    let told = connection.query_row("SELECT schema FROM tradewind_checkpoint", [], |row| row.get::<_, String>(0));
    let of_today = told.is_ok_and(|told| told == hash_of(schema));
    Ok(Writer { connection, position, of_today })
}

/// The same for two schemas that differ only in how they are laid out.
pub(crate) fn hash_of(schema: &str) -> String {
    let words: Vec<&str> = schema.split_whitespace().collect();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, words.join(" ").as_bytes()).simple().to_string()
}

/// Opens the same database for reading only.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    configure(&connection)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY_MAX)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.pragma_update(None, "cache_size", -16_000)?;
    connection.pragma_update(None, "temp_store", "MEMORY")
}

/// Up to where the database has applied everything.
pub(crate) fn checkpoint(connection: &Connection) -> rusqlite::Result<Position> {
    let position: i64 =
        connection.prepare_cached("SELECT position FROM tradewind_checkpoint")?.query_row([], |row| row.get(0))?;
    Ok(Position(position as u64))
}

/// Brings all that is in the journal into the database itself; false if a reader is in the way.
pub(crate) fn empty_journal(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0)).map(|busy| busy == 0)
}

pub(crate) fn set_checkpoint(connection: &Connection, position: Position) -> rusqlite::Result<()> {
    connection.prepare_cached("UPDATE tradewind_checkpoint SET position = ?1")?.execute([position.0 as i64]).map(drop)
}

/// Applies a batch and does what it ends with, both or neither; tells whether more of a key is set aside. A second
/// process on the same folder, which nobody should start, thereby does no harm.
pub(crate) fn apply_batch(
    connection: &mut Connection,
    projection: &dyn Projection,
    events: &[Recorded],
    end: &End,
) -> Result<bool, BatchError> {
    let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(trouble)?;
    if let End::Moved { from, .. } = end {
        let found = checkpoint(&tx).map_err(trouble)?;
        if found != *from {
            return Err(BatchError::Moved(found));
        }
    }
    let applying = sql::Transaction::on_sqlite(&tx);
    for (index, event) in events.iter().enumerate() {
        apply_one(&applying, projection, event).map_err(|error| classify(index, error))?;
    }
    let is_left = end.of_asides(&applying).map_err(BatchError::Database)?;
    if let End::Moved { through, .. } = end {
        set_checkpoint(&tx, *through).map_err(trouble)?;
    }
    tx.commit().map_err(trouble)?;
    Ok(is_left)
}

impl End {
    /// What is set aside, or is not any more; tells whether more of a key is.
    pub(crate) fn of_asides(&self, tx: &sql::Transaction<'_>) -> sql::Result<bool> {
        match self {
            Self::Moved { aside, .. } => {
                aside.iter().try_for_each(|one| set_aside(tx, Names::IN_READ_MODEL, one))?;
                Ok(false)
            }
            Self::Settled(settled) => settle(tx, Names::IN_READ_MODEL, settled),
        }
    }
}

fn trouble(error: rusqlite::Error) -> BatchError {
    BatchError::Database(error.into())
}

/// A panic in a projection is a bug at this event, as an error would be; it must not take the others down.
pub(crate) fn apply_one(
    tx: &sql::Transaction<'_>,
    projection: &dyn Projection,
    event: &Recorded,
) -> Result<(), NotApplied> {
    match catch("the projection", || projection.apply(tx, event)) {
        Ok(applied) => Ok(applied?),
        Err(panic) => Err(NotApplied::Panicked(panic)),
    }
}

/// Tells a bad event from a database that is in trouble.
pub(crate) fn classify(index: usize, error: NotApplied) -> BatchError {
    let class = match error {
        NotApplied::Refused(ProjectionError::Database(database)) if database.is_trouble() => {
            return BatchError::Database(database);
        }
        NotApplied::Refused(ProjectionError::Event(_)) => class::UNREADABLE,
        NotApplied::Refused(_) => class::POISON,
        NotApplied::Panicked(_) => class::PANIC,
    };
    BatchError::Event(index, Failure { class, error: error.to_string() })
}
