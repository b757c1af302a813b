//! What has been purged, so that what is on its way from before does not come back.
//!
//! A fetch may begin before a purge and end after it; and a service may be asked after an event but answer from a read
//! model that has not met it yet. Either way the answer is older than the purge, and must not be stored as if it were
//! not. So each purged tag is remembered with the event's position and with a number of its own. An answer of the same
//! service is compared by position, any other by whether its fetch began after the purge.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::sync::Arc;

use tradewind_events::Position;

use super::tags::Tag;

/// What is to be purged, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purge {
    /// The service in which something has happened.
    pub source: Arc<str>,
    /// The tags of all answers that show it.
    pub tags: Vec<String>,
    /// The event's position in the service's log. Answers of the service that show it stay.
    pub position: Option<Position>,
    /// What becomes of the others.
    pub effect: PurgeEffect,
}

/// What becomes of a purged answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PurgeEffect {
    /// It is gone.
    #[default]
    Drop,
    /// It is stale: it is served no more before the service has been asked again, but stays there for when the service
    /// fails.
    Outdate,
}

/// How far a purge has come when a fetch begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) struct PurgeNumber(u64);

#[derive(Debug)]
struct Floor {
    source: Arc<str>,
    /// The furthest of those purges that had a position.
    position: Option<Position>,
    /// The last of those that had none.
    blind: PurgeNumber,
    /// The last of all.
    number: PurgeNumber,
}

/// A tag's hash, seeded anew in each process. A tag may be a target as long as a client likes, and this is as small for
/// all; two tags that share one make the cache stricter.
type TagHash = u64;

/// The purges that are remembered.
#[derive(Debug)]
pub(crate) struct Floors {
    tags_max: usize,
    last: PurgeNumber,
    hasher: RandomState,
    by_tag: HashMap<TagHash, Vec<Floor>>,
    /// Tags in the order in which they were purged; one that was purged again is there again.
    order: VecDeque<(PurgeNumber, TagHash)>,
    /// What is forgotten counts for all tags.
    forgotten: PurgeNumber,
    forgotten_positions: HashMap<Arc<str>, Position>,
}

impl Floors {
    pub(crate) fn new(tags_max: usize) -> Self {
        Self {
            tags_max,
            last: PurgeNumber::default(),
            hasher: RandomState::new(),
            by_tag: HashMap::new(),
            order: VecDeque::new(),
            forgotten: PurgeNumber::default(),
            forgotten_positions: HashMap::new(),
        }
    }

    pub(crate) fn now(&self) -> PurgeNumber {
        self.last
    }

    pub(crate) fn note(&mut self, tag: &Tag, source: &Arc<str>, position: Option<Position>) {
        self.last.0 += 1;
        let (number, tag) = (self.last, self.hasher.hash_one(tag));
        let floors = self.by_tag.entry(tag).or_default();
        let blind = if position.is_none() { number } else { PurgeNumber::default() };
        match floors.iter_mut().find(|floor| floor.source == *source) {
            Some(floor) => {
                floor.position = floor.position.max(position);
                (floor.blind, floor.number) = (floor.blind.max(blind), number);
            }
            None => floors.push(Floor { source: Arc::clone(source), position, blind, number }),
        }
        self.order.push_back((number, tag));
        while self.order.len() > self.tags_max {
            self.forget_oldest();
        }
    }

    /// Counts as a purge of everything, and forgets all positions.
    pub(crate) fn begin_anew(&mut self) {
        self.last.0 += 1;
        self.forgotten = self.last;
        self.by_tag.clear();
        self.order.clear();
        self.forgotten_positions.clear();
    }

    fn forget_oldest(&mut self) {
        let Some((number, tag)) = self.order.pop_front() else { return };
        let is_latest = |floors: &Vec<Floor>| floors.iter().all(|floor| floor.number <= number);
        if !self.by_tag.get(&tag).is_some_and(is_latest) {
            return;
        }
        for floor in self.by_tag.remove(&tag).unwrap_or_default() {
            self.forgotten = self.forgotten.max(floor.number);
            if let Some(position) = floor.position {
                let known = self.forgotten_positions.entry(floor.source).or_default();
                *known = position.max(*known);
            }
        }
    }

    /// Whether an answer whose fetch began at `begun` is newer than all purges of its tags.
    pub(crate) fn admit<'a>(
        &self,
        tags: impl IntoIterator<Item = &'a Tag>,
        source: &str,
        position: Option<Position>,
        begun: PurgeNumber,
    ) -> bool {
        let is_before = |floor: &Floor| match (floor.position, position) {
            (Some(purged), Some(shown)) if *floor.source == *source => shown < purged || begun < floor.blind,
            _ => begun < floor.number,
        };
        if begun < self.forgotten {
            return false;
        }
        let forgotten = self.forgotten_positions.get(source);
        if forgotten.zip(position).is_some_and(|(purged, shown)| shown < *purged) {
            return false;
        }
        !tags.into_iter().filter_map(|tag| self.by_tag.get(&self.hasher.hash_one(tag))).flatten().any(is_before)
    }
}
