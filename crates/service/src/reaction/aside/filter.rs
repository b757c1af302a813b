//! Which keys are surely not set aside: once a single one is, each event is asked for its key, and nearly all of them are
//! others. So a few bits tell that without a lock, and from a few bytes of the key.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// How many places there are.
const PLACES: usize = 1 << 13;

/// For each place, how many keys are at it. It is written to by one at a time, and read by all.
pub(super) struct Filter {
    bits: [AtomicU64; PLACES / 64],
    counts: Box<[AtomicU32]>,
    keys: AtomicU64,
}

impl Default for Filter {
    fn default() -> Self {
        let counts = (0..PLACES).map(|_| AtomicU32::new(0)).collect();
        Self { bits: [const { AtomicU64::new(0) }; PLACES / 64], counts, keys: AtomicU64::new(0) }
    }
}

impl Filter {
    pub(super) fn is_empty(&self) -> bool {
        self.keys.load(Ordering::Acquire) == 0
    }

    /// Whether a key may be there; if not, it is not.
    pub(super) fn may_have(&self, key: &str) -> bool {
        if self.is_empty() {
            return false;
        }
        let place = place(key);
        self.bits[place / 64].load(Ordering::Acquire) & (1 << (place % 64)) != 0
    }

    pub(super) fn add(&self, key: &str) {
        let place = place(key);
        self.counts[place].fetch_add(1, Ordering::Relaxed);
        self.bits[place / 64].fetch_or(1 << (place % 64), Ordering::AcqRel);
        self.keys.fetch_add(1, Ordering::AcqRel);
    }

    /// A key that is there is not any more.
    pub(super) fn take_out(&self, key: &str) {
        let place = place(key);
        if self.counts[place].fetch_sub(1, Ordering::Relaxed) == 1 {
            self.bits[place / 64].fetch_and(!(1 << (place % 64)), Ordering::AcqRel);
        }
        self.keys.fetch_sub(1, Ordering::AcqRel);
    }

    pub(super) fn clear(&self) {
        self.bits.iter().for_each(|bits| bits.store(0, Ordering::Release));
        self.counts.iter().for_each(|count| count.store(0, Ordering::Relaxed));
        self.keys.store(0, Ordering::Release);
    }
}

/// By its length and its last sixteen bytes: keys are mostly told apart by their ends, where numbers count up.
fn place(key: &str) -> usize {
    let bytes = key.as_bytes();
    let (rest, last) = bytes.split_at(bytes.len().saturating_sub(8));
    let before = &rest[rest.len().saturating_sub(8)..];
    let mixed = word(last) ^ word(before).rotate_left(29) ^ (bytes.len() as u64);
    // The upper bits of the product depend on all bits of what is multiplied.
    (mixed.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - PLACES.trailing_zeros())) as usize
}

/// At most eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    word[..bytes.len()].copy_from_slice(bytes);
    u64::from_le_bytes(word)
}

#[cfg(test)]
mod tests {
    use super::Filter;

    #[test]
    fn a_key_that_is_there_is_never_denied_and_nearly_all_others_are() {
        let filter = Filter::default();
        let keys: Vec<String> = (0..10_000).map(|n| format!("parcel-{n}")).collect();
        filter.add(&keys[4_711]);
        let others = keys.iter().filter(|key| filter.may_have(key)).count() - 1;
        assert!(filter.may_have(&keys[4_711]) && others < 10, "{others}");
        for key in &keys {
            filter.add(key);
        }
        assert!(keys.iter().all(|key| filter.may_have(key)));
        for key in &keys {
            filter.take_out(key);
        }
        assert!(filter.may_have(&keys[4_711]), "it was added twice");
        filter.take_out(&keys[4_711]);
        assert!(filter.is_empty() && !keys.iter().any(|key| filter.may_have(key)));
        for short in ["", "a", "ab", "é"] {
            filter.add(short);
            assert!(filter.may_have(short));
        }
        filter.clear();
        assert!(!filter.may_have("a"));
    }

    #[test]
    fn the_places_are_filled_evenly() {
        let filter = Filter::default();
        for n in 0..1_000 {
            filter.add(&format!("account-{n:032x}"));
        }
        let taken: u32 =
            filter.bits.iter().map(|bits| bits.load(std::sync::atomic::Ordering::Relaxed).count_ones()).sum();
        // By chance alone 942 of 8,192 places would be taken.
        assert!(taken > 850, "{taken}");
    }
}
