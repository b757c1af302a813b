//! What the gateway counts, in Prometheus' text format.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use crate::cache::Cache;
use crate::upstream::Collected;
use crate::{AccessLog, Upstream};

const PREFIX: &str = "tradewind_gateway";

/// The label of requests that no service got.
pub(crate) const NO_SERVICE: &str = "none";

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    service: Arc<str>,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: Arc<str>,
}

/// What became of a call of a composed answer: `complete`, `stale`, or why it is missing.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Composed {
    composition: Arc<str>,
    call: String,
    state: &'static str,
}

/// The counters. Labels are services and compositions of the route table, and statuses, so their number is bounded.
pub(crate) struct Metrics {
    registry: Registry,
    requests: Family<Answered, Counter>,
    head_seconds: Family<Service, Histogram, fn() -> Histogram>,
    fragments: Family<Composed, Counter>,
    in_flight: Gauge,
    connections: Gauge,
}

/// Counts one request as being in flight for as long as it lives.
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        fn histogram() -> Histogram {
            Histogram::new([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0])
        }
        let requests = Family::default();
        let head_seconds = Family::new_with_constructor(histogram as fn() -> Histogram);
        let (fragments, in_flight, connections) = (Family::default(), Gauge::default(), Gauge::default());
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("requests", "Requests answered, by service and status", requests.clone());
        registry.register_with_unit(
            "response_head",
            "Time from a request's head to its answer's head",
            Unit::Seconds,
            head_seconds.clone(),
        );
        registry.register("fragments", "Calls of composed answers, by what became of them", fragments.clone());
        registry.register("requests_in_flight", "Requests whose answer is not complete", in_flight.clone());
        registry.register("connections", "Open client connections", connections.clone());
        Self { registry, requests, head_seconds, fragments, in_flight, connections }
    }

    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    pub(crate) fn connection(&self) -> InFlight {
        self.connections.inc();
        InFlight(self.connections.clone())
    }

    /// Counts what became of a call of a composed answer.
    pub(crate) fn fragment(&self, composition: &Arc<str>, call: &str, state: &'static str) {
        let labels = Composed { composition: Arc::clone(composition), call: call.to_owned(), state };
        self.fragments.get_or_create(&labels).inc();
    }

    pub(crate) fn answered(&self, service: &Arc<str>, status: StatusCode, took: Duration) {
        let service = Arc::clone(service);
        self.head_seconds.get_or_create(&Service { service: Arc::clone(&service) }).observe(took.as_secs_f64());
        self.requests.get_or_create(&Answered { service, status: status.as_u16() }).inc();
    }

    /// All of it, and what these upstreams, the cache and the access log have counted.
    pub(crate) fn text(&self, upstreams: Vec<Upstream>, cache: Option<&Cache>, access: Option<&AccessLog>) -> String {
        let mut of_upstreams = Registry::with_prefix(PREFIX);
        if let Some(access) = access {
            let help = "Lines of the access log that had no room in its queue, or could not be written";
            of_upstreams.register("access_log_dropped", help, ConstCounter::new(access.dropped()));
        }
        of_upstreams.register_collector(Box::new(Collected(upstreams)));
        if let Some(cache) = cache {
            cache.register(&mut of_upstreams);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode_registry(&mut text, &of_upstreams);
        let _ = encode(&mut text, &self.registry);
        text
    }
}
