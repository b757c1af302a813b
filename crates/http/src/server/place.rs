//! Places for connections, of which there is a limited number.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

/// A place among a server's connections. It is given back when the last clone of it is dropped.
#[derive(Debug, Clone)]
pub struct Place {
    _taken: Arc<(OwnedSemaphorePermit, TaskTrackerToken)>,
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
    pub(super) async fn take(&self) -> Option<Place> {
        let permit = Arc::clone(&self.free).acquire_owned().await.ok()?;
        Some(Place { _taken: Arc::new((permit, self.taken.token())) })
    }

    pub(super) fn taken(&self) -> usize {
        self.taken.len()
    }

    pub(super) async fn all_left(&self) {
        self.taken.wait().await;
    }
}
