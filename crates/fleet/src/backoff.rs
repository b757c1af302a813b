//! When a service that fell is started again, and when it is given up.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// How restarts are paced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartPolicy {
    /// The wait after the first fall; each further one doubles it.
    pub delay_first: Duration,
    /// The longest wait.
    pub delay_max: Duration,
    /// How many falls give the service up: within the window, or in a row without ever having been ready.
    pub falls_max: u32,
    /// The window. A service that has run this long begins anew with the first wait.
    pub window: Duration,
}

impl Default for RestartPolicy {
    /// 100 ms, doubling to 10 s; given up at the eighth fall within a minute, or in a row.
    fn default() -> Self {
        Self {
            delay_first: Duration::from_millis(100),
            delay_max: Duration::from_secs(10),
            falls_max: 8,
            window: Duration::from_secs(60),
        }
    }
}

/// What to do after a fall.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Start it again after this wait.
    Again(Duration),
    /// It fell too often: give it up, and try now and then whether the cause is gone.
    GiveUp,
}

/// The shortest time between two tries of a service that was given up, so that no policy makes it spin.
const RETRY_PAUSE_MIN: Duration = Duration::from_secs(1);

/// The falls of one service, as far back as they count.
#[derive(Debug)]
pub(crate) struct Falls {
    policy: RestartPolicy,
    /// Those within the window.
    recent: VecDeque<Instant>,
    /// How many there were since it was last ready. A service that is never ready falls as seldom as it may take
    /// to get ready, which no window can count.
    unready: u32,
    random: u64,
}

impl Falls {
    pub(crate) fn new(policy: RestartPolicy, seed: u64) -> Self {
        // Zero is the one state that the generator never leaves.
        Self { policy, recent: VecDeque::new(), unready: 0, random: seed | 1 }
    }

    /// Forgets the past, after somebody has asked for a restart.
    pub(crate) fn forget(&mut self) {
        self.recent.clear();
        self.unready = 0;
    }

    /// How long after a fall a service that was given up is tried again.
    pub(crate) fn retry_delay(&self) -> Duration {
        self.policy.delay_max.max(RETRY_PAUSE_MIN)
    }

    /// Notes a fall of a service that had been ready, or had not come so far.
    pub(crate) fn fell(&mut self, now: Instant, was_ready: bool) -> Verdict {
        while self.recent.front().is_some_and(|then| now.duration_since(*then) >= self.policy.window) {
            self.recent.pop_front();
        }
        // No more than it takes to give up: a service that was given up goes on falling.
        if self.recent.len() >= self.policy.falls_max as usize {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
        self.unready = if was_ready { 0 } else { self.unready.saturating_add(1) };
        let falls = u32::try_from(self.recent.len()).unwrap_or(u32::MAX).max(self.unready);
        if falls >= self.policy.falls_max {
            return Verdict::GiveUp;
        }
        let doubled = self.policy.delay_first.saturating_mul(1 << (falls - 1).min(20));
        Verdict::Again(self.jittered(doubled.min(self.policy.delay_max)))
    }

    /// Between half of the wait and all of it, so that services which fell together do not come back together.
    fn jittered(&mut self, delay: Duration) -> Duration {
        // xorshift64 (Marsaglia, 2003): good enough to spread, and the same for the same seed.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = (self.random >> 11) as f64 / (1u64 << 53) as f64;
        delay.mul_f64(0.5 + share / 2.0)
    }
}
