//! Which keys are set aside, and when each is due: what is asked of the ledger too often to ask it there.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use serde::Serialize;
use tokio::time::Instant;
use tradewind_events::Timestamp;

use super::Filter;
use crate::reaction::ledger::State;

/// When a key is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Due {
    /// When somebody says so.
    #[default]
    Parked,
    /// When its pause is over.
    Waiting(Instant),
    /// When the clock says so.
    Delayed(Timestamp),
}

impl Due {
    fn state(self) -> State {
        match self {
            Self::Parked => State::Parked,
            Self::Waiting(_) => State::Waiting,
            Self::Delayed(_) => State::Delayed,
        }
    }
}

/// What is known of a key that is set aside.
#[derive(Debug, Clone, Default)]
pub(crate) struct Slot {
    pub(super) due: Due,
    pub(super) events: u64,
    /// How often its first event has failed while others succeeded.
    pub(super) attempts: u32,
    pub(super) first_failed: Option<Timestamp>,
    /// How often it has failed in a row, whatever others did.
    pub(super) tries: u32,
    /// When it was tried last; none, if it has not been since the start.
    pub(super) tried: Option<Instant>,
    /// How many events had been met with success when it failed last.
    pub(super) successes: u64,
    /// Whether its events are being met.
    pub(super) is_driven: bool,
}

impl Slot {
    /// A key whose first event is to be met when the clock says so.
    pub(crate) fn delayed(due: Timestamp) -> Self {
        Self { due: Due::Delayed(due), ..Self::default() }
    }

    /// A key whose next events are met, at once if it `goes_on`, or else when somebody takes it.
    pub(crate) fn going_on(goes_on: bool) -> Self {
        Self { due: Due::Waiting(Instant::now()), is_driven: goes_on, ..Self::default() }
    }
}

/// Keys and events of one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Counted {
    /// How many keys.
    pub keys: u64,
    /// How many events of them, in all.
    pub events: u64,
}

/// What a reaction or process manager has set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CountedAside {
    /// What waits until somebody looks.
    pub parked: Counted,
    /// What is tried again after a pause.
    pub waiting: Counted,
    /// What is not to be delivered yet.
    pub delayed: Counted,
}

impl CountedAside {
    /// All events that are set aside.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.parked.events + self.waiting.events + self.delayed.events
    }

    fn of(&mut self, state: State) -> &mut Counted {
        match state {
            State::Parked => &mut self.parked,
            State::Waiting => &mut self.waiting,
            State::Delayed => &mut self.delayed,
        }
    }
}

/// All keys that are set aside.
pub(super) struct Index {
    slots: HashMap<Arc<str>, Slot>,
    /// Tells everybody else of nearly all other keys that they are not there.
    filter: Arc<Filter>,
    waiting: BTreeSet<(Instant, Arc<str>)>,
    delayed: BTreeSet<(Timestamp, Arc<str>)>,
    /// How many of them are being driven.
    driven: usize,
    counted: CountedAside,
}

impl Index {
    pub(super) fn new(filter: Arc<Filter>) -> Self {
        let (slots, waiting, delayed, counted) = Default::default();
        Self { slots, filter, waiting, delayed, driven: 0, counted }
    }

    pub(super) fn keys(&self) -> Vec<Arc<str>> {
        self.slots.keys().cloned().collect()
    }

    pub(super) fn contains(&self, key: &str) -> bool {
        self.slots.contains_key(key)
    }

    pub(super) fn get(&self, key: &str) -> Option<&Slot> {
        self.slots.get(key)
    }

    pub(super) fn counted(&self) -> CountedAside {
        self.counted
    }

    /// Puts a key there, or changes what is known of it.
    pub(super) fn put(&mut self, key: &str, slot: Slot) {
        let key: Arc<str> = self.slots.get_key_value(key).map_or_else(|| key.into(), |(key, _)| key.clone());
        self.take_out(&key);
        match slot.due {
            // Nobody else may take what is being driven.
            _ if slot.is_driven => {}
            Due::Parked => {}
            Due::Waiting(at) => drop(self.waiting.insert((at, key.clone()))),
            Due::Delayed(at) => drop(self.delayed.insert((at, key.clone()))),
        }
        self.driven += usize::from(slot.is_driven);
        let counted = self.counted.of(slot.due.state());
        (counted.keys, counted.events) = (counted.keys + 1, counted.events + slot.events);
        self.filter.add(&key);
        self.slots.insert(key, slot);
    }

    /// Takes a key out of it.
    pub(super) fn take_out(&mut self, key: &str) -> Option<Slot> {
        let (key, slot) = self.slots.remove_entry(key)?;
        self.filter.take_out(&key);
        match slot.due {
            Due::Parked => {}
            Due::Waiting(at) => drop(self.waiting.remove(&(at, key))),
            Due::Delayed(at) => drop(self.delayed.remove(&(at, key))),
        }
        self.driven -= usize::from(slot.is_driven);
        let counted = self.counted.of(slot.due.state());
        (counted.keys, counted.events) = (counted.keys - 1, counted.events - slot.events);
        Some(slot)
    }

    /// More events of a key that is there.
    pub(super) fn grow(&mut self, key: &str, events: u64) {
        if let Some(slot) = self.slots.get_mut(key) {
            slot.events += events;
            self.counted.of(slot.due.state()).events += events;
        }
    }

    /// The key that is due at `now`, if one is.
    pub(super) fn due(&self, now: Instant, clock: Timestamp) -> Option<Arc<str>> {
        let waiting = self.waiting.first().filter(|(at, _)| *at <= now).map(|(_, key)| key);
        let delayed = self.delayed.first().filter(|(at, _)| *at <= clock).map(|(_, key)| key);
        waiting.or(delayed).cloned()
    }

    /// Of the keys that could be tried, due or not, the one that was not for the longest time.
    pub(super) fn to_probe(&self, clock: Timestamp) -> Option<Arc<str>> {
        let delayed = self.delayed.iter().take_while(|(at, _)| *at <= clock).map(|(_, key)| key);
        let all = self.waiting.iter().map(|(_, key)| key).chain(delayed);
        all.min_by_key(|key| self.slots.get(*key).and_then(|slot| slot.tried)).cloned()
    }

    /// Whether there is a key to be tried that has not been.
    pub(super) fn has_untried(&self) -> bool {
        self.waiting.iter().any(|(_, key)| self.slots.get(key).is_some_and(|slot| slot.tried.is_none()))
    }

    /// Whether a key is tried, or will be before long.
    pub(super) fn can_probe(&self) -> bool {
        self.driven > 0 || !self.waiting.is_empty()
    }

    /// When the next key's pause is over.
    pub(super) fn next_waiting(&self) -> Option<Instant> {
        self.waiting.first().map(|(at, _)| *at)
    }

    pub(super) fn has_delayed(&self) -> bool {
        !self.delayed.is_empty()
    }

    /// The pauses of all keys are over.
    pub(super) fn wake_all(&mut self, now: Instant) {
        let keys: Vec<Arc<str>> = std::mem::take(&mut self.waiting).into_iter().map(|(_, key)| key).collect();
        for key in keys {
            if let Some(slot) = self.slots.get_mut(&key) {
                slot.due = Due::Waiting(now);
                self.waiting.insert((now, key));
            }
        }
    }

    pub(super) fn clear(&mut self) {
        let filter = self.filter.clone();
        filter.clear();
        *self = Self::new(filter);
    }
}
