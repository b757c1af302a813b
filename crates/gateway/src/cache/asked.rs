//! What is asked, and a request being served.

use std::sync::Arc;
use std::time::Duration;

use http::request;
use tokio::time::Instant;
use tradewind_events::{Position, Timestamp};

use super::coding::{self, ContentCoding};
use super::directives::Directives;
use super::entry::Rule;
use super::fetch::Fetch;
use super::metrics::Result as Counted;
use super::options::CachePolicy;
use super::reuse::Wish;
use super::selecting::Choosing;
use super::{Inner, Key};

/// A request to the cache.
#[derive(Debug, Clone)]
pub struct Asked {
    /// What is asked for.
    pub key: Key,
    /// The request's head, as the service would get it.
    pub head: request::Parts,
    /// The position that the answer must show: what the client has written, or seen.
    pub after: Option<Position>,
    /// The parameters of the route's path, by name, for its tags.
    pub parameters: Vec<(String, String)>,
    /// What the client would like the answer to be packed with, if the gateway is to see to that. Then the service is
    /// asked for it as it is.
    pub coding: Option<&'static dyn ContentCoding>,
    /// How long an answer may be fresh no more at most, whoever else allows more: what is staler is asked for anew, and
    /// does not stand in if that fails.
    pub stale_max: Option<Duration>,
    /// When the head of an answer is of no use any more. Then it is what may stand in for a failure, or nothing.
    pub until: Option<Instant>,
}

/// A request being served.
#[derive(Clone)]
pub(crate) struct Serving {
    pub(crate) cache: Arc<Inner>,
    pub(crate) policy: Arc<CachePolicy>,
    pub(crate) asked: Asked,
    pub(crate) fetch: Arc<dyn Fetch>,
    /// The request's own, as far as they count.
    pub(crate) directives: Directives,
}

impl Serving {
    pub(crate) fn now(&self) -> Timestamp {
        self.cache.clock.now()
    }

    pub(crate) fn count(&self, result: Counted) {
        self.cache.metrics.answered(&self.policy.name, result);
    }

    /// What of the rule is in all that is stored under it.
    pub(crate) fn rule(&self) -> Rule {
        Rule::from(&*self.policy)
    }

    pub(crate) fn choosing(&self) -> Choosing<'_> {
        Choosing { headers: &self.asked.head.headers, is_packed_here: self.asked.coding.is_some() }
    }

    pub(crate) fn wish(&self) -> Wish<'_> {
        let Asked { head: request::Parts { method, headers, .. }, coding, .. } = &self.asked;
        Wish { method, headers, coding: *coding }
    }

    /// The request's head, for a service that knows nothing of the forms that are made here.
    pub(crate) fn head_for_service(&self) -> request::Parts {
        let mut head = self.asked.head.clone();
        coding::ask_in_services_words(&mut head.headers);
        head
    }
}
