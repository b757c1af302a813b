//! Passive health: an instance that fails more than others is left out for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::Endpoint;
use super::options::OutlierDetection;
use super::window::Window;

/// How an instance has done lately.
#[derive(Debug)]
pub(super) struct Record(Mutex<Inner>);

#[derive(Debug)]
struct Inner {
    failed_in_succession: u32,
    window: Window,
    ejections: u32,
    ejected_last: Option<Instant>,
}

impl Record {
    pub(super) fn new(window: Duration) -> Self {
        let inner = Inner { failed_in_succession: 0, window: Window::new(window), ejections: 0, ejected_last: None };
        Self(Mutex::new(inner))
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes how a request went; whether that is one failure too many.
    pub(super) fn add(&self, good: bool, options: &OutlierDetection, now: Instant) -> bool {
        let mut inner = self.lock();
        inner.window.add(good, now);
        if good {
            inner.failed_in_succession = 0;
            return false;
        }
        inner.failed_in_succession = inner.failed_in_succession.saturating_add(1);
        (options.consecutive > 0 && inner.failed_in_succession >= options.consecutive)
            || inner.window.is_bad(options.minimum, options.percent)
    }

    /// What it did before is held against it no longer; how often it was ejected is.
    pub(super) fn forget(&self) {
        let mut inner = self.lock();
        inner.failed_in_succession = 0;
        inner.window.clear();
    }

    /// Notes an ejection, and says how long it is to last. Who did well for a while begins anew.
    fn ejection(&self, options: &OutlierDetection, now: Instant) -> Duration {
        let mut inner = self.lock();
        let last = options.ejection.saturating_mul(inner.ejections).min(options.ejection_at_most);
        let long_ago = |at: Instant| now.saturating_duration_since(at) > last + options.ejection.saturating_mul(2);
        if inner.ejected_last.is_some_and(long_ago) {
            inner.ejections = 0;
        }
        inner.ejections += 1;
        inner.ejected_last = Some(now);
        inner.failed_in_succession = 0;
        inner.window.clear();
        options.ejection.saturating_mul(inner.ejections).min(options.ejection_at_most)
    }
}

/// Ejects an instance, unless too many are away already.
pub(super) fn eject(
    endpoint: &Endpoint,
    among: &[Arc<Endpoint>],
    options: &OutlierDetection,
    now: Instant,
) -> Option<Duration> {
    let ejected = among.iter().filter(|other| other.is_ejected(now)).count();
    let part = among.len() * usize::from(options.ejected_percent.min(100)) / 100;
    let at_most = if options.may_eject_last { part } else { part.min(among.len().saturating_sub(1)) };
    let left = among.iter().filter(|other| other.is_well(now)).count();
    if ejected >= at_most || endpoint.is_ejected(now) || (left <= 1 && !options.may_eject_last) {
        return None;
    }
    let time = endpoint.record.ejection(options, now);
    endpoint.eject(time, now);
    Some(time)
}
