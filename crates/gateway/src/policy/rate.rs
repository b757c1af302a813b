//! How often somebody may ask.
//!
//! The answers tell what is left, in the headers of the IETF's draft (draft-ietf-httpapi-ratelimit-headers-10):
//! `RateLimit-Policy: "NAME";q=100;w=60` and `RateLimit: "NAME";r=42;t=35`.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::Identity;
use crate::problem::Problem;

const LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RateKey {
    /// The client that the authorizer has recognised; its address if none was.
    Client,
    /// The address; of IPv6 the first 64 bits, since whoever has one of these has all that begin so.
    Address,
    /// What a header says, as `x-api-key`; the address if it is not there.
    Header(HeaderName),
}

/// So many requests within so long, for each key. Time left unused is saved up to the whole number: who comes after a
/// pause may ask for all at once.
#[derive(Debug, Clone)]
pub struct RateLimit {
    name: Arc<str>,
    key: RateKey,
    requests: NonZeroU32,
    within: Duration,
    counts: Arc<Counts>,
}

/// Why a limit is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a rate is 1 request or more within a millisecond up to a day, and at most a million each second")]
pub struct RateLimitError;

/// Keys that are counted one by one. When more than so many ask at once, further ones share a few counts, so that memory
/// stays bounded whoever asks.
const KEYS_MAX: usize = 100_000;
/// How many counts those share.
const SHARED_COUNTS: u64 = 1_024;
/// At so many requests the counts that are full again are forgotten.
const FORGET_EVERY: u32 = 16_384;

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key {
    Address(IpAddr),
    Text(Box<str>),
    Shared(u64),
}

type Limiter = RateLimiter<Key, HashMapStateStore<Key>, DefaultClock, StateInformationMiddleware>;

struct Counts {
    limiter: Limiter,
    requests: AtomicU32,
    is_full: AtomicBool,
    hasher: RandomState,
}

impl fmt::Debug for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Counts").field("keys", &self.limiter.len()).finish_non_exhaustive()
    }
}

impl RateLimit {
    /// A limit under a name, by which its headers call it.
    ///
    /// # Errors
    /// [`RateLimitError`] for what no rate can be.
    pub fn new(name: &str, key: RateKey, requests: u32, within: Duration) -> Result<Self, RateLimitError> {
        let requests = NonZeroU32::new(requests).ok_or(RateLimitError)?;
        if !(Duration::from_millis(1)..=Duration::from_secs(86_400)).contains(&within) {
            return Err(RateLimitError);
        }
        let each = within / requests.get();
        let quota = Quota::with_period(each).filter(|_| each >= Duration::from_micros(1)).ok_or(RateLimitError)?;
        let store = HashMapStateStore::default();
        let limiter: Limiter = RateLimiter::new(quota.allow_burst(requests), store, DefaultClock::default());
        let counts = Counts {
            limiter,
            requests: AtomicU32::new(0),
            is_full: AtomicBool::new(false),
            hasher: RandomState::new(),
        };
        let name: String = name.chars().filter(|c| c.is_ascii_graphic() && !"\"\\".contains(*c)).take(64).collect();
        Ok(Self { name: name.into(), key, requests, within, counts: Arc::new(counts) })
    }

    pub(super) fn key(&self) -> &RateKey {
        &self.key
    }

    /// Whether another one allows as much to the same, under the same name.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        let kind = |limit: &Self| (limit.requests, limit.within);
        kind(self) == kind(other) && self.key == other.key && self.name == other.name
    }

    /// Whether this one and another are counted together.
    pub(crate) fn counts_with(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.counts, &other.counts)
    }

    /// Goes on counting where another limit of the same name and rate is, as after a reload.
    #[must_use]
    pub fn continuing(&self, before: &Self) -> Self {
        let counts = if self.is_like(before) { &before.counts } else { &self.counts };
        Self { counts: Arc::clone(counts), ..self.clone() }
    }

    /// Counts a request. What its answer tells about that, and, if it is one too many, TW-3013 (429) with `Retry-After`.
    pub(super) fn check(
        &self,
        headers: &HeaderMap,
        address: IpAddr,
        identity: Option<&Identity>,
    ) -> (HeaderMap, Result<(), Problem>) {
        let each = self.within / self.requests.get();
        match self.counts.check(self.key_of(headers, address, identity)) {
            Ok(left) => {
                let reset = each * (self.requests.get() - left.min(self.requests.get()));
                (self.told(left, reset), Ok(()))
            }
            Err(wait) => {
                let retry = whole_seconds(wait).max(1);
                let detail = format!("more than {} requests within {:?}", self.requests, self.within);
                (self.told(0, wait), Err(Problem::too_many(&detail, retry)))
            }
        }
    }

    fn key_of(&self, headers: &HeaderMap, address: IpAddr, identity: Option<&Identity>) -> Key {
        let text = match &self.key {
            RateKey::Address => None,
            RateKey::Client => identity.map(|identity| &*identity.client),
            RateKey::Header(name) => headers.get(name).and_then(|value| value.to_str().ok()),
        };
        match text {
            // A key of any length would be kept as long as it is counted.
            Some(text) if text.len() <= 128 => Key::Text(text.into()),
            Some(text) => Key::Text(format!("{:x}", self.counts.hasher.hash_one(text)).into()),
            None => Key::Address(network(address)),
        }
    }

    fn told(&self, left: u32, reset: Duration) -> HeaderMap {
        let (name, window) = (&self.name, whole_seconds(self.within).max(1));
        let texts = [
            (POLICY, format!("\"{name}\";q={};w={window}", self.requests)),
            (LIMIT, format!("\"{name}\";r={left};t={}", whole_seconds(reset))),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name, HeaderValue::try_from(text).ok()?))).collect()
    }
}

impl Counts {
    /// What is left, or how long to wait.
    fn check(&self, key: Key) -> Result<u32, Duration> {
        if self.requests.fetch_add(1, Ordering::Relaxed).is_multiple_of(FORGET_EVERY) {
            self.limiter.retain_recent();
            self.is_full.store(self.limiter.len() >= KEYS_MAX, Ordering::Relaxed);
        }
        let key = match self.is_full.load(Ordering::Relaxed) {
            true => Key::Shared(self.hasher.hash_one(&key) % SHARED_COUNTS),
            false => key,
        };
        match self.limiter.check_key(&key) {
            Ok(state) => Ok(state.remaining_burst_capacity()),
            Err(until) => Err(until.wait_time_from(DefaultClock::default().now())),
        }
    }
}

/// The part of an address that one party has for itself.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((u128::from(v6) >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Rounded up: who comes a moment too early has come in vain.
fn whole_seconds(time: Duration) -> u32 {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    u32::try_from(seconds).unwrap_or(u32::MAX)
}

impl fmt::Display for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let each = match &self.key {
            RateKey::Client => "client",
            RateKey::Address => "address",
            RateKey::Header(name) => name.as_str(),
        };
        write!(f, "{} requests within {:?} for each {each}", self.requests, self.within)
    }
}
