//! What a follower has against what the log says.

use std::collections::{HashMap, HashSet};

use serde::{Deserialize, Serialize};
use tradewind_events::Recorded;

/// One event, or its effect: a follower records this of an event, so that all of it can be compared.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) position: u64,
    /// The stream that it is of, within which order must hold.
    pub(super) key: String,
    pub(super) id: String,
    /// Its type and its JSON, as they stand in the log.
    pub(super) what: String,
}

impl Entry {
    /// An event, as it is read.
    pub(super) fn of(event: &Recorded) -> Self {
        Self {
            position: event.position().0,
            key: event.stream().to_owned(),
            id: event.id().to_string(),
            what: format!("{} {}", event.event_type(), String::from_utf8_lossy(event.data())),
        }
    }
}

/// How a follower's effects differ from a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Difference {
    /// Events without an effect.
    pub(super) lost: u64,
    /// Effects beyond the first of an event.
    pub(super) duplicated: u64,
    /// Effects that came behind the effect of a later event of the same key.
    pub(super) inverted: u64,
    /// Effects of what is not in the log.
    pub(super) foreign: u64,
}

impl Difference {
    pub(super) fn is_none(self) -> bool {
        self == Self::default()
    }
}

/// Compares, in the order in which the effects were recorded.
pub(super) fn compare(log: &[Entry], effects: &[Entry]) -> Difference {
    let mut difference = Difference::default();
    let recorded: HashMap<u64, &Entry> = log.iter().map(|entry| (entry.position, entry)).collect();
    let mut seen: HashSet<u64> = HashSet::with_capacity(effects.len());
    let mut last: HashMap<&str, u64> = HashMap::new();
    for effect in effects {
        match recorded.get(&effect.position) {
            Some(entry) if *entry == effect => {}
            _ => {
                difference.foreign += 1;
                continue;
            }
        }
        if !seen.insert(effect.position) {
            difference.duplicated += 1;
            continue;
        }
        let last = last.entry(&effect.key).or_default();
        if effect.position < *last {
            difference.inverted += 1;
        }
        *last = effect.position.max(*last);
    }
    difference.lost = (log.len() - seen.len()) as u64;
    difference
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(position: u64) -> Entry {
        Entry {
            position,
            key: format!("order-{}", position % 2),
            id: format!("id {position}"),
            what: "A {}".to_owned(),
        }
    }

    fn entries(positions: &[u64]) -> Vec<Entry> {
        positions.iter().copied().map(entry).collect()
    }

    #[test]
    fn every_kind_of_difference_is_counted() {
        let log = entries(&[1, 2, 3, 4, 5]);
        assert!(compare(&log, &log).is_none());
        // Across keys there is no order to keep.
        assert!(compare(&log, &entries(&[2, 1, 3, 4, 5])).is_none());
        let lost = Difference { lost: 2, ..Difference::default() };
        assert_eq!(compare(&log, &entries(&[1, 3, 4])), lost);
        let duplicated = Difference { duplicated: 1, ..Difference::default() };
        assert_eq!(compare(&log, &entries(&[1, 2, 2, 3, 4, 5])), duplicated);
        let inverted = Difference { inverted: 1, ..Difference::default() };
        assert_eq!(compare(&log, &entries(&[3, 1, 2, 4, 5])), inverted);
        let other = Entry { id: "another".to_owned(), ..entry(5) };
        let foreign = Difference { lost: 1, foreign: 2, ..Difference::default() };
        let changed = Entry { what: "A {\"total\":1}".to_owned(), ..entry(5) };
        assert_eq!(compare(&log, &[entries(&[1, 2, 3, 4]), vec![changed, entry(6)]].concat()), foreign);
        assert_eq!(compare(&log, &[entries(&[1, 2, 3, 4]), vec![other, entry(6)]].concat()), foreign);
    }
}
