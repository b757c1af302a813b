//! The memory that all bodies have together which are on their way into the store, and are no part of it yet.

use bytes::Bytes;
use prometheus_client::metrics::gauge::Gauge;

/// Room for bodies on their way. A clone is the same room.
#[derive(Clone)]
pub(crate) struct Room {
    /// Bytes that are taken.
    taken: Gauge,
    bytes_max: i64,
}

/// What has come of a body. The room for it is given back with it.
pub(crate) struct Held {
    pieces: Vec<Bytes>,
    bytes: usize,
    room: Room,
}

/// There is none for what has come.
#[derive(Debug)]
pub(crate) struct Full;

impl Room {
    /// So many bytes, counted here.
    pub(crate) fn new(bytes_max: u64, taken: Gauge) -> Self {
        Self { taken, bytes_max: i64::try_from(bytes_max).unwrap_or(i64::MAX) }
    }

    /// For a body of which nothing has come yet. What a service announces takes no room before it is there.
    pub(crate) fn begin(&self) -> Held {
        Held { pieces: Vec::new(), bytes: 0, room: self.clone() }
    }

    fn take(&self, bytes: usize) -> Result<(), Full> {
        let bytes = i64::try_from(bytes).map_err(|_| Full)?;
        // Of several who take the last at the same time, some may be refused what only one of them could have had.
        if self.taken.inc_by(bytes).saturating_add(bytes) <= self.bytes_max {
            return Ok(());
        }
        self.taken.dec_by(bytes);
        Err(Full)
    }
}

impl Held {
    /// Adds what has come.
    ///
    /// # Errors
    /// [`Full`]: it is not waited for room, since those who have some wait for their clients.
    pub(crate) fn add(&mut self, piece: Bytes) -> Result<(), Full> {
        self.room.take(piece.len())?;
        self.bytes += piece.len();
        self.pieces.push(piece);
        Ok(())
    }

    /// How many bytes there are.
    pub(crate) fn len(&self) -> usize {
        self.bytes
    }

    /// All of it, in memory of its own, of just this size: a piece may be a part of a much larger buffer.
    pub(crate) fn whole(&self) -> Bytes {
        let mut body = Vec::with_capacity(self.bytes);
        self.pieces.iter().for_each(|piece| body.extend_from_slice(piece));
        body.into()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // What has been added fits.
        self.room.taken.dec_by(i64::try_from(self.bytes).unwrap_or_default());
    }
}
