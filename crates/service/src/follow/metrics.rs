//! The figures of followers.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::commands::metrics::seconds;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FollowerLabels {
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// The figures of all followers of a service.
#[derive(Clone)]
pub(crate) struct FollowerMetrics {
    pub(super) lag_events: Family<FollowerLabels, Gauge>,
    pub(super) lag_seconds: Family<FollowerLabels, Gauge<f64, AtomicU64>>,
    pub(super) position: Family<FollowerLabels, Gauge>,
    pub(super) handled: Family<FollowerLabels, Counter>,
    pub(super) rebuilds: Family<FollowerLabels, Counter>,
    pub(super) stopped: Family<FollowerLabels, Gauge>,
    pub(super) failed_timers: Family<FollowerLabels, Gauge>,
    pub(super) held: Family<FollowerLabels, Gauge>,
    pub(super) taken_over: Family<FollowerLabels, Counter>,
    pub(super) delay: Family<FollowerLabels, Histogram, fn() -> Histogram>,
}

impl Default for FollowerMetrics {
    fn default() -> Self {
        Self {
            lag_events: Family::default(),
            lag_seconds: Family::default(),
            position: Family::default(),
            handled: Family::default(),
            rebuilds: Family::default(),
            stopped: Family::default(),
            failed_timers: Family::default(),
            held: Family::default(),
            taken_over: Family::default(),
            delay: Family::new_with_constructor(seconds as fn() -> Histogram),
        }
    }
}

impl FollowerMetrics {
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register("follower_lag_events", "Events of the source not yet passed", self.lag_events.clone());
        let help = "For how long events of the source have waited without a break; zero when caught up";
        registry.register("follower_lag_seconds", help, self.lag_seconds.clone());
        registry.register("follower_position", "Position up to which everything is handled", self.position.clone());
        registry.register("follower_events", "Events handled", self.handled.clone());
        registry.register("follower_rebuilds", "Rebuilds finished", self.rebuilds.clone());
        registry.register("follower_stopped", "1 while stopped at an event", self.stopped.clone());
        let help = "Timers that cannot be handled, of the first 16";
        registry.register("follower_failed_timers", help, self.failed_timers.clone());
        registry.register("follower_held", "1 while this instance holds the lease", self.held.clone());
        registry.register("follower_taken_over", "Leases taken by this instance", self.taken_over.clone());
        let help = "From an event's recording to its effect, for live events";
        registry.register("follower_delay_seconds", help, self.delay.clone());
    }
}
