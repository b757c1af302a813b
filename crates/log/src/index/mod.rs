//! Finding records: by position, by stream and tag, by id. The newest segment's index lives in memory; a sealed
//! segment's lies beside it in a file, which is derived and may be lost.

pub(crate) mod bloom;
pub(crate) mod cache;
pub(crate) mod file;
pub(crate) mod live;
pub(crate) mod postings;
pub(crate) mod table;

/// Of every so many records the offset is kept: to find a position means to walk at most this many records.
pub(crate) const MARK_EVERY: u32 = 64;

/// There is no such segment: a key's first appearance has none before it.
pub(crate) const NO_SEGMENT: u32 = u32::MAX;

/// What a segment's index knows of a key.
#[derive(Debug, Clone)]
pub(crate) struct KeyEntry {
    /// How many records had this key before the segment.
    pub(crate) base: u64,
    /// The nearest segment before it that has the key.
    pub(crate) previous: u32,
    /// Where in the segment the records with this key begin, ascending.
    pub(crate) offsets: std::sync::Arc<[u32]>,
}
