//! One stored answer, and those to the same target that differ by `Vary`.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use tradewind_events::{Position, Timestamp};

use super::directives::Directives;
use super::freshness::Freshness;
use super::options::{CachePolicy, OnFailure};
use super::selecting::Selecting;
use super::tags::Tag;

pub(crate) const POSITION: HeaderName = HeaderName::from_static("tradewind-position");

/// Bytes that an entry takes beside what can be counted: allocations, the store's slots, the index's nodes.
const OVERHEAD_BYTES: usize = 512;

/// Bytes that a header or a tag takes beside its text.
const ITEM_OVERHEAD_BYTES: usize = 64;

/// What is known of an answer apart from its body.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) directives: Directives,
    pub(crate) freshness: Freshness,
    pub(crate) selecting: Selecting,
    pub(crate) tags: Box<[Tag]>,
    /// Up to where the service had come when it answered.
    pub(crate) position: Option<Position>,
    /// The service whose position that is.
    pub(crate) source: Arc<str>,
}

/// A stored answer. Its body is whole.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) head: Head,
    pub(crate) body: Bytes,
    /// Since when an event has made it doubtful, in microseconds; `i64::MAX` if none has.
    outdated_us: AtomicI64,
}

/// Whether what is stored may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Fresh,
    /// Stale for so long.
    Stale(Duration),
}

impl Head {
    /// The answer's own bounds, then the request's and the route's, unless it forbids to be served stale
    /// (RFC 9111 §4.2.4).
    pub(crate) fn stale_if_error(&self, policy: &CachePolicy, request: &Directives) -> Option<Duration> {
        let own = self.directives.stale_if_error;
        let of_route = match policy.on_failure {
            OnFailure::Error => None,
            OnFailure::Stale(bound) => Some(bound),
        };
        let bound = own.max(of_route).max(request.stale_if_error);
        bound.filter(|_| !self.forbids_stale(own.is_some()))
    }

    /// How long it may be served while it is being revalidated.
    pub(crate) fn stale_while_revalidate(&self, policy: &CachePolicy) -> Option<Duration> {
        let own = self.directives.stale_while_revalidate;
        own.or(policy.stale_while_revalidate).filter(|_| !self.forbids_stale(own.is_some()))
    }

    /// `s-maxage` forbids it as well, unless the same answer allows it in so many words.
    pub(crate) fn forbids_stale(&self, allows_it_itself: bool) -> bool {
        let Directives { no_cache, must_revalidate, proxy_revalidate, s_maxage, .. } = self.directives;
        no_cache || must_revalidate || proxy_revalidate || (s_maxage.is_some() && !allows_it_itself)
    }

    /// Whether it shows everything up to a position. What tells none shows nothing for certain.
    pub(crate) fn shows(&self, after: Option<Position>) -> bool {
        after.is_none_or(|after| self.position.is_some_and(|position| position >= after))
    }

    pub(crate) fn bytes(&self) -> usize {
        let headers = self.headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ITEM_OVERHEAD_BYTES);
        // A tag is in the index, too.
        let tags = self.tags.iter().map(|tag| 2 * (tag.len() + ITEM_OVERHEAD_BYTES));
        OVERHEAD_BYTES + headers.sum::<usize>() + tags.sum::<usize>() + self.selecting.bytes()
    }
}

impl Stored {
    pub(crate) fn new(head: Head, body: Bytes) -> Self {
        Self { head, body, outdated_us: AtomicI64::new(i64::MAX) }
    }

    /// The same body under a head that says more.
    pub(crate) fn with_head(&self, head: Head) -> Self {
        Self::new(head, self.body.clone())
    }

    pub(crate) fn condition(&self, now: Timestamp) -> Condition {
        let expired = self.head.freshness.stale_for(now);
        let outdated = self.outdated_since().map(|since| now.since(since));
        match expired.max(outdated) {
            Some(stale_for) => Condition::Stale(stale_for),
            None => Condition::Fresh,
        }
    }

    /// Since when it is known that something has happened to what it shows.
    pub(crate) fn outdated_since(&self) -> Option<Timestamp> {
        let since = self.outdated_us.load(Ordering::Acquire);
        (since != i64::MAX).then(|| Timestamp::from_micros(since))
    }

    /// Makes it stale from now on, whatever it says itself.
    pub(crate) fn outdate(&self, now: Timestamp) {
        self.outdated_us.fetch_min(now.micros(), Ordering::AcqRel);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.body.len() + self.head.bytes()
    }
}

/// All stored answers to one target, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Variants(pub(crate) Vec<Arc<Stored>>);

impl Variants {
    pub(crate) fn matching(&self, request: &HeaderMap) -> Option<&Arc<Stored>> {
        self.0.iter().find(|stored| stored.head.selecting.matches(request))
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter().flat_map(|stored| &stored.head.tags)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|stored| stored.bytes()).sum()
    }
}

/// Where the service had come, as the answer tells it.
pub(crate) fn position_of(headers: &HeaderMap) -> Option<Position> {
    headers.get(POSITION)?.to_str().ok()?.trim().parse().ok()
}

/// Headers as they are kept: without those of one connection or exchange only, and in memory of their own, since a
/// value that came from the wire holds on to everything that was read with it.
pub(crate) fn kept_headers(answer: &HeaderMap, policy: &CachePolicy, received: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(answer.keys_len());
    for (name, value) in answer {
        if *name == header::AGE || *name == super::status::CACHE_STATUS || Some(name) == policy.tag_header.as_ref() {
            continue;
        }
        let mut own = HeaderValue::from_bytes(value.as_bytes()).unwrap_or_else(|_| value.clone());
        own.set_sensitive(value.is_sensitive());
        headers.append(name.clone(), own);
    }
    crate::headers::remove_hop_by_hop(&mut headers);
    if !headers.contains_key(header::DATE) {
        let received = std::time::SystemTime::UNIX_EPOCH + received.since(Timestamp::EPOCH);
        if let Ok(date) = HeaderValue::from_str(&httpdate::fmt_http_date(received)) {
            headers.insert(header::DATE, date);
        }
    }
    headers
}
