//! When to try again: at growing intervals, cut by chance so that many clients do not come back at once, and only for
//! a bounded time.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use tokio::time::Instant;

/// The pauses of one operation.
pub(crate) struct Backoff {
    first: Duration,
    most: Duration,
    next: Duration,
    /// When to give up; none: never.
    until: Option<Instant>,
    lasts: Option<Duration>,
}

impl Backoff {
    /// Pauses that begin with `first`, double up to `most`, and end `lasts` after now; none: never.
    pub(crate) fn new(first: Duration, most: Duration, lasts: Option<Duration>) -> Self {
        Self { first, most, next: first, until: lasts.map(|lasts| Instant::now() + lasts), lasts }
    }

    /// It went well: the next failure is a first one again.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
        self.until = self.lasts.map(|lasts| Instant::now() + lasts);
    }

    /// Waits before the next attempt; false if there is to be none.
    pub(crate) async fn pause(&mut self) -> bool {
        let pause = self.next.mul_f64(0.5 + chance() / 2.0);
        self.next = (self.next * 2).min(self.most);
        if self.until.is_some_and(|until| Instant::now() + pause > until) {
            return false;
        }
        tokio::time::sleep(pause).await;
        true
    }
}

/// A number from 0 to 1. It need not be good, only different from one client to the next.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}
