//! A service behind the gateway: where its instances are, which of them gets a request, and what is done when it does
//! not answer.
//!
//! [`Upstream::call`] is the face. In reading order: [`UpstreamOptions`] and [`CallPolicy`] say what is allowed;
//! [`Deadline`] until when; `call` tries, and tries again; `hedge` asks two at once; `attempt` is one try at one instance.
//! An `endpoint` is an instance, with its `pool` of connections and what is known of it: `latency`, `outlier`, `health`.
//! `choice` picks one. `breaker` lets nobody through when nothing goes well.
//!
//! `docs/internals/gateway-upstreams.md` tells how it fits together.

mod options;
mod describe;
mod uploads;
mod policy;
mod deadline;
mod no_answer;
mod treatment;
mod span;
mod trail;
mod request;
mod answer;
mod call;
mod hedge;
mod attempt;
mod endpoint;
mod pool;
mod choice;
mod latency;
mod outlier;
mod health;
mod window;
mod breaker;
mod metrics;

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::watch;
use tokio::time::Instant;

pub use answer::AnswerBody;
pub use deadline::{DEADLINE, Deadline, InvalidDeadline};
pub use no_answer::NoAnswer;
pub use options::{
    Balance, BreakerOptions, ConnectionLimits, HealthCheck, OutlierDetection, Protocol, RetryBudget, UpstreamOptions,
};
pub use policy::{CallPolicy, Hedge, RetryPolicy};
pub use request::RequestBody;
pub use uploads::Uploads;

pub(crate) use endpoint::{Endpoint, UnderWay};
pub(crate) use metrics::Collected;
pub(crate) use trail::Trail;

use latency::Latencies;
use metrics::Counters;
use treatment::Treatment;

/// A service and the addresses of its instances, which come and go while requests are under way. Cheap to clone: all
/// clones are one.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    name: Arc<str>,
    treatment: ArcSwap<Treatment>,
    /// Held while it is treated otherwise: one change after the other.
    changing: Mutex<()>,
    endpoints: watch::Sender<Arc<[Arc<Endpoint>]>>,
    latencies: Latencies,
    counters: Counters,
    /// Whether somebody looks after it already.
    looked_after: AtomicBool,
}

impl Upstream {
    /// A service at these addresses, treated as most are.
    #[must_use]
    pub fn new(name: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        Self::with_options(name, addresses, UpstreamOptions::default())
    }

    /// A service at these addresses.
    #[must_use]
    pub fn with_options(name: &str, addresses: impl IntoIterator<Item = SocketAddr>, options: UpstreamOptions) -> Self {
        let upstream = Self(Arc::new(Inner {
            name: name.into(),
            treatment: ArcSwap::from_pointee(Treatment::new(options)),
            changing: Mutex::new(()),
            endpoints: watch::Sender::new(Arc::new([])),
            latencies: Latencies::new(),
            counters: Counters::default(),
            looked_after: AtomicBool::new(false),
        }));
        upstream.set_addresses(addresses);
        upstream
    }

    /// The service's name, for logs and metrics.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.0.name
    }

    /// How it is treated.
    #[must_use]
    pub fn options(&self) -> Arc<UpstreamOptions> {
        Arc::clone(&self.treatment().options)
    }

    fn treatment(&self) -> Guard<Arc<Treatment>> {
        self.0.treatment.load()
    }

    /// Treats it otherwise from now on. What is under way goes on as it began; what is counted is counted on, and what is
    /// treated as before goes on as it was. Instances are met anew, on other connections, if these or the questions after
    /// their health are other ones.
    pub fn set_options(&self, options: UpstreamOptions) {
        let _one_at_a_time = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.0.treatment.load_full();
        if *before.options == options {
            return;
        }
        let treatment = Arc::new(before.instead(options));
        let options = Arc::clone(&treatment.options);
        self.0.treatment.store(treatment);
        if before.options.are_met_alike(&options) {
            return;
        }
        let mut met_before = Vec::new();
        self.0.endpoints.send_modify(|endpoints| {
            let anew = |endpoint: &Arc<Endpoint>| Arc::new(Endpoint::new(endpoint.address(), &options));
            let others = endpoints.iter().map(anew).collect();
            met_before = std::mem::replace(endpoints, others).to_vec();
        });
        for endpoint in met_before {
            endpoint.pool().close();
        }
    }

    /// Where its instances are, in ascending order.
    #[must_use]
    pub fn addresses(&self) -> Vec<SocketAddr> {
        self.endpoints().iter().map(|endpoint| endpoint.address()).collect()
    }

    /// Says where its instances are from now on. What is under way at one that is left out goes on, and nothing more is
    /// sent to it; what is known of one that stays is kept.
    pub fn set_addresses(&self, addresses: impl IntoIterator<Item = SocketAddr>) {
        let _one_at_a_time = self.0.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let options = self.options();
        let addresses: BTreeSet<SocketAddr> = addresses.into_iter().collect();
        let (mut left_out, mut is_new) = (Vec::new(), false);
        self.0.endpoints.send_if_modified(|endpoints| {
            if endpoints.iter().map(|endpoint| endpoint.address()).eq(addresses.iter().copied()) {
                return false;
            }
            left_out = endpoints.iter().filter(|known| !addresses.contains(&known.address())).cloned().collect();
            let known = |address| endpoints.iter().find(|endpoint| endpoint.address() == address).map(Arc::clone);
            let mut kept = |address| {
                known(address).unwrap_or_else(|| {
                    is_new = true;
                    Arc::new(Endpoint::new(address, &options))
                })
            };
            *endpoints = addresses.iter().map(|address| kept(*address)).collect();
            true
        });
        for endpoint in left_out {
            endpoint.pool().close();
        }
        if is_new {
            self.treatment().breaker.reset();
        }
    }

    /// Says that an instance is ready that was not, as after a restart at the same address. It is left out no longer, and if
    /// the breaker lets nobody through, it lets some through at once, to see.
    pub fn is_back(&self, address: SocketAddr) {
        let endpoints = self.endpoints();
        let Some(endpoint) = endpoints.iter().find(|endpoint| endpoint.address() == address) else { return };
        endpoint.begin_anew(Instant::now());
        self.treatment().breaker.look_again();
    }

    fn endpoints(&self) -> Arc<[Arc<Endpoint>]> {
        Arc::clone(&self.0.endpoints.borrow())
    }

    /// The instance that the next request goes to, if there is any: one in health that was not met in vain if possible.
    pub(crate) fn choose(&self, in_vain: &[SocketAddr]) -> Option<Arc<Endpoint>> {
        choice::best_of_two(&self.0.endpoints.borrow(), in_vain, &self.treatment().options.balance).map(Arc::clone)
    }

    /// Whether there is an instance besides these.
    pub(crate) fn has_other_than(&self, in_vain: &[SocketAddr]) -> bool {
        self.0.endpoints.borrow().iter().any(|endpoint| !in_vain.contains(&endpoint.address()))
    }

    /// Whether there is one in health besides these.
    fn has_well_other_than(&self, in_vain: &[SocketAddr]) -> bool {
        let now = Instant::now();
        let endpoints = self.0.endpoints.borrow();
        endpoints.iter().any(|endpoint| endpoint.is_well(now) && !in_vain.contains(&endpoint.address()))
    }

    /// Waits until the addresses are others, but no longer than this.
    pub(crate) async fn wait_for_change(&self, at_most: Duration) {
        // The sender lives in here, so it cannot be gone; and a pause that is over is no error.
        let _ = tokio::time::timeout(at_most, self.0.endpoints.subscribe().changed()).await;
    }

    /// Notes how an instance did with a request, and leaves it out for a while if that was one failure too many.
    fn met(&self, endpoint: &Endpoint, good: bool) {
        let count = if good { &endpoint.good } else { &endpoint.bad };
        metrics::add(count);
        let (options, now) = (&{ self.treatment().options.outliers }, Instant::now());
        if !endpoint.record.add(good, options, now) {
            return;
        }
        // No other is chosen for ejection in the meantime: none would be left.
        let endpoints = self.0.endpoints.borrow();
        let _one_at_a_time = self.0.counters.ejecting();
        if let Some(time) = outlier::eject(endpoint, &endpoints, options, now) {
            metrics::add(&self.0.counters.ejections);
            let (service, address) = (&self.0.name, endpoint.address());
            tracing::warn!(%service, %address, seconds = time.as_secs_f64(), "instance is ejected: it fails too often");
        }
    }
}

impl PartialEq for Upstream {
    /// Whether both are clones of one.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Upstream {}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream").field("name", &self.0.name).field("addresses", &self.addresses()).finish()
    }
}

#[cfg(test)]
mod tests;
