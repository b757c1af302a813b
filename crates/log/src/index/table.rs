//! What is known of every key over the whole log: enough to check an append without a look at the disk.

use crate::index::NO_SEGMENT;
use crate::key::{Key, KeyMap};

/// A key's state after the newest record that has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct KeyState {
    pub(crate) check: u32,
    /// The newest segment that has it.
    pub(crate) segment: u32,
    /// How many records have it: for a stream, the next revision.
    pub(crate) count: u64,
    /// The newest record's position.
    pub(crate) last: u64,
}

impl KeyState {
    pub(crate) fn unseen(key: Key) -> Self {
        Self { check: key.check, segment: NO_SEGMENT, count: 0, last: 0 }
    }
}

/// Every key's state.
#[derive(Debug, Default)]
pub(crate) struct KeyTable {
    states: KeyMap<KeyState>,
}

impl KeyTable {
    pub(crate) fn get(&self, key: Key) -> Option<KeyState> {
        self.by_hash(key.hash)
    }

    pub(crate) fn by_hash(&self, hash: u128) -> Option<KeyState> {
        self.states.get(&hash).copied()
    }

    /// Counts one more record with this key, and answers the state before it.
    pub(crate) fn count(&mut self, key: Key, segment: u32, position: u64) -> KeyState {
        let state = self.states.entry(key.hash).or_insert_with(|| KeyState::unseen(key));
        let before = *state;
        *state = KeyState { segment, count: before.count + 1, last: position, ..before };
        before
    }

    /// Takes over what a sealed segment's index says.
    pub(crate) fn put(&mut self, hash: u128, state: KeyState) {
        self.states.insert(hash, state);
    }

    pub(crate) fn reserve(&mut self, more: usize) {
        self.states.reserve(more);
    }

    pub(crate) fn len(&self) -> usize {
        self.states.len()
    }
}
