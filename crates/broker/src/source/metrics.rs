//! The figures of what comes over a broker.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct GroupLabels {
    pub(super) topic: String,
    pub(super) group: String,
}

/// The figures of all sources of a service that come over a broker.
#[derive(Debug, Clone, Default)]
pub struct BrokeredMetrics {
    pub(super) connected: Family<GroupLabels, Gauge>,
    pub(super) delivered: Family<GroupLabels, Counter>,
    pub(super) repeated: Family<GroupLabels, Counter>,
    pub(super) filled: Family<GroupLabels, Counter>,
    pub(super) interruptions: Family<GroupLabels, Counter>,
}

/// Those of one group.
pub(super) struct GroupMetrics {
    pub(super) connected: Gauge,
    pub(super) delivered: Counter,
    pub(super) repeated: Counter,
    pub(super) filled: Counter,
    pub(super) interruptions: Counter,
}

impl BrokeredMetrics {
    /// Adds them to what a service tells.
    pub fn register(&self, registry: &mut Registry) {
        registry.register("brokered_connected", "1 while the broker delivers", self.connected.clone());
        registry.register("brokered_events", "Events that came over the broker first", self.delivered.clone());
        let help = "Messages that told what was known already, and were dropped";
        registry.register("brokered_repeated", help, self.repeated.clone());
        let help = "Events that the broker should have had, and that came from the feed";
        registry.register("brokered_filled", help, self.filled.clone());
        let help = "How often the broker's deliveries broke off";
        registry.register("brokered_interruptions", help, self.interruptions.clone());
    }

    pub(super) fn of(&self, topic: &str, group: &str) -> GroupMetrics {
        let labels = GroupLabels { topic: topic.to_owned(), group: group.to_owned() };
        GroupMetrics {
            connected: self.connected.get_or_create(&labels).clone(),
            delivered: self.delivered.get_or_create(&labels).clone(),
            repeated: self.repeated.get_or_create(&labels).clone(),
            filled: self.filled.get_or_create(&labels).clone(),
            interruptions: self.interruptions.get_or_create(&labels).clone(),
        }
    }

    /// Events of a group that came over the broker first.
    #[must_use]
    pub fn delivered(&self, topic: &str, group: &str) -> u64 {
        self.of(topic, group).delivered.get()
    }

    /// Events of a group that the broker should have had, and that came from the feed.
    #[must_use]
    pub fn filled(&self, topic: &str, group: &str) -> u64 {
        self.of(topic, group).filled.get()
    }

    /// Messages of a group that told what was known already.
    #[must_use]
    pub fn repeated(&self, topic: &str, group: &str) -> u64 {
        self.of(topic, group).repeated.get()
    }
}
