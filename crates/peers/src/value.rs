//! An event as one value, for engines that keep keys and values.

use tradewind_bench::measure::Fresh;

/// The bytes before the texts: id, time, revision, and the lengths of stream and type.
const HEADER_BYTES: usize = 34;

/// An event that waits for its transaction.
pub(crate) struct KeyValueJob {
    pub(crate) stream: Box<str>,
    pub(crate) last: Option<u64>,
    pub(crate) value: Vec<u8>,
}

impl KeyValueJob {
    pub(crate) fn of(event: &Fresh<'_>) -> Self {
        let mut value = Vec::with_capacity(HEADER_BYTES + event.stream.len() + event.kind.len() + event.data.len());
        value.extend_from_slice(&event.id.to_le_bytes());
        value.extend_from_slice(&event.time.to_le_bytes());
        value.extend_from_slice(&event.last.map_or(0, |last| last + 1).to_le_bytes());
        value.push(event.stream.len() as u8);
        value.push(event.kind.len() as u8);
        value.extend_from_slice(event.stream.as_bytes());
        value.extend_from_slice(event.kind.as_bytes());
        value.extend_from_slice(event.data);
        Self { stream: event.stream.into(), last: event.last, value }
    }

    pub(crate) fn revision(&self) -> u64 {
        self.last.map_or(0, |last| last + 1)
    }
}

/// The data in a value.
pub(crate) fn data(value: &[u8]) -> &[u8] {
    &value[HEADER_BYTES + usize::from(value[32]) + usize::from(value[33])..]
}

/// The key under which a stream's revision is found: names have no zeros, so that no stream is within another.
pub(crate) fn stream_key(stream: &str, revision: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(stream.len() + 9);
    key.extend_from_slice(stream.as_bytes());
    key.push(0);
    key.extend_from_slice(&revision.to_be_bytes());
    key
}

/// The revision in such a key.
pub(crate) fn revision_of(key: &[u8]) -> u64 {
    let mut eight = [0; 8];
    let start = key.len().saturating_sub(8);
    eight.copy_from_slice(&key[start..start + 8]);
    u64::from_be_bytes(eight)
}
