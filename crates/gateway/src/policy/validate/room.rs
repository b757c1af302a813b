//! The memory that all bodies which are looked at have together.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all of them: while they come, and until the service has been sent them and has answered.
const BYTES_MAX: usize = 64 << 20;

/// Room for bodies that are looked at. A clone is the same room.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Semaphore>);

/// There is none for what has come.
#[derive(Debug, thiserror::Error)]
#[error("as many bytes of bodies are held as may be")]
pub(super) struct Full;

/// What has come of a body. The room for it is given back when nobody has the bytes any more.
pub(super) struct Held {
    bytes: Vec<u8>,
    room: Room,
    taken: Option<OwnedSemaphorePermit>,
}

impl Default for Room {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(BYTES_MAX)))
    }
}

impl Room {
    /// For a body of which nothing has come yet. What a client announces takes no room before it is there.
    pub(super) fn begin(&self) -> Held {
        Held { bytes: Vec::new(), room: self.clone(), taken: None }
    }

    fn take(&self, bytes: usize) -> Result<OwnedSemaphorePermit, Full> {
        let bytes = u32::try_from(bytes).map_err(|_| Full)?;
        Arc::clone(&self.0).try_acquire_many_owned(bytes).map_err(|_| Full)
    }
}

impl Held {
    /// Adds what has come.
    ///
    /// # Errors
    /// [`Full`]: it is not waited for room, since those who have some wait for their clients.
    pub(super) fn add(&mut self, piece: &[u8]) -> Result<(), Full> {
        let more = self.room.take(piece.len())?;
        match &mut self.taken {
            Some(taken) => taken.merge(more),
            None => self.taken = Some(more),
        }
        self.bytes.extend_from_slice(piece);
        Ok(())
    }

    /// How many bytes there are.
    pub(super) fn len(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// All that has come, in the room that it has.
    pub(super) fn into_bytes(self) -> Bytes {
        Bytes::from_owner(self)
    }
}

impl AsRef<[u8]> for Held {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}
