//! The inbox: what has had its effect, in the same transaction as the effect.

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Transaction};
use tradewind_events::{Position, Timestamp};

use crate::turn::{oldest, turn};
use crate::{Follower, OutboxError};

/// Tells what is new. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Inbox {
    begin: String,
    place: String,
    begin_id: String,
    schema: String,
}

impl Inbox {
    pub(super) fn new(schema: &str) -> Self {
        Self {
            begin: format!(
                "INSERT INTO {schema}.inbox AS i VALUES ($1, $2)
                 ON CONFLICT (follower) DO UPDATE SET position = $2 WHERE i.position < $2
                 RETURNING true"
            ),
            place: format!("SELECT position FROM {schema}.inbox WHERE follower = $1"),
            begin_id: format!("SELECT {schema}.begin_id($1, $2, $3)"),
            schema: schema.to_owned(),
        }
    }

    /// Whether what stands at a position is new to a follower: then its effect belongs into this transaction, with which
    /// the position is marked as handled. A repeat is not, nor is anything before what was handled. Of two transactions
    /// of the same follower the second waits for the first.
    ///
    /// # Errors
    /// [`OutboxError::Postgres`]; the transaction must be rolled back.
    pub async fn begin(
        &self,
        transaction: &Transaction<'_>,
        follower: &Follower,
        position: Position,
    ) -> Result<bool, OutboxError> {
        let position = i64::try_from(position.0).unwrap_or(i64::MAX);
        let follower = follower.as_str();
        let parameters: [(&(dyn ToSql + Sync), Type); 2] = [(&follower, Type::TEXT), (&position, Type::INT8)];
        Ok(!transaction.query_typed(&self.begin, &parameters).await?.is_empty())
    }

    /// Behind which position a follower goes on.
    ///
    /// # Errors
    /// [`OutboxError::Postgres`].
    pub async fn place(&self, client: &Client, follower: &Follower) -> Result<Position, OutboxError> {
        let row = client.query_opt(&self.place, &[&follower.as_str()]).await?;
        let position: i64 = row.map_or(Ok(0), |row| row.try_get(0))?;
        Ok(Position(position.unsigned_abs()))
    }

    /// The same for what comes from a source without positions, by its id, at a moment of the caller's clock. An id is
    /// remembered for a week at least.
    ///
    /// # Errors
    /// [`OutboxError::Postgres`]; the transaction must be rolled back.
    pub async fn begin_id(
        &self,
        transaction: &Transaction<'_>,
        follower: &Follower,
        id: &str,
        now: Timestamp,
    ) -> Result<bool, OutboxError> {
        let (follower, turn) = (follower.as_str(), turn(now));
        let parameters: [(&(dyn ToSql + Sync), Type); 3] =
            [(&follower, Type::TEXT), (&id, Type::TEXT), (&turn, Type::INT8)];
        let rows = transaction.query_typed(&self.begin_id, &parameters).await?;
        Ok(rows.first().map_or(Ok(false), |row| row.try_get(0))?)
    }

    /// Forgets ids that are old enough, all of a slot at once. To be called now and then, once a day or so.
    ///
    /// # Errors
    /// [`OutboxError::Postgres`], also if somebody is in the way: then it is tried the next time.
    pub async fn forget(&self, client: &mut Client, now: Timestamp) -> Result<(), OutboxError> {
        let oldest = oldest(now);
        let transaction = client.transaction().await?;
        let sql = format!("SET LOCAL lock_timeout = '50ms'; TRUNCATE {}.inbox_ids_{oldest}", self.schema);
        transaction.batch_execute(&sql).await?;
        Ok(transaction.commit().await?)
    }
}
