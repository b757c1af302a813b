//! One instance of a service.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use super::health::Streak;
use super::latency::PeakEwma;
use super::options::{Protocol, UpstreamOptions};
use super::outlier::Record;
use super::pool::Pool;

/// Where an instance listens, what is under way there, and what is known of it.
#[derive(Debug)]
pub(crate) struct Endpoint {
    address: SocketAddr,
    /// The same as a header's value; none never comes about, since every address is one.
    host: Option<HeaderValue>,
    pool: Pool,
    under_way: AtomicUsize,
    latency: PeakEwma,
    pub(super) record: Record,
    pub(super) streak: Streak,
    /// Its answers to questions after its health are bad.
    sick: AtomicBool,
    since: Instant,
    /// Times as microseconds from `since`.
    ejected_until: AtomicU64,
    resting_until: AtomicU64,
    ready_since: AtomicU64,
    pub(super) good: AtomicU64,
    pub(super) bad: AtomicU64,
}

/// Counts one request as being under way at an instance for as long as it lives.
#[derive(Debug)]
pub(crate) struct UnderWay(Arc<Endpoint>);

impl UnderWay {
    pub(super) fn endpoint(&self) -> &Arc<Endpoint> {
        &self.0
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Endpoint {
    pub(crate) fn new(address: SocketAddr, options: &UpstreamOptions) -> Self {
        Self {
            address,
            host: HeaderValue::from_str(&address.to_string()).ok(),
            pool: Pool::new(address, options.connections, options.protocol == Protocol::H2c),
            under_way: AtomicUsize::new(0),
            latency: PeakEwma::new(options.balance.decay),
            record: Record::new(options.outliers.window),
            streak: Streak::default(),
            sick: AtomicBool::new(false),
            since: Instant::now(),
            ejected_until: AtomicU64::new(0),
            resting_until: AtomicU64::new(0),
            ready_since: AtomicU64::new(0),
            good: AtomicU64::new(0),
            bad: AtomicU64::new(0),
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) fn host(&self) -> Option<&HeaderValue> {
        self.host.as_ref()
    }

    pub(super) fn pool(&self) -> &Pool {
        &self.pool
    }

    pub(super) fn latency(&self) -> &PeakEwma {
        &self.latency
    }

    /// How many requests are under way there.
    pub(crate) fn load(&self) -> usize {
        self.under_way.load(Ordering::Relaxed)
    }

    /// Counts a request.
    pub(crate) fn begin(self: &Arc<Self>) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::Relaxed);
        UnderWay(Arc::clone(self))
    }

    /// How long it is known, in microseconds.
    fn clock(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.since).as_micros()).unwrap_or(u64::MAX)
    }

    /// Whether it is in health, as far as is known: it is neither sick nor ejected, and has not asked for a rest.
    pub(super) fn is_well(&self, now: Instant) -> bool {
        let clock = self.clock(now);
        !self.sick.load(Ordering::Relaxed)
            && self.ejected_until.load(Ordering::Relaxed) <= clock
            && self.resting_until.load(Ordering::Relaxed) <= clock
    }

    pub(super) fn is_ejected(&self, now: Instant) -> bool {
        self.ejected_until.load(Ordering::Relaxed) > self.clock(now)
    }

    pub(super) fn eject(&self, time: Duration, now: Instant) {
        let until = self.clock(now + time);
        self.ejected_until.store(until, Ordering::Relaxed);
        self.ready_since.store(until, Ordering::Relaxed);
    }

    /// It has asked for a rest.
    pub(super) fn rest(&self, time: Duration, now: Instant) {
        self.resting_until.fetch_max(self.clock(now + time), Ordering::Relaxed);
    }

    /// What questions after its health say; whether it is well again.
    pub(super) fn set_sick(&self, sick: bool, now: Instant) -> bool {
        let is_back = self.sick.swap(sick, Ordering::Relaxed) && !sick;
        if is_back {
            self.begin_anew(now);
        }
        is_back
    }

    /// It is ready again after it was not: it is left out no longer, and starts slowly.
    pub(super) fn begin_anew(&self, now: Instant) {
        self.record.forget();
        self.ready_since.store(self.clock(now), Ordering::Relaxed);
        self.ejected_until.store(0, Ordering::Relaxed);
        self.resting_until.store(0, Ordering::Relaxed);
    }

    pub(super) fn is_sick(&self) -> bool {
        self.sick.load(Ordering::Relaxed)
    }

    /// Its share of the requests, from a tenth to all of it, while it starts slowly.
    pub(super) fn share(&self, slow_start: Duration, now: Instant) -> f64 {
        if slow_start.is_zero() {
            return 1.0;
        }
        let ready = self.clock(now).saturating_sub(self.ready_since.load(Ordering::Relaxed));
        (Duration::from_micros(ready).as_secs_f64() / slow_start.as_secs_f64()).clamp(0.1, 1.0)
    }
}
