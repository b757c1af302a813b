//! Where pasts are kept: so many, and so much of the disk.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedMutexGuard};

use super::making::Past;
use crate::AsOf;

/// Where a past is kept, and made by one query at a time.
pub(super) type Place = Arc<Mutex<Option<Past>>>;

/// The pasts that are kept, the most lately used last.
pub(super) struct Shelf {
    kept: Mutex<Vec<Kept>>,
    kept_max: usize,
    bytes_max: u64,
}

struct Kept {
    as_of: AsOf,
    place: Place,
    bytes: u64,
}

impl Shelf {
    pub(super) fn new(kept_max: usize, bytes_max: u64) -> Self {
        Self { kept: Mutex::default(), kept_max: kept_max.max(1), bytes_max }
    }

    /// The place of one past, empty if it is new. Another one may have to go for it.
    pub(super) async fn place(&self, as_of: AsOf) -> Place {
        let mut kept = self.kept.lock().await;
        let used = match kept.iter().position(|other| other.as_of == as_of) {
            Some(index) => kept.remove(index),
            None => Kept { as_of, place: Place::default(), bytes: 0 },
        };
        let place = used.place.clone();
        if kept.len() >= self.kept_max {
            kept.remove(0);
        }
        kept.push(used);
        place
    }

    /// Puts a past there that was made beside another; not if there is one.
    pub(super) async fn put(&self, as_of: AsOf, past: Past) {
        let bytes = past.bytes();
        let place = self.place(as_of).await;
        if let Ok(mut place) = place.try_lock() {
            place.get_or_insert(past);
        }
        self.weigh(as_of, bytes).await;
    }

    /// Notes how much of the disk a past has; those that were not used for longest go until all have little enough.
    pub(super) async fn weigh(&self, as_of: AsOf, bytes: u64) {
        let mut kept = self.kept.lock().await;
        if let Some(weighed) = kept.iter_mut().find(|other| other.as_of == as_of) {
            weighed.bytes = bytes;
        }
        while kept.len() > 1 && kept.iter().map(|other| other.bytes).sum::<u64>() > self.bytes_max {
            kept.remove(0);
        }
    }

    /// The one from which another past is made with the least that is missing. It stays as it is while it is held.
    pub(super) async fn nearest(&self, as_of: AsOf) -> Option<OwnedMutexGuard<Option<Past>>> {
        let kept = self.kept.lock().await;
        // One that is being made is not waited for.
        let there = kept.iter().filter_map(|other| other.place.clone().try_lock_owned().ok());
        let usable = there.filter_map(|held| Some((held.as_ref()?.begins(as_of)?, held)));
        usable.max_by_key(|(begins, _)| *begins).map(|(_, held)| held)
    }
}
