//! The index of a segment whose own file of it is not written yet: in memory, built as records are appended, or by
//! walking the segment.

use std::collections::hash_map::Entry;
use std::sync::Arc;

use crate::format::record::RecordRef;
use crate::index::table::KeyTable;
use crate::index::{KeyEntry, MARK_EVERY};
use crate::key::{Domain, IdMap, Key, KeyMap, Keys};

/// A key's records in one segment.
#[derive(Debug)]
pub(crate) struct LiveKey {
    pub(crate) check: u32,
    pub(crate) previous: u32,
    pub(crate) base: u64,
    pub(crate) last_ordinal: u32,
    pub(crate) offsets: Vec<u32>,
}

/// The index of one segment in memory.
#[derive(Debug)]
pub(crate) struct LiveIndex {
    pub(crate) segment: u32,
    /// The position of the segment's first record.
    pub(crate) first: u64,
    pub(crate) count: u32,
    /// Offset and time of recording of every [`MARK_EVERY`]-th record.
    pub(crate) marks: Vec<(u32, i64)>,
    pub(crate) last_at: i64,
    pub(crate) keys: KeyMap<LiveKey>,
    pub(crate) ids: IdMap<u32>,
    /// Streams that were truncated by a commit of this segment, with the first revision that is left.
    pub(crate) truncations: Vec<(Box<[u8]>, u64)>,
}

impl LiveIndex {
    pub(crate) fn new(segment: u32, first: u64, keys: &Keys) -> Self {
        Self {
            segment,
            first,
            count: 0,
            marks: Vec::new(),
            last_at: i64::MIN,
            keys: KeyMap::default(),
            ids: keys.id_map(),
            truncations: Vec::new(),
        }
    }

    /// Admits the segment's next record, and counts it in the table of all keys.
    pub(crate) fn admit(&mut self, record: RecordRef<'_>, offset: u32, keys: &Keys, table: &mut KeyTable) {
        let ordinal = self.count;
        if ordinal.is_multiple_of(MARK_EVERY) {
            self.marks.push((offset, record.recorded_at()));
        }
        self.count += 1;
        self.last_at = record.recorded_at();
        self.ids.insert(record.id(), offset);
        self.note(keys.key(Domain::Stream, record.stream()), ordinal, offset, table);
        if record.is_given_up() {
            return;
        }
        self.note(keys.key(Domain::Category, record.category()), ordinal, offset, table);
        self.note(keys.key(Domain::Type, record.kind()), ordinal, offset, table);
        for tag in record.each_tag() {
            self.note(keys.key(Domain::Tag, tag), ordinal, offset, table);
        }
    }

    fn note(&mut self, key: Key, ordinal: u32, offset: u32, table: &mut KeyTable) {
        match self.keys.entry(key.hash) {
            Entry::Occupied(entry) => {
                let known = entry.into_mut();
                // A tag given twice, or two names with one hash, is still one record.
                if known.offsets.last() == Some(&offset) {
                    return;
                }
                known.offsets.push(offset);
                known.last_ordinal = ordinal;
                table.count(key, self.segment, self.first + u64::from(ordinal));
            }
            Entry::Vacant(entry) => {
                let before = table.count(key, self.segment, self.first + u64::from(ordinal));
                entry.insert(LiveKey {
                    check: before.check,
                    previous: before.segment,
                    base: before.count,
                    last_ordinal: ordinal,
                    offsets: vec![offset],
                });
            }
        }
    }

    pub(crate) fn find(&self, hash: u128) -> Option<KeyEntry> {
        self.keys.get(&hash).map(|key| KeyEntry {
            base: key.base,
            previous: key.previous,
            offsets: Arc::from(key.offsets.as_slice()),
        })
    }

    /// The marked record at or before an ordinal: its ordinal and offset.
    pub(crate) fn mark_before(&self, ordinal: u32) -> Option<(u32, u32)> {
        let index = ((ordinal / MARK_EVERY) as usize).min(self.marks.len().checked_sub(1)?);
        Some((index as u32 * MARK_EVERY, self.marks[index].0))
    }
}
