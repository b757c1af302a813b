//! The figures of followers.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use crate::commands::metrics::seconds;
use crate::reaction::{Counted, CountedAside};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct FollowerLabels {
    pub(super) kind: &'static str,
    pub(super) name: String,
}

/// The same, of what is set aside in one state.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct AsideLabels {
    kind: &'static str,
    name: String,
    state: &'static str,
}

/// The figures of one follower that are counted for each event.
pub(super) struct Meter {
    pub(super) attempts: Counter,
    pub(super) retries: Counter,
    pub(super) paused: Gauge,
    pub(super) handle: Histogram,
    /// Keys and events that are parked, that wait, and that are delayed.
    aside: [(Gauge, Gauge); 3],
}

impl Meter {
    pub(super) fn set_aside(&self, counted: &CountedAside) {
        let all = [counted.parked, counted.waiting, counted.delayed];
        for ((keys, events), Counted { keys: counted_keys, events: counted_events }) in self.aside.iter().zip(all) {
            keys.set(counted_keys as i64);
            events.set(counted_events as i64);
        }
    }
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
    attempts: Family<FollowerLabels, Counter>,
    retries: Family<FollowerLabels, Counter>,
    paused: Family<FollowerLabels, Gauge>,
    handle: Family<FollowerLabels, Histogram, fn() -> Histogram>,
    keys_aside: Family<AsideLabels, Gauge>,
    events_aside: Family<AsideLabels, Gauge>,
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
            attempts: Family::default(),
            retries: Family::default(),
            paused: Family::default(),
            handle: Family::new_with_constructor(seconds as fn() -> Histogram),
            keys_aside: Family::default(),
            events_aside: Family::default(),
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
        let help = "Events handed to a reaction or process manager, however often and with whatever outcome";
        registry.register("follower_attempts", help, self.attempts.clone());
        registry.register("follower_retries", "Times that a key that had failed was tried again", self.retries.clone());
        let help = "1 while it waits for something that it needs for every event";
        registry.register("follower_paused", help, self.paused.clone());
        let help = "How long a reaction or process manager took for one event";
        registry.register("follower_handle_seconds", help, self.handle.clone());
        let help = "Keys that are set aside: parked, waiting to be tried again, or delayed";
        registry.register("follower_keys_aside", help, self.keys_aside.clone());
        registry.register("follower_events_aside", "Events of these keys", self.events_aside.clone());
    }

    /// Those of one follower.
    pub(super) fn meter(&self, labels: &FollowerLabels) -> Meter {
        let aside = ["parked", "waiting", "delayed"].map(|state| {
            let labels = AsideLabels { kind: labels.kind, name: labels.name.clone(), state };
            (self.keys_aside.get_or_create(&labels).clone(), self.events_aside.get_or_create(&labels).clone())
        });
        Meter {
            attempts: self.attempts.get_or_create(labels).clone(),
            retries: self.retries.get_or_create(labels).clone(),
            paused: self.paused.get_or_create(labels).clone(),
            handle: self.handle.get_or_create(labels).clone(),
            aside,
        }
    }
}
