//! When to try again: after pauses that grow, cut by chance so that many do not come back at once.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The pauses between attempts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    /// About the first.
    pub(crate) first: Duration,
    /// No one is longer.
    pub(crate) most: Duration,
}

impl Backoff {
    /// How long to wait after the `tries`-th failure in a row: between half and all of an interval that doubles.
    pub(crate) fn after(self, tries: u32) -> Duration {
        let doubled = 2_u32.saturating_pow(tries.saturating_sub(1));
        self.first.saturating_mul(doubled).min(self.most).mul_f64(0.5 + chance() / 2.0)
    }
}

/// A number from 0 to 1. It need not be good, only different from one key to the next.
fn chance() -> f64 {
    f64::from(RandomState::new().hash_one(0_u8) as u32) / f64::from(u32::MAX)
}
