//! The newest commits as they were written, kept in memory: whoever follows the log reads them here and asks
//! neither the disk nor a checksum.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;

use crate::format::record::Record;

/// How many writes a reader takes at a time.
const WRITES_AT_ONCE: usize = 64;

/// What one write put into a segment.
#[derive(Debug)]
pub(crate) struct TailWrite {
    pub(crate) segment: u32,
    /// The position of the segment's first record.
    pub(crate) segment_first: u64,
    /// Where in the segment the bytes begin.
    pub(crate) start: u32,
    pub(crate) bytes: Bytes,
    /// The position of the first of its records.
    pub(crate) first: u64,
    /// Where in the bytes each record lies.
    pub(crate) records: Vec<(u32, u32)>,
}

impl TailWrite {
    fn record(&self, index: usize) -> Record {
        let (start, len) = self.records[index];
        Record::new(self.bytes.slice(start as usize..(start + len) as usize), self.segment_first)
    }

    /// Its records from a position on.
    pub(crate) fn records_from(&self, position: u64) -> impl Iterator<Item = Record> {
        let skip = position.saturating_sub(self.first) as usize;
        (skip..self.records.len()).map(|index| self.record(index))
    }
}

/// The newest writes, up to a number of bytes. They lie one behind the other without a gap.
#[derive(Debug)]
pub(crate) struct Tail {
    writes: VecDeque<Arc<TailWrite>>,
    bytes: usize,
    bytes_max: usize,
}

impl Tail {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { writes: VecDeque::new(), bytes: 0, bytes_max }
    }

    /// Adds the newest write. Answers the bytes of one that had to go for it, if nobody holds that one any more.
    pub(crate) fn push(&mut self, write: TailWrite) -> Option<Bytes> {
        if write.records.is_empty() {
            return None;
        }
        self.bytes += write.bytes.len();
        self.writes.push_back(Arc::new(write));
        let mut gone = None;
        while self.bytes > self.bytes_max
            && let Some(oldest) = self.writes.pop_front()
        {
            self.bytes -= oldest.bytes.len();
            gone = Arc::into_inner(oldest).map(|oldest| oldest.bytes);
        }
        gone
    }

    /// Drops what was written to a segment, and, since no gap may be left, before it.
    pub(crate) fn forget(&mut self, segment: u32) {
        while let Some(oldest) = self.writes.pop_front_if(|write| write.segment <= segment) {
            self.bytes -= oldest.bytes.len();
        }
    }

    /// The writes from a position on, at most some; none if the position is not here.
    pub(crate) fn from(&self, position: u64) -> Vec<Arc<TailWrite>> {
        if self.writes.front().is_none_or(|write| position < write.first) {
            return Vec::new();
        }
        let start = self.writes.partition_point(|write| write.first <= position) - 1;
        self.writes.iter().skip(start).take(WRITES_AT_ONCE).cloned().collect()
    }

    /// Whether a place lies before all that is here.
    pub(crate) fn is_behind(&self, segment: u32, offset: u32) -> bool {
        self.writes.front().is_none_or(|oldest| (segment, offset) < (oldest.segment, oldest.start))
    }

    /// The record at a place, if it is here.
    pub(crate) fn record(&self, segment: u32, offset: u32) -> Option<Record> {
        let after = self.writes.partition_point(|write| (write.segment, write.start) <= (segment, offset));
        let write = self.writes.get(after.checked_sub(1)?)?;
        if write.segment != segment {
            return None;
        }
        let index = write.records.binary_search_by_key(&(offset - write.start), |(start, _)| *start).ok()?;
        Some(write.record(index))
    }
}
