//! What a round changes, for those who are checked before its records are shown.

use crate::format::record::RecordRef;
use crate::key::{Domain, IdMap, Key, KeyMap, Keys};
use crate::round::Round;

/// A record that is about to be durable.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PendingRecord {
    pub(crate) position: u64,
    pub(crate) revision: u64,
    pub(crate) stream: u128,
    pub(crate) first: bool,
    pub(crate) last: bool,
}

/// What one round changes.
pub(crate) struct Pending {
    /// How many records each of its streams will have, and the second look at the stream's name.
    streams: KeyMap<(u64, u32)>,
    ids: IdMap<PendingRecord>,
    /// The newest position of each category, type and tag among its first records, as many as are noted.
    names: KeyMap<u64>,
    noted: usize,
}

impl Pending {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self { streams: KeyMap::default(), ids: keys.id_map(), names: KeyMap::default(), noted: 0 }
    }

    /// Empties it for another round: its maps have the right size by then.
    pub(crate) fn clear(&mut self) {
        self.streams.clear();
        self.ids.clear();
        self.names.clear();
        self.noted = 0;
    }

    /// Notes a record that the round writes.
    pub(crate) fn admit(&mut self, id: u128, record: RecordRef<'_>, stream: Key) {
        let pending = PendingRecord {
            position: record.position(),
            revision: record.revision(),
            stream: stream.hash,
            first: record.is_first(),
            last: record.is_last(),
        };
        self.ids.insert(id, pending);
        self.streams.insert(stream.hash, (record.revision() + 1, stream.check));
    }

    /// How many records a stream will have, if the round writes to it, and the second look at its name.
    pub(crate) fn stream(&self, hash: u128) -> Option<(u64, u32)> {
        self.streams.get(&hash).copied()
    }

    pub(crate) fn id(&self, id: u128) -> Option<PendingRecord> {
        self.ids.get(&id).copied()
    }

    /// The newest position of a category, type or tag, as of the last [`Round::note_names`].
    pub(crate) fn newest(&self, hash: u128) -> Option<u64> {
        self.names.get(&hash).copied()
    }
}

impl<B: AsRef<[u8]>> Round<B> {
    /// Brings [`Pending::newest`] up to date. Only those who have a condition pay for it.
    pub(crate) fn note_names(&mut self, keys: &Keys) {
        let mut names = std::mem::take(&mut self.pending.names);
        for record in self.records_from(self.pending.noted) {
            let mut note = |domain, name| names.insert(keys.key(domain, name).hash, record.position());
            note(Domain::Category, record.category());
            note(Domain::Type, record.kind());
            for tag in record.each_tag() {
                note(Domain::Tag, tag);
            }
        }
        self.pending.names = names;
        self.pending.noted = self.records.len();
    }
}
