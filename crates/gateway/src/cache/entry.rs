//! One stored answer, and those to the same target that differ by `Vary`.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use tradewind_events::{Position, Timestamp};

use super::coding::{ContentCoding, Form, Packed};
use super::directives::Directives;
use super::freshness::{Freshness, is_content};
use super::hit::{Counted, Told};
use super::options::{CachePolicy, OnFailure};
use super::selecting::{Choosing, Selecting};
use super::status::CACHE_STATUS;
use super::tags::Tag;
use crate::position::{POSITION, position_in};

/// Bytes that an entry takes beside what can be counted: allocations, the store's slots, the index's nodes.
const OVERHEAD_BYTES: usize = 1_024;

/// Bytes that a header or a tag takes beside its text.
const ITEM_OVERHEAD_BYTES: usize = 224;

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
    pub(crate) rule: Rule,
}

/// What is in an answer of the rule that it was stored under. A plan may have another one by now, whose tags it lacks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rule {
    kind: u64,
    fresh_for: Option<Duration>,
}

impl From<&CachePolicy> for Rule {
    fn from(policy: &CachePolicy) -> Self {
        Self { kind: policy.kind(), fresh_for: policy.fresh_for }
    }
}

/// A stored answer. Its body is whole.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) head: Arc<Head>,
    pub(crate) body: Bytes,
    /// The codings that somebody has wanted it in, a handful at most.
    packed: Box<[Packed]>,
    /// Since when an event has made it doubtful, in microseconds; `i64::MAX` if none has.
    outdated_us: AtomicI64,
    /// What hits have told of its age in this second.
    pub(super) told: ArcSwapOption<Told>,
    /// What counts hits, for the first route that had one.
    pub(super) counted: OnceLock<Counted>,
    /// When it was last of use, in microseconds.
    used_us: AtomicI64,
}

/// Whether what is stored may be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Fresh,
    /// Stale for so long.
    Stale(Duration),
}

impl Head {
    /// The answer's own bounds, then the request's and, for what is there, the route's, unless it forbids to be served
    /// stale (RFC 9111 §4.2.4).
    pub(crate) fn stale_if_error(&self, policy: &CachePolicy, request: &Directives) -> Option<Duration> {
        let own = self.directives.stale_if_error;
        let of_route = match policy.on_failure {
            OnFailure::Error => None,
            OnFailure::Stale(bound) => Some(bound).filter(|_| is_content(self.status)),
        };
        let bound = own.max(of_route).max(request.stale_if_error);
        bound.filter(|most| !most.is_zero() && !self.forbids_stale(own.is_some()))
    }

    /// How long it may be served while it is being revalidated.
    pub(crate) fn stale_while_revalidate(&self, policy: &CachePolicy) -> Option<Duration> {
        let own = self.directives.stale_while_revalidate;
        let bound = own.or(policy.stale_while_revalidate.filter(|_| is_content(self.status)));
        bound.filter(|most| !most.is_zero() && !self.forbids_stale(own.is_some()))
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

    /// Whether it would be the same under another rule. How long that lets answers live matters to those that do not say
    /// it themselves.
    pub(crate) fn is_under(&self, rule: Rule) -> bool {
        self.rule.kind == rule.kind && (self.freshness.is_explicit || self.rule.fresh_for == rule.fresh_for)
    }

    pub(crate) fn bytes(&self) -> usize {
        // A tag is in the index, too.
        let tags = self.tags.iter().map(|tag| 2 * (tag.len() + ITEM_OVERHEAD_BYTES));
        OVERHEAD_BYTES + bytes_of(&self.headers) + tags.sum::<usize>() + self.selecting.bytes()
    }
}

impl Stored {
    pub(crate) fn new(mut head: Head, body: Bytes) -> Self {
        if head.status != StatusCode::NO_CONTENT {
            head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        // Each answer has them, and putting in values is cheaper than making room for them.
        head.headers.insert(header::AGE, HeaderValue::from_static("0"));
        head.headers.insert(CACHE_STATUS, HeaderValue::from_static(""));
        // A copy has no room for more, and so takes less.
        head.headers = head.headers.clone();
        let used_us = head.freshness.received().micros();
        Self::of(Arc::new(head), body, Box::default(), (i64::MAX, used_us))
    }

    fn of(head: Arc<Head>, body: Bytes, packed: Box<[Packed]>, (outdated_us, used_us): (i64, i64)) -> Self {
        let (outdated_us, used_us) = (AtomicI64::new(outdated_us), AtomicI64::new(used_us));
        Self { head, body, packed, outdated_us, told: ArcSwapOption::empty(), counted: OnceLock::new(), used_us }
    }

    /// The same body under a head that says more.
    pub(crate) fn with_head(&self, head: Head) -> Self {
        let mut renewed = Self::new(head, self.body.clone());
        renewed.packed = self.packed.iter().filter_map(|packed| packed.under(&renewed.head, &renewed.body)).collect();
        renewed
    }

    /// The same with another form beside those that it has.
    pub(crate) fn with_packed(&self, packed: Packed) -> Self {
        let name = packed.coding().name();
        let others = self.packed.iter().filter(|other| other.coding().name() != name);
        let packed = others.cloned().chain([packed]).collect();
        let times = (self.outdated_us.load(Ordering::Acquire), self.used_us());
        Self::of(Arc::clone(&self.head), self.body.clone(), packed, times)
    }

    /// Notes that it has been of use.
    pub(crate) fn use_at(&self, now: Timestamp) {
        self.used_us.store(now.micros(), Ordering::Relaxed);
    }

    fn used_us(&self) -> i64 {
        self.used_us.load(Ordering::Relaxed)
    }

    /// Whether both are of the same answer of the service, in whatever forms.
    pub(crate) fn is_same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.head, &other.head)
    }

    /// What has come of wanting it in a coding; nothing if nobody has.
    pub(crate) fn packed(&self, coding: &dyn ContentCoding) -> Option<&Packed> {
        self.packed.iter().find(|packed| packed.coding().name() == coding.name())
    }

    /// As it came from the service.
    pub(crate) fn own_form(&self) -> Form<'_> {
        Form { headers: &self.head.headers, body: &self.body }
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
        self.body.len() + self.head.bytes() + self.packed.iter().map(Packed::bytes).sum::<usize>()
    }
}

/// Bytes that headers take.
pub(crate) fn bytes_of(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len() + ITEM_OVERHEAD_BYTES).sum()
}

/// All stored answers to one target, the newest first.
#[derive(Debug, Default)]
pub(crate) struct Variants(pub(crate) Vec<Arc<Stored>>);

impl Variants {
    /// What answers a request under a rule.
    pub(crate) fn matching(&self, request: Choosing<'_>, rule: Rule) -> Option<&Arc<Stored>> {
        self.0.iter().find(|stored| stored.head.is_under(rule) && stored.head.selecting.matches(request))
    }

    /// What would have answered it under another one.
    pub(crate) fn under_another_rule(&self, request: Choosing<'_>) -> Option<&Arc<Stored>> {
        self.0.iter().find(|stored| stored.head.selecting.matches(request))
    }

    pub(crate) fn tags(&self) -> impl Iterator<Item = &Tag> {
        self.0.iter().flat_map(|stored| &stored.head.tags)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.0.iter().map(|stored| stored.bytes()).sum()
    }

    /// Those that were of use last, so many and so large together at most; the newest in any case. Whoever asks in ever
    /// other ways pushes out what nobody asks for, and not what others ask for all the time.
    pub(crate) fn within(mut self, count_max: usize, bytes_max: usize) -> Self {
        let bytes = self.bytes();
        if self.0.len() <= count_max && bytes <= bytes_max {
            return self;
        }
        let mut order: Vec<usize> = (1..self.0.len()).collect();
        // The sort is stable, and the oldest are the last.
        order.sort_by_key(|&at| std::cmp::Reverse(self.0[at].used_us()));
        let (mut count, mut bytes) = (1, self.0.first().map_or(0, |newest| newest.bytes()));
        let mut stays = vec![true];
        stays.resize(self.0.len(), false);
        for at in order {
            let with = bytes + self.0[at].bytes();
            if count < count_max && with <= bytes_max {
                (count, bytes, stays[at]) = (count + 1, with, true);
            }
        }
        let mut stays = stays.into_iter();
        self.0.retain(|_| stays.next().unwrap_or_default());
        self
    }
}

/// Where the service had come, as the answer tells it under a rule.
pub(crate) fn position_of(headers: &HeaderMap, policy: &CachePolicy) -> Option<Position> {
    position_in(headers, &POSITION).filter(|_| policy.tells_positions)
}

/// Headers as they are kept: without those of one connection or exchange only, and in memory of their own, since a
/// value that came from the wire holds on to everything that was read with it.
pub(crate) fn kept_headers(answer: &HeaderMap, policy: &CachePolicy, received: Timestamp) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(answer.keys_len());
    for (name, value) in answer {
        if *name == header::AGE || *name == CACHE_STATUS || Some(name) == policy.tag_header.as_ref() {
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
