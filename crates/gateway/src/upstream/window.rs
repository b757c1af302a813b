//! How many went well and how many did not, lately.

use std::time::Duration;

use tokio::time::Instant;

/// Counts over the last while: all of the present half of it, and all of the one before.
#[derive(Debug)]
pub(super) struct Window {
    half: Duration,
    begun: Instant,
    present: Counts,
    before: Counts,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Counts {
    good: u32,
    bad: u32,
}

impl Window {
    pub(super) fn new(length: Duration) -> Self {
        let half = (length / 2).max(Duration::from_millis(1));
        Self { half, begun: Instant::now(), present: Counts::default(), before: Counts::default() }
    }

    /// Counts one.
    pub(super) fn add(&mut self, good: bool, now: Instant) {
        let age = now.saturating_duration_since(self.begun);
        if age >= self.half {
            let adjoins = age < self.half * 2;
            self.before = if adjoins { self.present } else { Counts::default() };
            self.present = Counts::default();
            self.begun = now;
        }
        if good { self.present.good += 1 } else { self.present.bad += 1 }
    }

    /// Whether there were so many, and this part of them was bad.
    pub(super) fn is_bad(&self, minimum: u32, percent: u8) -> bool {
        let bad = u64::from(self.present.bad) + u64::from(self.before.bad);
        let all = bad + u64::from(self.present.good) + u64::from(self.before.good);
        bad > 0 && all >= u64::from(minimum) && bad * 100 >= all * u64::from(percent)
    }

    pub(super) fn clear(&mut self) {
        (self.present, self.before) = (Counts::default(), Counts::default());
    }
}
