//! How a log is opened.

use std::fmt;
use std::sync::Arc;

use crate::OpenError;
use crate::format::{HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN};

/// A clock: microseconds since the epoch.
pub type MicrosClock = Arc<dyn Fn() -> i64 + Send + Sync>;

/// How a log is opened. Whatever is not said has a default.
#[derive(Clone)]
pub struct Options {
    /// How long a new segment is, in bytes. Existing segments keep theirs.
    pub segment_bytes: u32,
    /// The most requests that may wait for the writer; one more is refused as busy.
    pub queue_requests_max: usize,
    /// The most bytes that the writer gathers into one write.
    pub batch_bytes_max: usize,
    /// The most requests that the writer gathers into one write.
    pub batch_requests_max: usize,
    /// From how many requests on a write is left to the other thread, so that the next one can be prepared meanwhile;
    /// a smaller one is done sooner without.
    pub overlap_requests_min: usize,
    /// How many bytes of the newest records are kept in memory for their readers.
    pub tail_bytes_max: usize,
    /// How many bytes of index pages are kept in memory.
    pub index_cache_bytes_max: usize,
    /// Read sealed segments through memory maps: faster, but an I/O error of the disk ends the process.
    pub map_sealed: bool,
    /// Tells when a commit is recorded.
    pub clock: MicrosClock,
    /// How many bits of a name's hash are used to find it; fewer than 128 only in tests that want collisions.
    pub hash_bits: u32,
    /// The seed of the hashes of a new log, where a test must repeat itself; none: random.
    pub hash_seed: Option<u64>,
}

impl Options {
    /// The defaults, with the clock that tells the time of recording.
    #[must_use]
    pub fn new(clock: MicrosClock) -> Self {
        Self {
            segment_bytes: 64 << 20,
            queue_requests_max: 16_384,
            batch_bytes_max: 1 << 20,
            batch_requests_max: 4_096,
            overlap_requests_min: 20,
            tail_bytes_max: 32 << 20,
            index_cache_bytes_max: 64 << 20,
            map_sealed: false,
            clock,
            hash_bits: 128,
            hash_seed: None,
        }
    }

    /// The longest body of one append, in bytes, that fits into a segment of these options.
    #[must_use]
    pub fn append_bytes_max(&self) -> usize {
        (self.segment_bytes as usize - HEADER_BYTES) / 2
    }

    pub(crate) fn check(&self) -> Result<(), OpenError> {
        if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&self.segment_bytes)
            || !self.segment_bytes.is_multiple_of(4_096)
        {
            return Err(OpenError::Options(format!(
                "segment_bytes is {}, but must be a multiple of 4096 from {SEGMENT_BYTES_MIN} to {SEGMENT_BYTES_MAX}",
                self.segment_bytes
            )));
        }
        if self.queue_requests_max == 0 || self.batch_requests_max == 0 || self.batch_bytes_max == 0 {
            return Err(OpenError::Options("a queue or batch limit is 0".to_owned()));
        }
        if !(1..=128).contains(&self.hash_bits) {
            return Err(OpenError::Options("hash_bits must be from 1 to 128".to_owned()));
        }
        Ok(())
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options").field("segment_bytes", &self.segment_bytes).finish_non_exhaustive()
    }
}
