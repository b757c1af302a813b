//! What the gateway counts, in Prometheus' text format.

mod routes;

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use prometheus_client::encoding::text::{encode, encode_registry};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::cache::Cache;
use crate::upstream::Collected;
use crate::{AccessLog, Route, Upstream};

pub(crate) use routes::RouteCounts;

const PREFIX: &str = "tradewind_gateway";

/// The label of requests that no route took, or no service got.
pub(crate) const NO_SERVICE: &str = "none";

/// The counters. Labels are names of the configuration and classes of statuses, so that their number is bounded; those of
/// routes stand at the routes.
pub(crate) struct Metrics {
    registry: Registry,
    in_flight: Gauge,
    connections: Gauge,
    /// Of requests that no route took.
    unrouted: Arc<RouteCounts>,
}

/// Counts one request as being in flight for as long as it lives.
pub(crate) struct InFlight {
    all: Gauge,
    of_route: Option<(Arc<RouteCounts>, Instant)>,
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.all.dec();
        if let Some((counts, begun)) = &self.of_route {
            counts.in_flight.dec();
            counts.ended(begun.elapsed());
        }
    }
}

/// A request without the head of an answer. Dropped before that is there, it is counted as one whose client has left.
pub(crate) struct Unanswered<'r>(Option<&'r RouteCounts>);

impl Unanswered<'_> {
    /// The head of its answer is there.
    pub(crate) fn answered(mut self, status: StatusCode, took: Duration) {
        if let Some(counts) = self.0.take() {
            counts.answered(status, took);
        }
    }
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if let Some(counts) = self.0 {
            counts.left.inc();
        }
    }
}

/// Counts one connection as being open for as long as it lives.
pub(crate) struct Open(Gauge);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Metrics {
    pub(crate) fn new() -> Self {
        let (in_flight, connections) = (Gauge::default(), Gauge::default());
        let mut registry = Registry::with_prefix(PREFIX);
        registry.register("requests_in_flight", "Requests whose answer is not complete", in_flight.clone());
        registry.register("connections", "Open client connections", connections.clone());
        Self { registry, in_flight, connections, unrouted: Arc::new(RouteCounts::new(None)) }
    }

    /// One of the gateway's own answers is on its way.
    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight { all: self.in_flight.clone(), of_route: None }
    }

    /// A request of a route is on its way, or of none.
    pub(crate) fn begin_at<'r>(&'r self, route: Option<&'r Route>, begun: Instant) -> (InFlight, Unanswered<'r>) {
        let counts = self.of(route);
        counts.in_flight.inc();
        let mut in_flight = self.begin();
        in_flight.of_route = Some((Arc::clone(counts), begun));
        (in_flight, Unanswered(Some(&**counts)))
    }

    pub(crate) fn connection(&self) -> Open {
        self.connections.inc();
        Open(self.connections.clone())
    }

    fn of<'r>(&'r self, route: Option<&'r Route>) -> &'r Arc<RouteCounts> {
        route.map_or(&self.unrouted, |route| &route.counts)
    }

    /// All of it, and what these routes and upstreams, the cache and the access log have counted.
    pub(crate) fn text(
        &self,
        routes: &[Arc<Route>],
        upstreams: Vec<Upstream>,
        cache: Option<&Cache>,
        access: Option<&AccessLog>,
    ) -> String {
        let mut collected = Registry::with_prefix(PREFIX);
        if let Some(access) = access {
            let help = "Lines of the access log that had no room in its queue, or could not be written";
            collected.register("access_log_dropped", help, ConstCounter::new(access.dropped()));
        }
        let mut routes = routes::Collected::of(routes.iter());
        routes.0.push((NO_SERVICE.into(), NO_SERVICE.into(), Arc::clone(&self.unrouted)));
        collected.register_collector(Box::new(routes));
        collected.register_collector(Box::new(Collected(upstreams)));
        if let Some(cache) = cache {
            cache.register(&mut collected);
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = encode_registry(&mut text, &collected);
        let _ = encode(&mut text, &self.registry);
        text
    }
}
