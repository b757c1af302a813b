//! The figures of a relay.

use std::sync::atomic::AtomicU64;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct TopicLabels {
    pub(super) topic: String,
}

/// The figures of all relays of a service.
#[derive(Debug, Clone)]
pub struct RelayMetrics {
    pub(super) lag_events: Family<TopicLabels, Gauge>,
    pub(super) lag_seconds: Family<TopicLabels, Gauge<f64, AtomicU64>>,
    pub(super) connected: Family<TopicLabels, Gauge>,
    pub(super) position: Family<TopicLabels, Gauge>,
    pub(super) published: Family<TopicLabels, Counter>,
    pub(super) interruptions: Family<TopicLabels, Counter>,
    pub(super) publish_seconds: Family<TopicLabels, Histogram, fn() -> Histogram>,
    pub(super) delay_seconds: Family<TopicLabels, Histogram, fn() -> Histogram>,
}

/// From 100 µs to about 3 s, each twice the one before.
fn seconds() -> Histogram {
    Histogram::new((0..16).map(|n| 0.000_1 * f64::from(1_u32 << n)))
}

impl Default for RelayMetrics {
    fn default() -> Self {
        Self {
            lag_events: Family::default(),
            lag_seconds: Family::default(),
            connected: Family::default(),
            position: Family::default(),
            published: Family::default(),
            interruptions: Family::default(),
            publish_seconds: Family::new_with_constructor(seconds as fn() -> Histogram),
            delay_seconds: Family::new_with_constructor(seconds as fn() -> Histogram),
        }
    }
}

impl RelayMetrics {
    /// Adds them to what a service tells.
    pub fn register(&self, registry: &mut Registry) {
        let help =
            "Positions of the log behind the last event that the broker has confirmed, if any is to be published";
        registry.register("relay_lag_events", help, self.lag_events.clone());
        let help = "For how long the oldest event that is not published has waited";
        registry.register("relay_lag_seconds", help, self.lag_seconds.clone());
        registry.register("relay_connected", "1 while the broker takes events", self.connected.clone());
        registry.register("relay_position", "Position of the last event published", self.position.clone());
        registry.register("relay_events", "Events that the broker has confirmed", self.published.clone());
        let help = "How often publishing broke off and was begun again";
        registry.register("relay_interruptions", help, self.interruptions.clone());
        let help = "From sending a batch to its confirmation";
        registry.register("relay_publish_seconds", help, self.publish_seconds.clone());
        let help = "From an event's recording to its confirmation by the broker";
        registry.register("relay_delay_seconds", help, self.delay_seconds.clone());
    }
}
