//! The inbox: what has had its effect, in the same transaction as the effect.

use rusqlite::{Connection, OptionalExtension as _, Transaction};
use tradewind_events::{Position, Timestamp};

use crate::turn::{oldest, turn};
use crate::{Follower, OutboxError};

/// Tells what is new.
#[derive(Debug, Clone, Copy)]
pub struct Inbox;

impl Inbox {
    /// Whether what stands at a position is new to a follower: then its effect belongs into this transaction, with which
    /// the position is marked as handled. A repeat is not, nor is anything before what was handled.
    ///
    /// # Errors
    /// [`OutboxError::Sqlite`]; the transaction must be rolled back.
    pub fn begin(
        &self,
        transaction: &Transaction<'_>,
        follower: &Follower,
        position: Position,
    ) -> Result<bool, OutboxError> {
        let sql = "INSERT INTO inbox VALUES (?1, ?2)
                   ON CONFLICT (follower) DO UPDATE SET position = ?2 WHERE position < ?2";
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        Ok(transaction.prepare_cached(sql)?.execute((follower.as_str(), position))? == 1)
    }

    /// Behind which position a follower goes on.
    ///
    /// # Errors
    /// [`OutboxError::Sqlite`].
    pub fn place(&self, database: &Connection, follower: &Follower) -> Result<Position, OutboxError> {
        let sql = "SELECT position FROM inbox WHERE follower = ?1";
        let found: Option<i64> =
            database.prepare_cached(sql)?.query_row([follower.as_str()], |row| row.get(0)).optional()?;
        Ok(Position(found.unwrap_or(0).unsigned_abs()))
    }

    /// The same for what comes from a source without positions, by its id, at a moment of the caller's clock. An id is
    /// remembered for a week at least.
    ///
    /// # Errors
    /// [`OutboxError::Sqlite`]; the transaction must be rolled back.
    pub fn begin_id(
        &self,
        transaction: &Transaction<'_>,
        follower: &Follower,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, OutboxError> {
        for slot in 0..3 {
            let sql = format!("SELECT 1 FROM inbox_ids_{slot} WHERE follower = ?1 AND id = ?2");
            if transaction.prepare_cached(&sql)?.exists((follower.as_str(), id))? {
                return Ok(false);
            }
        }
        // Another writer cannot come in between: either this transaction has the lock already, or it fails here.
        let sql = format!("INSERT INTO inbox_ids_{} VALUES (?1, ?2)", turn(now) % 3);
        transaction.prepare_cached(&sql)?.execute((follower.as_str(), id))?;
        Ok(true)
    }

    /// Forgets ids that are old enough, all of a slot at once. To be called now and then, once a day or so.
    ///
    /// # Errors
    /// [`OutboxError::Sqlite`].
    pub fn forget(&self, database: &Connection, now: Timestamp) -> Result<(), OutboxError> {
        database.execute(&format!("DELETE FROM inbox_ids_{}", oldest(now)), [])?;
        Ok(())
    }
}
