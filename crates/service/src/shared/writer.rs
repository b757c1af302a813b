//! The writing side of a generation in the shared database: events, checkpoint and fence in one transaction.

use tokio_util::sync::CancellationToken;
use tradewind_events::{Position, Recorded};

use super::lent::Lent;
use super::{SharedAside, SharedDatabase};
use crate::projection::{
    BatchError, End, GenerationName, NotApplied, Projection, ProjectionError, apply_one, classify,
};
use crate::sql::postgres::Session;
use crate::sql::{Error, Transaction, params};

/// Writes to one generation for as long as a lease is held.
pub(crate) struct SharedWriter {
    database: SharedDatabase,
    name: GenerationName,
    epoch: i64,
    stop: CancellationToken,
    /// For one batch.
    lent: Option<Box<Lent>>,
}

impl SharedWriter {
    pub(super) fn new(database: SharedDatabase, name: GenerationName, epoch: i64, stop: CancellationToken) -> Self {
        Self { database, name, epoch, stop, lent: None }
    }

    /// Another one that is not connected yet.
    pub(crate) fn another(&self) -> Self {
        Self::new(self.database.clone(), self.name, self.epoch, self.stop.clone())
    }

    /// What of the generation is set aside.
    pub(crate) fn aside(&self) -> SharedAside {
        SharedAside::new(self.database.clone(), self.name, self.epoch, self.stop.clone())
    }

    /// Others have taken it over: nothing more is to be tried.
    pub(crate) fn lost(&self) {
        self.stop.cancel();
    }

    /// Makes sure that there is a connection for the next batch.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn connect(&mut self) -> Result<(), String> {
        // What was lent before and not used is given back first.
        self.lent = None;
        self.lent = Some(Box::new(Box::pin(self.database.lend(self.name)).await?));
        Ok(())
    }

    /// Applies a batch and does what it ends with, both or neither, and only if nobody has taken the lease meanwhile; tells
    /// whether more of a key is set aside. The checkpoint comes last: the next holder's fence waits for it for as short
    /// as can be.
    pub(crate) fn apply_batch(
        &mut self,
        projection: &dyn Projection,
        events: &[Recorded],
        end: &End,
    ) -> Result<bool, BatchError> {
        let Some(mut lent) = self.lent.take() else { return Err(BatchError::Database(Error::NoRow)) };
        let Some(session) = lent.session() else { return Err(BatchError::Database(Error::NoRow)) };
        session.afresh();
        let applied = self.apply(session, projection, events, end);
        if applied.is_err() {
            // If that fails, too, the connection is not used again.
            session.afresh();
            if session.run("ROLLBACK").is_err() {
                lent.discard();
            }
        }
        applied
    }

    fn apply(
        &self,
        session: &Session,
        projection: &dyn Projection,
        events: &[Recorded],
        end: &End,
    ) -> Result<bool, BatchError> {
        session.send("BEGIN").map_err(BatchError::Database)?;
        let tx = Transaction::on_postgres(session);
        for (index, event) in events.iter().enumerate() {
            session.for_event(index);
            if let Err(error) = apply_one(&tx, projection, event) {
                return Err(refused(session, events.len()).unwrap_or_else(|| classify(index, error)));
            }
        }
        // What is refused now is no event's fault.
        session.for_event(events.len());
        let is_left = end.of_asides(&tx).and_then(|is_left| session.settle().map(|()| is_left));
        let is_left = is_left.map_err(|error| refused(session, events.len()).unwrap_or(BatchError::Database(error)))?;
        let s = self.database.schema();
        let update = format!("UPDATE {s}.generations SET position = ?1 WHERE id = ?2 AND epoch = ?3 AND position = ?4");
        let fence = format!("UPDATE {s}.generations SET epoch = ?2 WHERE id = ?1 AND epoch = ?2");
        let id = self.name.generation as i64;
        let fenced = match end {
            End::Moved { from, through, .. } => {
                session.execute_now(&update, params![through.0 as i64, id, self.epoch, from.0 as i64])
            }
            End::Settled(_) => session.execute_now(&fence, params![id, self.epoch]),
        };
        if fenced.map_err(BatchError::Database)? == 0 {
            return Err(self.why_not(session));
        }
        session.run("COMMIT").map_err(BatchError::Database)?;
        Ok(is_left)
    }

    /// Why the checkpoint could not be moved.
    fn why_not(&self, session: &Session) -> BatchError {
        let (s, id) = (self.database.schema(), self.name.generation);
        let select = format!("SELECT position FROM {s}.generations WHERE id = {id} AND epoch = {}", self.epoch);
        match session.ask(&select) {
            Ok(Some(position)) => BatchError::Moved(Position(position.parse().unwrap_or_default())),
            Ok(None) => BatchError::Fenced,
            Err(error) => BatchError::Database(error),
        }
    }
}

/// What the database said no to, and for which of the `events`, if it did.
fn refused(session: &Session, events: usize) -> Option<BatchError> {
    let (index, error) = session.take_refused()?;
    Some(match index < events {
        true => classify(index, NotApplied::Refused(ProjectionError::Database(error))),
        false => BatchError::Database(error),
    })
}
