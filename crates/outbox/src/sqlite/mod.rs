//! An outbox and inbox in SQLite, in the service's own database file.
//!
//! ```
//! use tradewind_events::{Event, EventType, StreamId, Timestamp};
//! use tradewind_outbox::sqlite::{Outbox, OutboxOptions};
//!
//! # fn example(folder: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
//! let mut database = rusqlite::Connection::open(folder.join("shop.db"))?;
//! database.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE account (id, balance)")?;
//! let outbox = Outbox::open(&folder.join("shop.db"), OutboxOptions::default())?;
//!
//! let transaction = database.transaction()?;
//! transaction.execute("UPDATE account SET balance = balance - 5 WHERE id = 7", [])?;
//! let told = Event::new(EventType::new("MoneyTaken")?, Timestamp::from_micros(0), &5)?;
//! outbox.put(&transaction, &StreamId::new("account-7")?, &told)?;
//! transaction.commit()?;
//! outbox.wake();
//! // What a relay publishes, and a feed tells.
//! let source = outbox.source();
//! # Ok(())
//! # }
//! # let folder = tempfile::tempdir().unwrap();
//! # example(folder.path()).unwrap();
//! ```

mod inbox;
mod source;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::watch;
use tradewind_events::{Event, StreamId};

use crate::OutboxError;
use crate::follow::Handled;
use crate::rows::tags;

pub use inbox::Inbox;
pub use source::OutboxSource;

const VERSION: i64 = 1;
const SLOTS: i64 = 4;
/// How often, in positions, it is looked whether the next slot can be emptied: as a part of a slot.
const LOOKS_IN_A_SLOT: i64 = 16;

/// How an outbox is kept.
#[derive(Debug, Clone)]
pub struct OutboxOptions {
    /// How long nobody may wake those who follow before they look by themselves: what other processes put waits so long.
    pub poll_every: Duration,
    /// How long the outbox's own connection waits for the service's transactions.
    pub busy_max: Duration,
    /// How many positions lie in one of the four slots; at least two of them are kept. The same for all who put.
    pub slot_positions: u32,
}

impl Default for OutboxOptions {
    fn default() -> Self {
        Self { poll_every: Duration::from_millis(100), busy_max: Duration::from_secs(5), slot_positions: 65_536 }
    }
}

/// What a service puts its messages into. Cheap to clone.
#[derive(Clone)]
pub struct Outbox {
    inner: Arc<Inner>,
}

struct Inner {
    options: OutboxOptions,
    /// The outbox's own connection, which reads.
    database: Mutex<Connection>,
    more: watch::Sender<u64>,
    handled: Mutex<Handled>,
}

impl Outbox {
    /// The outbox in a database file; its tables are made if they are not there.
    ///
    /// # Errors
    /// [`OutboxError`] if the file cannot be used, or a newer program made the tables.
    pub fn open(file: &Path, options: OutboxOptions) -> Result<Self, OutboxError> {
        if options.slot_positions < 16 {
            return Err(OutboxError::Invalid("a slot of the outbox has at least 16 positions".to_owned()));
        }
        let mut database = Connection::open(file)?;
        database.busy_timeout(options.busy_max)?;
        migrate(&mut database)?;
        let (more, handled) = (watch::Sender::new(0), Mutex::default());
        Ok(Self { inner: Arc::new(Inner { options, database: Mutex::new(database), more, handled }) })
    }

    /// Puts a message into the caller's own transaction: it is told if, and only if, that commits. `stream` is its key.
    /// Messages are told in the order of their transactions.
    ///
    /// Whether what was committed survives a power failure, the caller's connection decides: with `synchronous` below
    /// `FULL` SQLite may forget what a broker already has.
    ///
    /// # Errors
    /// [`OutboxError::Sqlite`] if it cannot be put; the transaction must be rolled back.
    pub fn put(&self, transaction: &Transaction<'_>, stream: &StreamId, event: &Event) -> Result<(), OutboxError> {
        let slot_positions = i64::from(self.inner.options.slot_positions);
        let (position, at): (i64, i64) = transaction
            .prepare_cached(
                "UPDATE outbox_head SET position = position + 1,
                 at = max(at, CAST(unixepoch('subsec') * 1000000 AS INTEGER)) RETURNING position, at",
            )?
            .query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let slot = position / slot_positions % SLOTS;
        let insert = format!("INSERT INTO outbox_{slot} VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        transaction.prepare_cached(&insert)?.execute(rusqlite::params![
            position,
            at,
            event.id.0.as_bytes(),
            event.event_type.as_str(),
            stream.as_str(),
            event.time.micros(),
            tags(event),
            event.metadata.encode(),
            &event.data[..],
        ])?;
        if position % (slot_positions / LOOKS_IN_A_SLOT).max(1) == 0 {
            empty(transaction, (slot + 1) % SLOTS)?;
        }
        Ok(())
    }

    /// Says that something was put, after the commit, so that nobody waits until he looks by himself.
    pub fn wake(&self) {
        self.inner.more.send_modify(|count| *count += 1);
    }

    /// What was put, for a relay or a feed.
    #[must_use]
    pub fn source(&self) -> OutboxSource {
        OutboxSource::new(Arc::clone(&self.inner))
    }

    /// The inbox in the same database.
    #[must_use]
    pub fn inbox(&self) -> Inbox {
        Inbox
    }
}

/// Empties a slot if everybody has what is in it. Without a condition, SQLite drops the table's pages as a whole.
fn empty(transaction: &Transaction<'_>, slot: i64) -> Result<(), OutboxError> {
    let newest = format!("SELECT max(position) FROM outbox_{slot}");
    let newest: Option<i64> = transaction.prepare_cached(&newest)?.query_row([], |row| row.get(0))?;
    let slowest = "SELECT min(position) FROM outbox_followers";
    let slowest: Option<i64> = transaction.prepare_cached(slowest)?.query_row([], |row| row.get(0))?;
    let (Some(newest), Some(slowest)) = (newest, slowest) else { return Ok(()) };
    if newest <= slowest {
        transaction.prepare_cached(&format!("DELETE FROM outbox_{slot}"))?.execute([])?;
        let dropped = "UPDATE outbox_head SET dropped = max(dropped, ?1)";
        transaction.prepare_cached(dropped)?.execute([newest])?;
    }
    Ok(())
}

fn migrate(database: &mut Connection) -> Result<(), OutboxError> {
    let transaction = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch("CREATE TABLE IF NOT EXISTS outbox_versions (version INTEGER PRIMARY KEY)")?;
    let found: i64 =
        transaction.query_row("SELECT coalesce(max(version), 0) FROM outbox_versions", [], |row| row.get(0))?;
    if found > VERSION {
        return Err(OutboxError::Newer { found, known: VERSION });
    }
    if found < VERSION {
        transaction.execute_batch(include_str!("schema.sql"))?;
        transaction.execute("INSERT INTO outbox_versions VALUES (?1)", [VERSION])?;
    }
    Ok(transaction.commit()?)
}
