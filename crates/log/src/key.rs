//! Names as fixed-size keys: a seeded 128-bit hash. The seed is the store's own and random, so that nobody can
//! choose names that collide; what is found by a key is compared by its name before it is used.

use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::{xxh3_64_with_seed, xxh3_128_with_seed};

/// What a name is the name of. The same word as a stream and as a tag has different keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Domain {
    Stream = 1,
    Category = 2,
    Type = 3,
    Tag = 4,
}

/// A name's hash, and a second look at it which survives when tests shorten the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) hash: u128,
    pub(crate) check: u32,
}

/// Makes keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    seed: u64,
    mask: u128,
}

impl Keys {
    pub(crate) fn new(seed: u64, bits: u32) -> Self {
        Self { seed, mask: if bits >= 128 { u128::MAX } else { (1 << bits) - 1 } }
    }

    pub(crate) fn key(&self, domain: Domain, name: &[u8]) -> Key {
        let full = xxh3_128_with_seed(name, self.seed ^ ((domain as u64) << 56));
        // Streams count their revisions under their key, so no tag may ever share one: the lowest bit parts them.
        let hash = (full & self.mask) << 1 | u128::from(domain == Domain::Stream);
        Key { hash, check: (full >> 96) as u32 }
    }

    /// The hash of a record's id, for filters and sorted tables. Ids are compared in full before they count.
    pub(crate) fn id(&self, id: u128) -> u64 {
        xxh3_64_with_seed(&id.to_le_bytes(), self.seed) & (self.mask as u64)
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    /// An empty map by ids.
    pub(crate) fn id_map<V>(&self) -> IdMap<V> {
        IdMap::with_hasher(SeededIds { seed: self.seed })
    }
}

/// A map by ids, which come from outside: hashed with the store's seed, so that nobody can choose ids that all fall
/// into one place.
pub(crate) type IdMap<V> = HashMap<u128, V, SeededIds>;

/// Makes the hashers of an [`IdMap`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct SeededIds {
    seed: u64,
}

impl BuildHasher for SeededIds {
    type Hasher = Seeded;

    fn build_hasher(&self) -> Seeded {
        Seeded(self.seed)
    }
}

/// Hashes with a seed.
#[derive(Debug)]
pub(crate) struct Seeded(u64);

impl Hasher for Seeded {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }
    fn write_u128(&mut self, id: u128) {
        self.write(&id.to_le_bytes());
    }
}

/// A map whose keys are hashes already.
pub(crate) type KeyMap<V> = HashMap<u128, V, BuildHasherDefault<Identity>>;

/// Spreads what is a hash already.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, bytes: &[u8]) {
        // Only integers are hashed; this keeps any other use correct, if slow.
        self.0 = xxh3_64_with_seed(bytes, self.0);
    }
    fn write_u128(&mut self, hash: u128) {
        // Tests shorten hashes: spread what is left.
        self.0 = (hash as u64 ^ (hash >> 64) as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(32);
    }
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
