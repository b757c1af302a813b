//! One fetch for many who ask for the same at the same time.
//!
//! The first leads and fetches; the others wait, a bounded number of them and for a bounded time, until what it brought
//! is stored whole. If it turns out to be for the leader alone they go by themselves, and for a while nobody waits for
//! such an answer again. If the leader goes away, its own deadline is over, or its answer comes too slowly for one of
//! those who wait, one of them takes its place.

use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use quick_cache::sync::Cache;
use tokio::sync::watch;
use tradewind_events::Timestamp;

use super::entry::Stored;
use super::fetch::FetchError;
use super::options::CacheOptions;

/// How many targets are remembered whose answers are not shared.
const UNSHARED_MAX: usize = 10_000;

/// What came of a fetch, for those who waited.
#[derive(Debug, Clone)]
pub(crate) enum Outcome {
    /// An answer that all may have who would have been answered with the same.
    Stored(Arc<Stored>),
    /// One that is for the leader alone.
    Unshared,
    /// The service answered that it cannot.
    ServerError,
    /// There was no answer.
    Failed(FetchError),
    /// The leader has gone away, or its own time was over.
    Abandoned,
}

/// How far a fetch has come.
#[derive(Debug, Clone)]
enum Progress {
    Asked,
    /// The answer's head has come, and the body follows at the pace at which the leader's client takes it.
    Answering,
    Over(Outcome),
}

pub(crate) struct Flights {
    open: Mutex<HashMap<Arc<str>, Arc<Flight>>>,
    /// By the hash of the flight's name, which may be long. Two that share one do not wait, and that is all.
    unshared: Cache<u64, Timestamp>,
    hasher: RandomState,
    waiting_max: usize,
    unshared_for: std::time::Duration,
}

struct Flight {
    progress: watch::Sender<Progress>,
    waiting: AtomicUsize,
}

impl Flight {
    fn begin() -> Arc<Self> {
        Arc::new(Self { progress: watch::Sender::new(Progress::Asked), waiting: AtomicUsize::new(0) })
    }
}

/// A request's place in a flight.
pub(crate) enum Place {
    Lead(Leading),
    Wait(Waiting),
    /// Nobody waits here: too many do, or the answer will not be shared.
    Alone,
}

/// The one who fetches. Dropped before it has settled, it has gone away.
pub(crate) struct Leading {
    flights: Arc<Flights>,
    name: Arc<str>,
    flight: Arc<Flight>,
}

/// One who waits.
pub(crate) struct Waiting {
    flights: Arc<Flights>,
    name: Arc<str>,
    flight: Arc<Flight>,
    progress: watch::Receiver<Progress>,
}

impl Flights {
    pub(crate) fn new(options: &CacheOptions) -> Arc<Self> {
        Arc::new(Self {
            open: Mutex::default(),
            unshared: Cache::new(UNSHARED_MAX),
            hasher: RandomState::new(),
            waiting_max: options.waiting_max,
            unshared_for: options.unshared_for,
        })
    }

    fn open(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Flight>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn join(self: &Arc<Self>, name: &Arc<str>, now: Timestamp) -> Place {
        if self.is_unshared(name, now) {
            return Place::Alone;
        }
        let mut open = self.open();
        let Some(flight) = open.get(name) else {
            let flight = Flight::begin();
            open.insert(Arc::clone(name), Arc::clone(&flight));
            return Place::Lead(Leading { flights: Arc::clone(self), name: Arc::clone(name), flight });
        };
        if flight.waiting.fetch_add(1, Ordering::AcqRel) >= self.waiting_max {
            flight.waiting.fetch_sub(1, Ordering::AcqRel);
            return Place::Alone;
        }
        let (flights, name, flight) = (Arc::clone(self), Arc::clone(name), Arc::clone(flight));
        let progress = flight.progress.subscribe();
        Place::Wait(Waiting { flights, name, flight, progress })
    }

    /// Leads if nobody does.
    pub(crate) fn lead(self: &Arc<Self>, name: &Arc<str>) -> Option<Leading> {
        let mut open = self.open();
        if open.contains_key(name) {
            return None;
        }
        let flight = Flight::begin();
        open.insert(Arc::clone(name), Arc::clone(&flight));
        Some(Leading { flights: Arc::clone(self), name: Arc::clone(name), flight })
    }

    /// Who comes from now on does not join this flight.
    fn close(&self, name: &Arc<str>, flight: &Arc<Flight>) {
        let mut open = self.open();
        if open.get(name).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            open.remove(name);
        }
    }

    #[cfg(test)]
    pub(crate) fn are_under_way(&self) -> usize {
        self.open().len()
    }

    pub(crate) fn is_unshared(&self, name: &Arc<str>, now: Timestamp) -> bool {
        self.unshared.get(&self.hasher.hash_one(name)).is_some_and(|until| now < until)
    }
}

impl Leading {
    pub(crate) fn settle(self, outcome: Outcome, now: Timestamp) {
        if matches!(outcome, Outcome::Unshared) {
            let name = self.flights.hasher.hash_one(&self.name);
            self.flights.unshared.insert(name, now.plus(self.flights.unshared_for));
        }
        self.close(outcome);
    }

    /// The answer's head has come.
    pub(crate) fn head_has_come(&self) {
        self.flight.progress.send_if_modified(|progress| {
            let is_first = matches!(progress, Progress::Asked);
            if is_first {
                *progress = Progress::Answering;
            }
            is_first
        });
    }

    /// Who comes from now on does not wait for this.
    pub(crate) fn takes_nobody_more(&self) {
        self.flights.close(&self.name, &self.flight);
    }

    fn close(&self, outcome: Outcome) {
        self.takes_nobody_more();
        self.flight.progress.send_if_modified(|progress| {
            let is_first = !matches!(progress, Progress::Over(_));
            if is_first {
                *progress = Progress::Over(outcome);
            }
            is_first
        });
    }
}

impl Drop for Leading {
    fn drop(&mut self) {
        self.close(Outcome::Abandoned);
    }
}

impl Waiting {
    /// Waits for the answer's head, or for what else becomes of the fetch.
    pub(crate) async fn head(&mut self) {
        // Whoever leads settles before it goes.
        let _ = self.progress.wait_for(|progress| !matches!(progress, Progress::Asked)).await;
    }

    pub(crate) async fn outcome(&mut self) -> Outcome {
        match self.progress.wait_for(|progress| matches!(progress, Progress::Over(_))).await.as_deref() {
            Ok(Progress::Over(outcome)) => outcome.clone(),
            Ok(_) | Err(_) => Outcome::Abandoned,
        }
    }

    /// Leaves the fetch to itself: whoever asks for the same from now on leads one of its own.
    pub(crate) fn leave(self) {
        self.flights.close(&self.name, &self.flight);
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        self.flight.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}
