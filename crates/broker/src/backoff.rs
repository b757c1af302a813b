//! When to try again: at growing intervals, cut by chance so that many do not come back at once.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The pauses between attempts.
#[derive(Debug, Clone)]
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, most: Duration) -> Self {
        Self { first, most, next: first }
    }

    /// It went well: the next failure is a first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }

    /// How long to wait before the next attempt: between half and all of an interval that doubles.
    pub(crate) fn pause(&mut self) -> Duration {
        let pause = self.next.mul_f64(0.5 + chance() / 2.0);
        self.next = (self.next * 2).min(self.most);
        pause
    }
}

/// A number from 0 to 1. It need not be good, only different from one service to the next.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}
