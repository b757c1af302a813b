//! Places for connections, of which there is a limited number.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::addresses::OfAddress;

/// A place among a server's connections. It is given back when the last clone of it is dropped.
#[derive(Debug, Clone)]
pub struct Place {
    _taken: Arc<(Vacancy, Option<OfAddress>)>,
}

/// A place that is not anybody's yet.
#[derive(Debug)]
pub(super) struct Vacancy {
    _permit: OwnedSemaphorePermit,
    _token: TaskTrackerToken,
}

impl Vacancy {
    /// Gives it to a connection that is counted with the others of its address.
    pub(super) fn fill(self, of_address: Option<OfAddress>) -> Place {
        Place { _taken: Arc::new((self, of_address)) }
    }
}

/// All places of a server.
pub(super) struct Places {
    free: Arc<Semaphore>,
    taken: TaskTracker,
}

impl Places {
    pub(super) fn new(count: usize) -> Self {
        let taken = TaskTracker::new();
        // Closed from the beginning: waiting for all to leave ends as soon as nobody is there.
        taken.close();
        Self { free: Arc::new(Semaphore::new(count)), taken }
    }

    /// Waits for a free place. There is always one in the end, since the semaphore is never closed.
    pub(super) async fn take(&self) -> Option<Vacancy> {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(Vacancy { _permit: permit, _token: self.taken.token() })
    }

    /// Takes a place if there is a free one.
    pub(super) fn take_free(&self) -> Option<Vacancy> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        Some(Vacancy { _permit: permit, _token: self.taken.token() })
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }

    pub(super) async fn all_left(&self) {
        self.taken.wait().await;
    }
}
