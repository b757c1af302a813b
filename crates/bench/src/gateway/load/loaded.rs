//! What came of a load.

use std::time::Duration;

use super::Head;
use crate::measure::Histogram;

/// What came of a load.
#[derive(Debug, Clone, Default)]
pub(in crate::gateway) struct Loaded {
    /// Answers with 200.
    pub(in crate::gateway) good: u64,
    /// Other answers.
    pub(in crate::gateway) bad: u64,
    /// Requests without an answer.
    pub(in crate::gateway) unanswered: u64,
    /// How long each good answer took.
    pub(in crate::gateway) latency: Histogram,
    /// The greatest `Age` of a good answer, in seconds.
    pub(in crate::gateway) oldest_s: u64,
    /// How long all of it took.
    pub(in crate::gateway) time: Duration,
    /// What the meter said at the end, less what it said at the beginning.
    pub(in crate::gateway) metered: Duration,
}

impl Loaded {
    /// All requests.
    pub(in crate::gateway) fn requests(&self) -> u64 {
        self.good + self.bad + self.unanswered
    }

    /// Requests a second.
    pub(in crate::gateway) fn rate(&self) -> f64 {
        self.requests() as f64 / self.time.as_secs_f64()
    }

    /// What was metered for each request, in microseconds.
    pub(in crate::gateway) fn metered_us(&self) -> f64 {
        self.metered.as_secs_f64() * 1e6 / self.requests().max(1) as f64
    }

    /// Which part of the time was metered.
    pub(in crate::gateway) fn busy(&self) -> f64 {
        self.metered.as_secs_f64() / self.time.as_secs_f64()
    }

    pub(super) fn count(&mut self, answered: Option<Head>, took: Duration) {
        match answered {
            Some(head) if head.status == 200 => {
                self.good += 1;
                self.oldest_s = self.oldest_s.max(head.age_s);
                self.latency.record(took);
            }
            Some(_) => self.bad += 1,
            None => self.unanswered += 1,
        }
    }

    pub(super) fn add(&mut self, part: &Self) {
        self.good += part.good;
        self.bad += part.bad;
        self.unanswered += part.unanswered;
        self.oldest_s = self.oldest_s.max(part.oldest_s);
        self.latency.merge(&part.latency);
    }
}
