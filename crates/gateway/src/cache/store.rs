//! Where answers are kept: bounded by bytes, and found again by their tags.
//!
//! Reading takes one shard's lock for a moment. Whoever changes something holds the index for as long, so that entries,
//! tags and purges are always of one mind.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, Weighter};
use tradewind_events::Timestamp;

use super::coding::Packed;
use super::entry::{Condition, Stored, Variants};
use super::key::{Key, KeyRef};
use super::options::CacheOptions;
use super::purge::{Floors, Purge, PurgeEffect, PurgeNumber};
use super::tags::Tag;

/// The size that answers are taken to have, to make room for their slots.
const USUAL_BYTES: u64 = 4 << 10;

/// A shard holds at least this many of the largest answers, and so nothing is refused for its size alone.
const LARGEST_PER_SHARD: u64 = 8;

/// The answers to one target take at most this part of a shard. What takes more than a shard has would not be stored at
/// all, and those that are there would go with it.
const TARGET_DIVISOR: u64 = 2;

const SHARDS_MAX: u64 = 16;

#[derive(Clone)]
struct Bytes;

impl Weighter<Key, Arc<Variants>> for Bytes {
    fn weight(&self, key: &Key, variants: &Arc<Variants>) -> u64 {
        // The key is in the index of tags, too, as a pointer.
        (variants.bytes() + key.text().len()).max(1) as u64
    }
}

/// Tells what had to go, so that the index forgets it as well.
#[derive(Clone)]
struct TellEvicted;

impl Lifecycle<Key, Arc<Variants>> for TellEvicted {
    type RequestState = Vec<(Key, Arc<Variants>)>;

    fn on_evict(&self, evicted: &mut Self::RequestState, key: Key, variants: Arc<Variants>) {
        evicted.push((key, variants));
    }
}

pub(crate) struct Store {
    entries: Cache<Key, Arc<Variants>, Bytes, DefaultHashBuilder, TellEvicted>,
    index: Mutex<Index>,
    variants_max: usize,
    /// What the answers to one target may take.
    target_bytes_max: usize,
}

struct Index {
    by_tag: HashMap<Tag, HashSet<Key>>,
    floors: Floors,
}

/// What came of wanting to store something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    /// It is stored, and so many others had to go.
    Stored { evicted: usize },
    /// It is older than a purge of what it shows.
    Purged,
    /// What is stored shows more.
    Older,
}

impl Store {
    pub(crate) fn new(options: &CacheOptions) -> Self {
        let largest = options.body_bytes_max as u64 + USUAL_BYTES;
        let shards = (options.bytes_max / (largest * LARGEST_PER_SHARD)).clamp(1, SHARDS_MAX);
        let shards = if shards.is_power_of_two() { shards } else { shards.next_power_of_two() / 2 };
        let mut sized = OptionsBuilder::new();
        sized.shards(shards as usize).weight_capacity(options.bytes_max);
        sized.estimated_items_capacity((options.bytes_max / USUAL_BYTES).max(1) as usize);
        // All that can fail is leaving out one of them.
        #[expect(clippy::expect_used, reason = "both capacities are set above")]
        let sized = sized.build().expect("the capacities are set");
        Self {
            entries: Cache::with_options(sized, Bytes, DefaultHashBuilder::default(), TellEvicted),
            index: Mutex::new(Index { by_tag: HashMap::new(), floors: Floors::new(options.purges_max) }),
            variants_max: options.variants_max,
            target_bytes_max: usize::try_from(options.bytes_max / shards / TARGET_DIVISOR).unwrap_or(usize::MAX),
        }
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self, key: KeyRef<'_>) -> Option<Arc<Variants>> {
        self.entries.get(&key)
    }

    /// Entries, and the bytes that they take.
    pub(crate) fn size(&self) -> (usize, u64) {
        (self.entries.len(), self.entries.weight())
    }

    /// How far purges have come: what a fetch takes along when it begins.
    pub(crate) fn purge_number(&self) -> PurgeNumber {
        self.index().floors.now()
    }

    /// Stores an answer beside those that were chosen by other headers, or under another rule, and in place of the one that
    /// was chosen by the same.
    pub(crate) fn put(&self, key: &Key, stored: &Arc<Stored>, begun: PurgeNumber, now: Timestamp) -> Put {
        let mut index = self.index();
        let head = &stored.head;
        let own = head.tags.iter().chain([key.text()]);
        if !index.floors.admit(own, &head.source, head.position, begun) {
            return Put::Purged;
        }
        let before = self.entries.peek(key).unwrap_or_default();
        // Those of another rule stay as long as they are fresh: it may be in force, too, for others who ask for the same.
        let is_replaced = |other: &&Arc<Stored>| {
            other.head.selecting == head.selecting
                && (other.head.is_under(head.rule) || other.condition(now) != Condition::Fresh)
        };
        let (same, others): (Vec<_>, Vec<_>) = before.0.iter().partition(is_replaced);
        let shows_more = |other: &&Arc<Stored>| {
            other.head.position.zip(head.position).is_some_and(|(known, new)| new < known)
                && other.condition(now) == Condition::Fresh
        };
        if same.iter().any(shows_more) {
            return Put::Older;
        }
        let all = [stored].into_iter().chain(others).map(Arc::clone).collect();
        let after = Variants(all).within(self.variants_max.max(1), self.target_bytes_max);
        let evicted = self.replace(&mut index, key, &before, after);
        Put::Stored { evicted }
    }

    /// Whether there is room for another form of an answer, beside all that its target has.
    pub(crate) fn has_room_beside(&self, key: &Key, bytes: usize) -> bool {
        let taken = self.entries.peek(key).map_or(0, |variants| variants.bytes());
        taken.saturating_add(bytes) <= self.target_bytes_max
    }

    /// Stores another form beside an answer, if that is still there. The answer with it, and how many others had to go.
    pub(crate) fn add_packed(&self, key: &Key, stored: &Arc<Stored>, packed: Packed) -> (Arc<Stored>, usize) {
        let mut index = self.index();
        let before = self.entries.peek(key).unwrap_or_default();
        let Some(place) = before.0.iter().position(|known| known.is_same_as(stored)) else {
            return (Arc::new(stored.with_packed(packed)), 0);
        };
        let with = Arc::new(before.0[place].with_packed(packed));
        let mut after = before.0.clone();
        after[place] = Arc::clone(&with);
        let evicted = self.replace(&mut index, key, &before, Variants(after));
        (with, evicted)
    }

    /// Removes all answers to a target, also those that are somebody's own, and those that are on their way.
    pub(crate) fn invalidate(&self, key: &Key, source: &Arc<str>, position: Option<tradewind_events::Position>) {
        let mut index = self.index();
        index.floors.note(key.text(), source, position);
        let own: Vec<Key> = index.by_tag.get(key.text()).into_iter().flatten().cloned().collect();
        own.iter().chain([key]).for_each(|key| self.remove(&mut index, key));
    }

    /// Removes one answer to a target, in all its forms.
    pub(crate) fn forget(&self, key: &Key, stored: &Stored) {
        let mut index = self.index();
        let before = self.entries.peek(key).unwrap_or_default();
        let rest: Vec<_> = before.0.iter().filter(|known| !known.is_same_as(stored)).map(Arc::clone).collect();
        if rest.is_empty() {
            self.remove(&mut index, key);
        } else if rest.len() < before.0.len() {
            self.replace(&mut index, key, &before, Variants(rest));
        }
    }

    /// Makes the answers to a target stale.
    pub(crate) fn outdate(&self, key: &Key, now: Timestamp) {
        // Nobody makes another one of them meanwhile.
        let _index = self.index();
        if let Some(variants) = self.entries.peek(key) {
            variants.0.iter().for_each(|stored| stored.outdate(now));
        }
    }

    /// Purges by tag. The number of answers that it concerned.
    pub(crate) fn purge(&self, purge: &Purge, now: Timestamp) -> usize {
        let mut index = self.index();
        let tags: Vec<Tag> = purge.tags.iter().map(|tag| tag.as_str().into()).collect();
        let mut keys = HashSet::new();
        for tag in &tags {
            index.floors.note(tag, &purge.source, purge.position);
            keys.extend(index.by_tag.get(tag).into_iter().flatten().cloned());
        }
        let is_concerned = |stored: &Stored| {
            let shows_it =
                stored.head.source == purge.source && purge.position.is_some() && stored.head.shows(purge.position);
            !shows_it && stored.head.tags.iter().any(|tag| tags.contains(tag))
        };
        keys.iter().map(|key| self.purge_one(&mut index, key, purge.effect, &is_concerned, now)).sum()
    }

    fn purge_one(
        &self,
        index: &mut Index,
        key: &Key,
        effect: PurgeEffect,
        is_concerned: &dyn Fn(&Stored) -> bool,
        now: Timestamp,
    ) -> usize {
        let before = self.entries.peek(key).unwrap_or_default();
        let (concerned, others): (Vec<_>, Vec<_>) = before.0.iter().partition(|stored| is_concerned(stored));
        match effect {
            PurgeEffect::Outdate => concerned.iter().for_each(|stored| stored.outdate(now)),
            PurgeEffect::Drop if concerned.is_empty() => {}
            PurgeEffect::Drop if others.is_empty() => self.remove(index, key),
            PurgeEffect::Drop => {
                let rest = Variants(others.into_iter().map(Arc::clone).collect());
                self.replace(index, key, &before, rest);
            }
        }
        concerned.len()
    }

    /// Removes everything, and what is on its way.
    pub(crate) fn clear(&self) {
        let mut index = self.index();
        index.by_tag.clear();
        index.floors.begin_anew();
        self.entries.clear();
    }

    fn remove(&self, index: &mut Index, key: &Key) {
        if let Some((key, variants)) = self.entries.remove(key) {
            index.leave_out(&key, &variants);
        }
    }

    fn replace(&self, index: &mut Index, key: &Key, before: &Arc<Variants>, after: Variants) -> usize {
        index.leave_out(key, before);
        for tag in after.tags() {
            index.by_tag.entry(Arc::clone(tag)).or_default().insert(key.clone());
        }
        let mut evicted = Vec::new();
        self.entries.insert_with_lifecycle(key.clone(), Arc::new(after), &mut evicted);
        // What has been replaced is told as well, but its target is still there, perhaps under the same tags.
        evicted.retain(|(_, variants)| !Arc::ptr_eq(variants, before));
        for (key, variants) in &evicted {
            index.leave_out(key, variants);
        }
        evicted.len()
    }

    #[cfg(test)]
    pub(crate) fn tags_in_index(&self) -> usize {
        self.index().by_tag.len()
    }
}

impl Index {
    fn leave_out(&mut self, key: &Key, variants: &Variants) {
        for tag in variants.tags() {
            if let Some(keys) = self.by_tag.get_mut(tag) {
                keys.remove(key);
                if keys.is_empty() {
                    self.by_tag.remove(tag);
                }
            }
        }
    }
}
