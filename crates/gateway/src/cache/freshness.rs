//! How old an answer is, and how long it is fresh (RFC 9111 §4.2).

use std::time::Duration;

use http::{HeaderMap, StatusCode, header};
use tradewind_events::Timestamp;

use super::directives::{Directives, delta_seconds};
use super::options::CachePolicy;
use super::validators::date;

/// How long a heuristic may make an answer fresh.
pub(crate) const GUESS_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The part of the time since the last modification for which an answer is taken to be fresh (RFC 9111 §4.2.2).
const GUESS_DIVISOR: u32 = 10;

/// When a request was sent and its answer's head received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Exchange {
    pub(crate) asked: Timestamp,
    pub(crate) received: Timestamp,
}

/// An answer's age and lifetime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Freshness {
    received: Timestamp,
    /// How old it was when it was received.
    initial_age: Duration,
    lifetime: Duration,
    /// Whether the answer says so itself.
    pub(crate) is_explicit: bool,
}

impl Freshness {
    pub(crate) fn of(
        status: StatusCode,
        headers: &HeaderMap,
        directives: &Directives,
        exchange: Exchange,
        policy: &CachePolicy,
    ) -> Self {
        let explicit = explicit_lifetime(headers, directives, exchange.received);
        let lifetime = explicit.or_else(|| implicit_lifetime(status, headers, directives, exchange.received, policy));
        Self {
            received: exchange.received,
            initial_age: initial_age(headers, exchange),
            lifetime: lifetime.unwrap_or_default(),
            is_explicit: explicit.is_some(),
        }
    }

    pub(crate) fn received(&self) -> Timestamp {
        self.received
    }

    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        self.initial_age + now.since(self.received)
    }

    /// How long it has been fresh no more; nothing if it is.
    pub(crate) fn stale_for(&self, now: Timestamp) -> Option<Duration> {
        let age = self.age(now);
        (age >= self.lifetime).then(|| age - self.lifetime)
    }

    /// How long it will still be fresh.
    pub(crate) fn fresh_for(&self, now: Timestamp) -> Duration {
        self.lifetime.saturating_sub(self.age(now))
    }
}

/// RFC 9111 §4.2.3: what the answer says, or how long ago it was made by its `Date`, whichever is more.
fn initial_age(headers: &HeaderMap, exchange: Exchange) -> Duration {
    let told =
        headers.get(header::AGE).map(|age| age.as_bytes().split(|&byte| byte == b',').next().unwrap_or_default());
    let told = told.and_then(|age| delta_seconds(age.trim_ascii())).unwrap_or_default();
    let corrected = told + exchange.received.since(exchange.asked);
    let apparent =
        date(headers, &header::DATE).map_or(Duration::ZERO, |made| seconds(exchange.received).saturating_sub(made));
    corrected.max(apparent)
}

fn explicit_lifetime(headers: &HeaderMap, directives: &Directives, received: Timestamp) -> Option<Duration> {
    let told = directives.s_maxage.or(directives.max_age);
    told.or_else(|| {
        let made = date(headers, &header::DATE).unwrap_or_else(|| seconds(received));
        // What is no date lies in the past (§5.3).
        let until = |_| date(headers, &header::EXPIRES).unwrap_or_default().saturating_sub(made);
        headers.get(header::EXPIRES).map(until)
    })
}

fn implicit_lifetime(
    status: StatusCode,
    headers: &HeaderMap,
    directives: &Directives,
    received: Timestamp,
    policy: &CachePolicy,
) -> Option<Duration> {
    if !(is_heuristic(status) || directives.public) {
        return None;
    }
    if let Some(fresh_for) = policy.fresh_for.filter(|_| is_content(status)) {
        return Some(fresh_for);
    }
    let made = date(headers, &header::DATE).unwrap_or_else(|| seconds(received));
    let unchanged = made.saturating_sub(date(headers, &header::LAST_MODIFIED)?);
    Some((unchanged / GUESS_DIVISOR).min(GUESS_MAX))
}

/// Statuses for which a cache may guess (RFC 9110 §15.1).
pub(crate) fn is_heuristic(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 404 | 405 | 410 | 414 | 501)
}

/// Statuses to which a route's own times apply: it speaks of what is there, not of mistakes.
pub(crate) fn is_content(status: StatusCode) -> bool {
    matches!(status.as_u16(), 200 | 203 | 204 | 300 | 301 | 308 | 410)
}

/// Whole seconds since the epoch, as dates in headers are.
fn seconds(moment: Timestamp) -> Duration {
    Duration::from_secs(moment.since(Timestamp::EPOCH).as_secs())
}
