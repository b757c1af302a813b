//! The short way: what is fresh and stored goes to the client for the price of a copy of its headers.
//!
//! Nothing is read, formatted or put together here that another hit has read, formatted or put together before: what an
//! answer says of itself was read when it was stored, its headers are complete, and what changes with its age is made
//! once a second.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Method, Response, header};
use prometheus_client::metrics::counter::Counter;
use tradewind_events::{Position, Timestamp};

use super::answered::Reused;
use super::body::CacheBody;
use super::coding::ContentCoding;
use super::directives::Directives;
use super::entry::{Condition, Stored};
use super::list::members;
use super::metrics::Result as Answered;
use super::options::CachePolicy;
use super::reuse::{self, Wish};
use super::selecting::Choosing;
use super::status::CacheStatus;
use super::unkeyed::has_override;
use super::{Cache, KeyRef, validators};

/// A request that may be answered with what is stored.
#[derive(Debug, Clone, Copy)]
pub struct Lookup<'a> {
    /// What is asked for.
    pub key: KeyRef<'a>,
    /// The method.
    pub method: &'a Method,
    /// The headers, as [`Asked::head`](super::Asked::head) would have them.
    pub headers: &'a HeaderMap,
    /// The position that the answer must show.
    pub after: Option<Position>,
    /// What the client would like the answer to be packed with.
    pub coding: Option<&'static dyn ContentCoding>,
}

/// What a hit tells of an answer's age.
#[derive(Debug)]
pub(crate) struct Told {
    age_s: u64,
    ttl_s: Option<i64>,
    age: HeaderValue,
    status: HeaderValue,
}

/// What counts the hits of a route.
#[derive(Debug)]
pub(crate) struct Counted {
    route: Arc<str>,
    hits: Counter,
}

impl Cache {
    /// Answers a request with what is stored, if that is fresh, in the form that the client would like, and there is
    /// nothing else to find out or to be done. If there is no answer, [`Cache::serve`] sees to the request.
    ///
    /// [`CacheBody::reused`] tells what the answer shows.
    #[must_use]
    pub fn hit(&self, policy: &CachePolicy, asked: Lookup<'_>) -> Option<Response<CacheBody>> {
        if !matches!(*asked.method, Method::GET | Method::HEAD) || !is_plain(asked.headers) {
            return None;
        }
        let variants = self.0.store.get(asked.key)?;
        let stored = variants.matching(asked.choosing(), policy.into())?;
        let head = &stored.head;
        if head.directives.no_cache || !head.shows(asked.after) {
            return None;
        }
        let now = self.0.clock.now();
        let Condition::Fresh = stored.condition(now) else { return None };
        if policy.heeds_clients && !Directives::of_request(asked.headers).take(&head.freshness, now) {
            return None;
        }
        let wish = asked.wish();
        let lacks_form = asked.coding.is_some_and(|coding| stored.packed(coding).is_none());
        if lacks_form && reuse::not_modified(&head.headers, wish).is_none() {
            return None;
        }
        stored.count_hit(&policy.name, || self.0.metrics.answers(&policy.name, Answered::Hit));
        Some(reuse::answer(stored, wish, CacheStatus::hit(), now))
    }
}

impl<'a> Lookup<'a> {
    pub(crate) fn choosing(self) -> Choosing<'a> {
        Choosing { headers: self.headers, is_packed_here: self.coding.is_some() }
    }

    fn wish(self) -> Wish<'a> {
        Wish { method: self.method, headers: self.headers, coding: self.coding }
    }
}

/// Whether a request is for what is stored, and has nothing about it that only the service can judge.
pub(crate) fn is_plain(headers: &HeaderMap) -> bool {
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers.get(header::CONTENT_LENGTH).is_some_and(|length| length != "0");
    !has_body
        && !headers.contains_key(header::UPGRADE)
        && !validators::is_for_the_service(headers)
        && !takes_headers_away(headers)
        && !has_override(headers)
}

/// Whether `Connection` names headers that will not get to the service, and so do not choose its answer as they would
/// choose another's.
fn takes_headers_away(headers: &HeaderMap) -> bool {
    let is_usual =
        |option: &[u8]| [&b"close"[..], b"keep-alive", b"te"].iter().any(|usual| option.eq_ignore_ascii_case(usual));
    !members(headers, &header::CONNECTION).all(is_usual)
}

impl Stored {
    fn count_hit(&self, route: &Arc<str>, counter: impl Fn() -> Counter) {
        let counted = self.counted.get_or_init(|| Counted { route: Arc::clone(route), hits: counter() });
        if counted.route == *route {
            counted.hits.inc();
        } else {
            counter().inc();
        }
    }

    /// Puts what is told of its age into headers that have a place for it.
    pub(crate) fn tell_hit(&self, reused: &Reused, status: CacheStatus, headers: &mut HeaderMap) {
        let age_s = reused.age.as_secs();
        let told = self.told.load();
        if let Some(told) = told.as_ref().filter(|told| told.age_s == age_s && told.ttl_s == status.ttl_s) {
            headers.insert(header::AGE, told.age.clone());
            headers.insert(super::status::CACHE_STATUS, told.status.clone());
            return;
        }
        let told = Told { age_s, ttl_s: status.ttl_s, age: HeaderValue::from(age_s), status: status.value() };
        headers.insert(header::AGE, told.age.clone());
        headers.insert(super::status::CACHE_STATUS, told.status.clone());
        self.told.store(Some(Arc::new(told)));
    }
}

impl Directives {
    /// Whether a request with these takes what is fresh.
    pub(crate) fn take(&self, freshness: &super::freshness::Freshness, now: Timestamp) -> bool {
        !self.no_cache
            && self.max_age.is_none_or(|most| freshness.age(now) <= most)
            && self.min_fresh.is_none_or(|least| freshness.fresh_for(now) >= least)
    }
}
