//! Whether anything works at all. When what every event needs is down, each would fail in its turn, be tried too often
//! and be parked in the end, for no fault of its own; so the reaction pauses, and tries one now and then.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use tradewind_events::Timestamp;

use super::backoff::Backoff;
use crate::follow::Paused;

/// When so many keys in a row have failed and none succeeded, it is not the keys.
const FAILING_KEYS_MAX: usize = 8;
/// The pause before the first probe.
const PROBE_FIRST: Duration = Duration::from_millis(100);

/// Closed while anything works.
pub(crate) struct Circuit {
    /// The pauses between two probes.
    probes: Backoff,
    /// How many events were met with success.
    successes: AtomicU64,
    /// Whether there is anything in `inner` that a success would change.
    troubled: AtomicBool,
    open: AtomicBool,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    /// Which keys have failed since the last success.
    failing: HashSet<String>,
    open: Option<Open>,
}

struct Open {
    since: Timestamp,
    why: String,
    probes: u32,
    next_probe: Instant,
}

impl Circuit {
    /// One that is closed, and in which no pause before a probe is longer than this.
    pub(crate) fn new(pause_most: Duration) -> Self {
        Self {
            probes: Backoff { first: PROBE_FIRST.min(pause_most), most: pause_most },
            successes: AtomicU64::default(),
            troubled: AtomicBool::default(),
            open: AtomicBool::default(),
            inner: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire)
    }

    /// How many events were met with success until now.
    pub(crate) fn successes(&self) -> u64 {
        self.successes.load(Ordering::Acquire)
    }

    /// An event was met with success; tells whether that has closed it.
    pub(crate) fn succeeded(&self) -> bool {
        self.successes.fetch_add(1, Ordering::AcqRel);
        self.decided()
    }

    /// An event was met, and what came of it holds, be it that it is poison; tells whether that has closed it.
    pub(crate) fn decided(&self) -> bool {
        if !self.troubled.load(Ordering::Acquire) {
            return false;
        }
        let mut inner = self.lock();
        inner.failing.clear();
        self.troubled.store(false, Ordering::Release);
        self.open.store(false, Ordering::Release);
        inner.open.take().is_some()
    }

    /// Something failed that may succeed later, at `now`; tells whether it is open.
    pub(crate) fn failed(&self, key: &str, why: &str, everything_is_down: bool, now: Timestamp) -> bool {
        let inner = &mut *self.lock();
        self.troubled.store(true, Ordering::Release);
        let at = Instant::now();
        match &mut inner.open {
            Some(open) => {
                why.clone_into(&mut open.why);
                // What was under way when it opened is no probe.
                if at >= open.next_probe {
                    open.probes += 1;
                    open.next_probe = at + self.probes.after(open.probes);
                }
            }
            closed => {
                inner.failing.insert(key.to_owned());
                if !everything_is_down && inner.failing.len() < FAILING_KEYS_MAX {
                    return false;
                }
                let next_probe = at + self.probes.after(1);
                *closed = Some(Open { since: now, why: why.to_owned(), probes: 1, next_probe });
                inner.failing.clear();
                self.open.store(true, Ordering::Release);
            }
        }
        true
    }

    /// When the next probe may be; none, if it is closed.
    pub(crate) fn next_probe(&self) -> Option<Instant> {
        self.lock().open.as_ref().map(|open| open.next_probe)
    }

    /// Since when, and why, nothing is done; none, if it is closed.
    pub(crate) fn paused(&self) -> Option<Paused> {
        self.lock().open.as_ref().map(|open| Paused { since: open.since, why: open.why.clone(), probes: open.probes })
    }
}
