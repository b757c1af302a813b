//! What is counted of upstreams and their instances, told when it is asked for.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;
use tokio::time::Instant;

use super::{Endpoint, Upstream};

/// Counts of one upstream since it is there.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) retries: AtomicU64,
    pub(super) hedges: AtomicU64,
    pub(super) hedges_won: AtomicU64,
    pub(super) over_budget: AtomicU64,
    pub(super) dead_connections: AtomicU64,
    pub(super) refused: AtomicU64,
    pub(super) ejections: AtomicU64,
    ejecting: Mutex<()>,
}

impl Counters {
    /// Ejections are decided one after the other.
    pub(super) fn ejecting(&self) -> MutexGuard<'_, ()> {
        self.ejecting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

fn told(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}

/// Upstreams, as a registry asks for them.
#[derive(Debug)]
pub(crate) struct Collected(pub(crate) Vec<Upstream>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Service {
    service: Arc<str>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Instance {
    service: Arc<str>,
    endpoint: String,
}

type Count = (&'static str, &'static str, fn(&Upstream) -> u64);
type InstanceCount = (&'static str, &'static str, fn(&Endpoint) -> u64);

const COUNTS: [Count; 8] = [
    ("retries", "Requests sent again", |upstream| told(&upstream.0.counters.retries)),
    ("hedges", "Requests sent to a second instance while the first had not answered", |upstream| {
        told(&upstream.0.counters.hedges)
    }),
    ("hedges_won", "Hedges that answered first", |upstream| told(&upstream.0.counters.hedges_won)),
    ("over_budget", "Retries and hedges that the retry budget did not allow", |upstream| {
        told(&upstream.0.counters.over_budget)
    }),
    ("dead_connections", "Kept connections that turned out to be dead, which cost nobody an answer", |upstream| {
        told(&upstream.0.counters.dead_connections)
    }),
    ("breaker_refused", "Requests that the circuit breaker did not let through", |upstream| {
        told(&upstream.0.counters.refused)
    }),
    ("breaker_opened", "Times that the circuit breaker opened", |upstream| upstream.treatment().breaker.opened()),
    ("ejections", "Times that an instance was left out for failing", |upstream| told(&upstream.0.counters.ejections)),
];

const GAUGES: [Count; 2] = [
    ("breaker_open", "Whether the circuit breaker lets nobody through", |upstream| {
        u64::from(upstream.treatment().breaker.open_for().is_some())
    }),
    ("upstream_in_flight", "Requests of which the service has not sent all of the answer", |upstream| {
        upstream.treatment().breaker.in_flight() as u64
    }),
];

const INSTANCE_COUNTS: [InstanceCount; 3] = [
    ("endpoint_good", "Answers of the instance", |endpoint| told(&endpoint.good)),
    ("endpoint_bad", "No answer of the instance, none in time, or 502, 503 or 504", |endpoint| told(&endpoint.bad)),
    ("endpoint_connections_opened", "Connections opened to the instance", |endpoint| endpoint.pool().opened()),
];

const INSTANCE_GAUGES: [InstanceCount; 4] = [
    ("endpoint_well", "Whether the instance is in health", |endpoint| u64::from(endpoint.is_well(Instant::now()))),
    ("endpoint_in_flight", "Requests under way at the instance", |endpoint| endpoint.load() as u64),
    ("endpoint_idle_connections", "Idle connections to the instance", |endpoint| endpoint.pool().idle_count() as u64),
    ("endpoint_waiting", "Requests that wait for a connection to the instance", |endpoint| {
        endpoint.pool().waiting() as u64
    }),
];

impl Collector for Collected {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, help, count) in COUNTS {
            self.each(&mut encoder, name, help, MetricType::Counter, |upstream| ConstCounter::new(count(upstream)))?;
        }
        for (name, help, count) in GAUGES {
            self.each(&mut encoder, name, help, MetricType::Gauge, |upstream| gauge(count(upstream)))?;
        }
        for (name, help, count) in INSTANCE_COUNTS {
            let metric = |endpoint: &Endpoint| ConstCounter::new(count(endpoint));
            self.each_instance(&mut encoder, name, help, None, MetricType::Counter, metric)?;
        }
        for (name, help, count) in INSTANCE_GAUGES {
            let metric = |endpoint: &Endpoint| gauge(count(endpoint));
            self.each_instance(&mut encoder, name, help, None, MetricType::Gauge, metric)?;
        }
        let latency = |endpoint: &Endpoint| ConstGauge::new(endpoint.latency().seconds(Instant::now()).unwrap_or(0.0));
        let help = "The peak-sensitive moving average of the time to an answer's head";
        self.each_instance(&mut encoder, "endpoint_latency", help, Some(&Unit::Seconds), MetricType::Gauge, latency)
    }
}

fn gauge(value: u64) -> ConstGauge<i64> {
    ConstGauge::new(i64::try_from(value).unwrap_or(i64::MAX))
}

impl Collected {
    fn each<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        kind: MetricType,
        metric: impl Fn(&Upstream) -> M,
    ) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for upstream in &self.0 {
            let labels = Service { service: Arc::clone(upstream.name()) };
            metric(upstream).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn each_instance<M: EncodeMetric>(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        name: &str,
        help: &str,
        unit: Option<&Unit>,
        kind: MetricType,
        metric: impl Fn(&Endpoint) -> M,
    ) -> Result<(), fmt::Error> {
        let mut family = encoder.encode_descriptor(name, help, unit, kind)?;
        for upstream in &self.0 {
            for endpoint in upstream.endpoints().iter() {
                let service = Arc::clone(upstream.name());
                let labels = Instance { service, endpoint: endpoint.address().to_string() };
                metric(endpoint).encode(family.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}
