//! What a projection has set aside, in tables beside its own: for the holder of its lease.

use tokio_util::sync::CancellationToken;

use super::SharedDatabase;
use super::ledger::{Fence, transact};
use super::lent::Lent;
use crate::projection::GenerationName;
use crate::sql::{self, Error, Transaction};

/// What one generation has set aside.
#[derive(Clone)]
pub(crate) struct SharedAside {
    database: SharedDatabase,
    name: GenerationName,
    epoch: i64,
    stop: CancellationToken,
}

impl SharedAside {
    pub(super) fn new(database: SharedDatabase, name: GenerationName, epoch: i64, stop: CancellationToken) -> Self {
        Self { database, name, epoch, stop }
    }

    /// Whether the lease is held.
    pub(crate) fn is_held(&self) -> bool {
        !self.stop.is_cancelled()
    }

    /// A connection for one transaction.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn connect(&self) -> Result<Box<Lent>, String> {
        Ok(Box::new(Box::pin(self.database.lend(self.name)).await?))
    }

    /// Runs work in a transaction; what it changes is kept only if nobody has taken the lease meanwhile.
    pub(crate) fn with<T>(
        &self,
        mut lent: Box<Lent>,
        changes: bool,
        work: impl FnOnce(&Transaction<'_>) -> sql::Result<T>,
    ) -> sql::Result<T> {
        let Some(session) = lent.session() else { return Err(Error::NoRow) };
        let fence = Fence {
            table: format!("{}.generations", self.database.schema()),
            id: self.name.generation as i64,
            epoch: self.epoch,
            stop: &self.stop,
        };
        let (outcome, is_fit) = transact(session, changes.then_some(&fence), work);
        if !is_fit {
            lent.discard();
        }
        outcome
    }
}
