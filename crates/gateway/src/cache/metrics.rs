//! What the cache counts.

use std::sync::Arc;

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

/// How a request was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelValue)]
pub(crate) enum Result {
    Hit,
    /// Stale, while it is being revalidated.
    StaleWhileRevalidate,
    /// Stale, since the service failed or the client allowed it.
    Stale,
    /// With what is stored, after the service has said that it is still so.
    Revalidated,
    /// With what another request has fetched.
    Collapsed,
    Miss,
    /// Past the cache.
    Bypass,
    Failed,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: Arc<str>,
    result: Result,
}

/// The counters. Labels are routes of the configuration, so their number is bounded.
pub(crate) struct Metrics {
    requests: Family<Answered, Counter>,
    pub(crate) evictions: Counter,
    pub(crate) purged: Counter,
    pub(crate) too_large: Counter,
    pub(crate) packed: Counter,
    pub(crate) bytes: Gauge,
    pub(crate) entries: Gauge,
    pub(crate) passing_bytes: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) background: Gauge,
}

impl Metrics {
    pub(crate) fn new() -> Self {
        Self {
            requests: Family::default(),
            evictions: Counter::default(),
            purged: Counter::default(),
            too_large: Counter::default(),
            packed: Counter::default(),
            bytes: Gauge::default(),
            entries: Gauge::default(),
            passing_bytes: Gauge::default(),
            waiting: Gauge::default(),
            background: Gauge::default(),
        }
    }

    pub(crate) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("cache");
        registry.register("requests", "Requests answered, by route and what the cache did", self.requests.clone());
        registry.register("evictions", "Targets whose answers had to make room for others", self.evictions.clone());
        registry.register("purged", "Answers purged by their tags", self.purged.clone());
        registry.register("too_large", "Answers not stored for their size", self.too_large.clone());
        registry.register("packed", "Answers packed for those who will ask for them", self.packed.clone());
        registry.register_with_unit("stored", "What stored answers take", Unit::Bytes, self.bytes.clone());
        let passing = "What has come of answers on their way into the store";
        registry.register_with_unit("passing", passing, Unit::Bytes, self.passing_bytes.clone());
        registry.register("targets", "Targets of which answers are stored", self.entries.clone());
        registry.register("waiting", "Requests that wait for another's fetch", self.waiting.clone());
        registry.register("background", "Fetches that go on without a client", self.background.clone());
    }

    pub(crate) fn answered(&self, route: &Arc<str>, result: Result) {
        self.requests.get_or_create(&Answered { route: Arc::clone(route), result }).inc();
    }

    /// What counts a route's answers of one kind.
    pub(crate) fn answers(&self, route: &Arc<str>, result: Result) -> Counter {
        self.requests.get_or_create_owned(&Answered { route: Arc::clone(route), result })
    }
}
