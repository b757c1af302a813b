//! Looking after an upstream while it is there: asking its instances how they are, and closing what is idle for too long.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use http::{HeaderValue, Request, header};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::options::{HealthCheck, Protocol};
use super::{Endpoint, Inner, RequestBody, Upstream};

/// The answers of an instance to questions after its health, in succession.
#[derive(Debug, Default)]
pub(super) struct Streak(Mutex<Counted>);

#[derive(Debug, Default)]
struct Counted {
    good: u32,
    bad: u32,
    ever_good: bool,
}

impl Streak {
    /// Notes an answer; what it comes to: sick, or well, or what it was. Who has never been well is not given a second try.
    fn add(&self, good: bool, check: &HealthCheck) -> Option<bool> {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if good {
            (counted.good, counted.bad) = (counted.good.saturating_add(1), 0);
            let first = !std::mem::replace(&mut counted.ever_good, true);
            (first || counted.good >= check.healthy_after).then_some(false)
        } else {
            (counted.good, counted.bad) = (0, counted.bad.saturating_add(1));
            (!counted.ever_good || counted.bad >= check.unhealthy_after).then_some(true)
        }
    }
}

impl Upstream {
    /// Begins to look after it, if nobody does: with the first request at the latest. Ends when nobody has it any more.
    ///
    /// # Panics
    /// Outside of a Tokio runtime.
    pub fn start(&self) {
        let flag = &self.0.looked_after;
        if !flag.load(Ordering::Relaxed) && !flag.swap(true, Ordering::Relaxed) {
            tokio::spawn(look_after(Arc::downgrade(&self.0), self.0.endpoints.subscribe()));
        }
    }

    /// Asks all instances at once, and waits for their answers.
    async fn ask_all(&self, check: &HealthCheck) {
        let mut asked = JoinSet::new();
        for endpoint in self.endpoints().iter() {
            let (endpoint, check) = (Arc::clone(endpoint), check.clone());
            let http2 = self.options().protocol == Protocol::H2c;
            asked.spawn(async move {
                let good = matches!(timeout(check.timeout, endpoint.ask(&check, http2)).await, Ok(true));
                (endpoint, good)
            });
        }
        while let Some(Ok((endpoint, good))) = asked.join_next().await {
            let Some(sick) = endpoint.streak.add(good, check) else { continue };
            if sick != endpoint.is_sick() {
                let (service, address) = (self.name(), endpoint.address());
                tracing::info!(%service, %address, sick, "instance's health has changed");
            }
            if endpoint.set_sick(sick, Instant::now()) {
                self.treatment().breaker.look_again();
            }
        }
    }
}

impl Endpoint {
    /// Asks how it is, on a connection of its own: one in use says nothing about whether others are accepted.
    async fn ask(&self, check: &HealthCheck, http2: bool) -> bool {
        let mut request = Request::new(RequestBody::empty());
        let Ok(target) = check.path.parse() else { return false };
        *request.uri_mut() = target;
        if let Some(host) = self.host() {
            request.headers_mut().insert(header::HOST, host.clone());
        }
        request.headers_mut().insert(header::USER_AGENT, HeaderValue::from_static("tradewind-health"));
        self.pool().ask_alone(request, http2, check.timeout).await.is_ok_and(|status| status.is_success())
    }
}

async fn look_after(upstream: Weak<Inner>, mut changes: watch::Receiver<Arc<[Arc<Endpoint>]>>) {
    let mut next_questions = Instant::now();
    loop {
        let wake = {
            let Some(upstream) = upstream.upgrade().map(Upstream) else { return };
            changes.mark_unchanged();
            for endpoint in upstream.endpoints().iter() {
                endpoint.pool().prune();
            }
            let next_pruning = Instant::now() + (upstream.options().connections.idle / 2).max(LEAST);
            match upstream.options().health.clone() {
                Some(check) => {
                    if Instant::now() >= next_questions {
                        upstream.ask_all(&check).await;
                        // Not all gateways at the same time.
                        let pause = check.interval.max(LEAST).mul_f64(0.9 + 0.2 * fastrand::f64());
                        next_questions = Instant::now() + pause;
                    }
                    next_pruning.min(next_questions)
                }
                None => next_pruning,
            }
        };
        match timeout_at(wake, changes.changed()).await {
            // New instances are asked at once.
            Ok(Ok(())) => next_questions = Instant::now(),
            // Nobody has it any more.
            Ok(Err(_)) => return,
            Err(_) => {}
        }
    }
}

/// More often would be no care.
const LEAST: Duration = Duration::from_millis(10);
