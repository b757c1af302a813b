//! How long an instance takes, with the worst of it remembered (peak EWMA, as in Finagle), and how long requests to all
//! of them take (for hedging).

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// A moving average of latencies that jumps up at once and sinks slowly, also while nothing is measured: an instance that
/// was slow once is asked again some time.
#[derive(Debug)]
pub(super) struct PeakEwma {
    decay: Duration,
    measured: Mutex<Option<(f64, Instant)>>,
}

impl PeakEwma {
    pub(super) fn new(decay: Duration) -> Self {
        Self { decay: decay.max(Duration::from_millis(1)), measured: Mutex::new(None) }
    }

    /// In seconds; none before anything was measured.
    pub(super) fn seconds(&self, now: Instant) -> Option<f64> {
        let measured = *self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        measured.map(|(seconds, at)| seconds * self.left_after(now.saturating_duration_since(at)))
    }

    /// Notes what a request took.
    pub(super) fn add(&self, took: Duration, now: Instant) {
        let took = took.as_secs_f64();
        let mut measured = self.measured.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = match *measured {
            Some((before, at)) if before > took => {
                let left = self.left_after(now.saturating_duration_since(at));
                before * left + took * (1.0 - left)
            }
            _ => took,
        };
        *measured = Some((seconds, now));
    }

    /// Notes that a request which was given up would have taken longer than this.
    pub(super) fn add_at_least(&self, took: Duration, now: Instant) {
        if self.seconds(now).is_none_or(|seconds| seconds < took.as_secs_f64()) {
            self.add(took, now);
        }
    }

    fn left_after(&self, time: Duration) -> f64 {
        (-time.as_secs_f64() / self.decay.as_secs_f64()).exp()
    }
}

/// Eight to each doubling, from 100 µs to about 105 s.
const BUCKETS: usize = 8 * 20;
const FIRST: f64 = 0.000_1;

/// Fewer say nothing about the slowest twentieth.
const ENOUGH: u32 = 100;

/// How long a half of what is remembered lasts.
const HALF: Duration = Duration::from_secs(10);

/// The latencies of the last ten to twenty seconds, as counts, to within 9 %.
#[derive(Debug)]
pub(super) struct Latencies {
    halves: [Box<[AtomicU32]>; 2],
    turned: Mutex<(Instant, usize)>,
}

impl Latencies {
    pub(super) fn new() -> Self {
        let half = || (0..BUCKETS).map(|_| AtomicU32::new(0)).collect();
        Self { halves: [half(), half()], turned: Mutex::new((Instant::now(), 0)) }
    }

    pub(super) fn add(&self, took: Duration, now: Instant) {
        let present = self.present(now);
        let place = ((took.as_secs_f64() / FIRST).max(1.0).log2() * 8.0) as usize;
        self.halves[present][place.min(BUCKETS - 1)].fetch_add(1, Ordering::Relaxed);
    }

    fn present(&self, now: Instant) -> usize {
        let mut turned = self.turned.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(turned.0) >= HALF {
            *turned = (now, 1 - turned.1);
            for count in &self.halves[turned.1] {
                count.store(0, Ordering::Relaxed);
            }
        }
        turned.1
    }

    /// What 95 % of the requests took at most; none if there were too few to tell.
    pub(super) fn p95(&self) -> Option<Duration> {
        let count = |place: usize| self.halves.iter().map(|half| half[place].load(Ordering::Relaxed)).sum::<u32>();
        let all: u32 = (0..BUCKETS).map(count).sum();
        if all < ENOUGH {
            return None;
        }
        let (mut below, wanted) = (0, all - all / 20);
        let place = (0..BUCKETS).find(|place| {
            below += count(*place);
            below >= wanted
        })?;
        // The upper end of the bucket.
        Some(Duration::from_secs_f64(FIRST * ((place + 1) as f64 / 8.0).exp2()))
    }
}
