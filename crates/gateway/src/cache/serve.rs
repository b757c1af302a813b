//! What is done with a request: answered from the store, or from there while it is being revalidated, or by asking the
//! service, once for all who ask the same.

use std::fmt::Write as _;
use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use http::{Method, Response, header, request};
use tradewind_events::{Position, Timestamp};

use super::answered::Unanswered;
use super::body::CacheBody;
use super::coding::{self, ContentCoding};
use super::directives::Directives;
use super::entry::{Condition, Rule, Stored, position_of};
use super::fetch::{Fetch, FetchError, Fetching};
use super::flight::{Outcome, Place};
use super::hit::is_plain;
use super::metrics::Result as Counted;
use super::options::CachePolicy;
use super::reuse::Wish;
use super::selecting::Choosing;
use super::status::{CacheStatus, Forwarded};
use super::{Cache, Inner, Key, reuse, validators};

/// How often a request waits for another one's fetch before it goes by itself.
const ROUNDS_MAX: usize = 3;

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

/// Why the service has to be asked, and what is stored of what it would answer.
pub(crate) struct Lacking {
    pub(crate) why: Forwarded,
    pub(crate) detail: Option<&'static str>,
    /// Only what the client may have if it is still so, or if the service fails.
    pub(crate) base: Option<Arc<Stored>>,
}

/// Nobody is asked any more.
#[derive(Debug, thiserror::Error)]
#[error("the service is not asked")]
struct NotAsked;

enum Found {
    Usable(Arc<Stored>, Counted),
    Lacking(Lacking),
}

impl Cache {
    /// Answers a request, with what is stored or by asking the service.
    ///
    /// # Errors
    /// The service gave no answer and nothing may stand in for it, or the client wanted a stored one and there is none.
    pub async fn serve(
        &self,
        policy: &Arc<CachePolicy>,
        mut asked: Asked,
        fetch: Arc<dyn Fetch>,
    ) -> Result<Response<CacheBody>, Unanswered> {
        if asked.coding.is_some() {
            asked.head.headers.remove(header::ACCEPT_ENCODING);
        }
        let directives = Directives::of_request(&asked.head.headers);
        let directives = if policy.heeds_clients { directives } else { Directives::default() };
        let serving = Serving { cache: Arc::clone(&self.0), policy: Arc::clone(policy), asked, fetch, directives };
        let answered = serving.answer().await;
        if answered.is_err() {
            serving.count(Counted::Failed);
        }
        answered
    }

    /// What may be answered without the service, for one who cannot wait for it any longer: what is fresh, or no staler
    /// than may be when it fails.
    #[must_use]
    pub fn stand_in(&self, policy: &Arc<CachePolicy>, asked: Asked) -> Option<Response<CacheBody>> {
        let fetch = Arc::new(|_: request::Parts| -> Fetching { Box::pin(ready(Err(FetchError::new(NotAsked)))) });
        let (cache, policy) = (Arc::clone(&self.0), Arc::clone(policy));
        let serving = Serving { cache, policy, asked, fetch, directives: Directives::default() };
        match serving.look_up() {
            Found::Usable(stored, result) => Some(serving.reuse(&stored, CacheStatus::hit(), result)),
            Found::Lacking(lacking) => {
                let status = CacheStatus::forwarded(lacking.why).because("stale-if-error");
                serving.stale_if_error(&lacking).map(|stored| serving.reuse(stored, status, Counted::Stale))
            }
        }
    }
}

impl Serving {
    pub(crate) fn now(&self) -> Timestamp {
        self.cache.clock.now()
    }

    pub(crate) fn count(&self, result: Counted) {
        self.cache.metrics.answered(&self.policy.name, result);
    }

    async fn answer(&self) -> Result<Response<CacheBody>, Unanswered> {
        let request::Parts { method, headers, .. } = &self.asked.head;
        if !matches!(*method, Method::GET | Method::HEAD) {
            return Ok(self.pass_and_invalidate().await?);
        }
        if !is_plain(headers) {
            return Ok(self.pass(CacheStatus::forwarded(Forwarded::Bypass)).await?);
        }
        let mut last_failure = None;
        for round in 0.. {
            let lacking = match self.look_up() {
                Found::Usable(stored, result) => {
                    let stored = self.packed(stored).await;
                    return Ok(self.reuse(&stored, CacheStatus::hit(), result));
                }
                Found::Lacking(_) if self.directives.only_if_cached => return Err(Unanswered::OnlyIfCached),
                Found::Lacking(lacking) => lacking,
            };
            if let Some(status) = self.is_not_for_storing(&lacking) {
                return Ok(self.pass(status).await?);
            }
            if *method == Method::HEAD {
                return Ok(self.ask_for_head(lacking).await?);
            }
            let waiting = match self.place(round) {
                Place::Lead(leading) => return Ok(self.ask(lacking, Some(leading)).await?),
                Place::Alone => return Ok(self.ask(lacking, None).await?),
                Place::Wait(waiting) => waiting,
            };
            self.cache.metrics.waiting.inc();
            let outcome = tokio::time::timeout(self.cache.options.waiting_time_max, waiting.outcome()).await;
            self.cache.metrics.waiting.dec();
            if matches!(outcome, Ok(Outcome::ServerError | Outcome::Failed(_)))
                && let Some(stored) = self.stale_if_error(&lacking)
            {
                let status = CacheStatus { collapsed: true, ..CacheStatus::forwarded(lacking.why) };
                return Ok(self.reuse(stored, status.because("stale-if-error"), Counted::Stale));
            }
            match outcome {
                Ok(Outcome::Stored(stored)) if self.may_share(&stored) => {
                    let status = CacheStatus { collapsed: true, ..CacheStatus::forwarded(lacking.why) };
                    let stored = self.packed(stored).await;
                    return Ok(self.reuse(&stored, status, Counted::Collapsed));
                }
                Ok(Outcome::Failed(error)) if last_failure.is_some() => return Err(error.into()),
                // It may have failed for the leader's reasons. Another one of those who wait tries again, for all.
                Ok(Outcome::Failed(error)) => last_failure = Some(error),
                Ok(Outcome::Stored(_) | Outcome::Abandoned | Outcome::ServerError) => {}
                Ok(Outcome::Unshared) | Err(_) => return Ok(self.ask(lacking, None).await?),
            }
        }
        unreachable!("the last round does not wait")
    }

    fn look_up(&self) -> Found {
        let lacks = |why, detail, base| Found::Lacking(Lacking { why, detail, base });
        let Some(variants) = self.cache.store.get(self.asked.key.parts()) else {
            return lacks(Forwarded::UriMiss, None, None);
        };
        let Some(stored) = variants.matching(self.choosing(), self.rule()) else {
            return match variants.under_another_rule(self.choosing()) {
                Some(stored) => lacks(Forwarded::Stale, Some("rule"), self.in_need(stored)),
                None => lacks(Forwarded::VaryMiss, None, None),
            };
        };
        let (head, now) = (&stored.head, self.now());
        if !head.shows(self.asked.after) {
            return lacks(Forwarded::Request, Some("position"), None);
        }
        let base = Some(Arc::clone(stored));
        if self.directives.no_cache {
            return lacks(Forwarded::Request, None, base);
        }
        if head.directives.no_cache {
            return lacks(Forwarded::Stale, Some("no-cache"), base);
        }
        let is_too_old = self.directives.max_age.is_some_and(|most| head.freshness.age(now) > most);
        match stored.condition(now) {
            Condition::Fresh => {
                if !self.directives.take(&head.freshness, now) {
                    return lacks(Forwarded::Request, None, base);
                }
                Found::Usable(Arc::clone(stored), Counted::Hit)
            }
            Condition::Stale(_) if stored.outdated_since().is_some() => lacks(Forwarded::Stale, Some("event"), base),
            Condition::Stale(stale_for) if !self.may_be_stale(stale_for) => lacks(Forwarded::Stale, None, base),
            Condition::Stale(stale_for) => {
                if head.stale_while_revalidate(&self.policy).is_some_and(|most| stale_for <= most) && !is_too_old {
                    self.revalidate_in_background(Arc::clone(stored));
                    return Found::Usable(Arc::clone(stored), Counted::StaleWhileRevalidate);
                }
                let client_allows = self.directives.max_stale.is_some_and(|most| stale_for <= most) && !is_too_old;
                if client_allows && !head.forbids_stale(false) {
                    return Found::Usable(Arc::clone(stored), Counted::Stale);
                }
                lacks(Forwarded::Stale, None, base)
            }
        }
    }

    /// What is stored under another rule, and may still be of use if the service fails.
    fn in_need(&self, stored: &Arc<Stored>) -> Option<Arc<Stored>> {
        let shows = stored.head.source == self.policy.source && stored.head.shows(self.asked.after);
        (shows || self.asked.after.is_none()).then(|| Arc::clone(stored))
    }

    /// What goes past the store: parts of what is not stored, and what the client does not want to be.
    fn is_not_for_storing(&self, lacking: &Lacking) -> Option<CacheStatus> {
        let headers = &self.asked.head.headers;
        let status = CacheStatus::forwarded(lacking.why);
        if headers.contains_key(header::RANGE) && lacking.base.is_none() && self.asked.head.method == Method::GET {
            return Some(status.because("range"));
        }
        self.directives.no_store.then(|| status.because("request-no-store"))
    }

    fn place(&self, round: usize) -> Place {
        // Who wants it to be asked anew must not get what was asked before; and what nobody may store, whether that is
        // heeded or not, is not for those who wait.
        let is_own = self.directives.no_cache || Directives::of_request(&self.asked.head.headers).no_store;
        if !self.policy.collapses || is_own || round >= ROUNDS_MAX {
            return Place::Alone;
        }
        self.cache.flights.join(&self.flight_name(), self.now())
    }

    /// Those who would not be answered with the same as far as is known do not wait for one another: whose answers are
    /// stored under other rules, and who want the service to have come further than it is known to have, on which it
    /// waits.
    pub(crate) fn flight_name(&self) -> Arc<str> {
        let known = self.cache.store.get(self.asked.key.parts());
        let newest = known.as_ref().and_then(|variants| variants.0.first());
        let mut name = self.asked.key.text().to_string();
        name.push_str(&newest.map(|stored| stored.head.selecting.said_by(self.choosing())).unwrap_or_default());
        // Writing to a string cannot fail.
        let _ = write!(name, "\nrule {:x} {:?}", self.policy.kind(), self.policy.fresh_for);
        for kind in [header::AUTHORIZATION, header::COOKIE] {
            if self.asked.head.headers.contains_key(&kind) {
                name.push('\n');
                name.push_str(kind.as_str());
            }
        }
        let is_ahead = |after: &Position| !newest.is_some_and(|stored| stored.head.shows(Some(*after)));
        if let Some(after) = self.asked.after.filter(is_ahead) {
            let _ = write!(name, "\nafter {after}");
        }
        name.into()
    }

    fn may_share(&self, stored: &Stored) -> bool {
        stored.head.selecting.matches(self.choosing())
            && stored.head.is_under(self.rule())
            && stored.head.shows(self.asked.after)
            && stored.condition(self.now()) == Condition::Fresh
    }

    /// What may be served in place of a failure.
    pub(crate) fn stale_if_error<'a>(&self, lacking: &'a Lacking) -> Option<&'a Arc<Stored>> {
        let stored = lacking.base.as_ref()?;
        let stale_for = match stored.condition(self.now()) {
            // It is fresh, and only the client wanted it to be asked.
            Condition::Fresh if stored.head.is_under(self.rule()) => {
                return (!stored.head.directives.no_cache).then_some(stored);
            }
            // How long it should have lived this rule does not say: perhaps not at all.
            Condition::Fresh => stored.head.freshness.age(self.now()),
            Condition::Stale(stale_for) => stale_for,
        };
        let most = stored.head.stale_if_error(&self.policy, &self.directives)?;
        (stale_for <= most && self.may_be_stale(stale_for)).then_some(stored)
    }

    /// What of the rule is in all that is stored under it.
    pub(crate) fn rule(&self) -> Rule {
        Rule::from(&*self.policy)
    }

    /// Whether who asks takes what is so stale, if it may be given at all.
    fn may_be_stale(&self, stale_for: Duration) -> bool {
        self.asked.stale_max.is_none_or(|most| stale_for <= most)
    }

    pub(crate) fn reuse(&self, stored: &Stored, status: CacheStatus, result: Counted) -> Response<CacheBody> {
        self.count(result);
        let mut response = reuse::answer(stored, self.wish(), status, self.now());
        if let Some(reused) = response.body().reused().copied() {
            response.extensions_mut().insert(reused);
        }
        response
    }

    pub(crate) fn choosing(&self) -> Choosing<'_> {
        Choosing { headers: &self.asked.head.headers, is_packed_here: self.asked.coding.is_some() }
    }

    pub(crate) fn wish(&self) -> Wish<'_> {
        let Asked { head: request::Parts { method, headers, .. }, coding, .. } = &self.asked;
        Wish { method, headers, coding: *coding }
    }

    /// What is stored, in the form that the client would like if there is a reason to make it now.
    async fn packed(&self, stored: Arc<Stored>) -> Arc<Stored> {
        match self.asked.coding {
            Some(coding) if reuse::not_modified(&stored.head.headers, self.wish()).is_none() => {
                self.cache.packed(&self.asked.key, stored, coding).await
            }
            _ => stored,
        }
    }

    /// The request's head, for a service that knows nothing of the forms that are made here.
    fn head_for_service(&self) -> request::Parts {
        let mut head = self.asked.head.clone();
        coding::ask_in_services_words(&mut head.headers);
        head
    }

    /// Passes a request on, and its answer back, neither of them any concern of the store.
    async fn pass(&self, status: CacheStatus) -> Result<Response<CacheBody>, FetchError> {
        let response = self.fetch.fetch(self.head_for_service()).await?;
        self.count(Counted::Bypass);
        Ok(self.pass_on(response, status))
    }

    /// RFC 9111 §4.4: what may have been changed is asked for anew, also if it is not known whether it was.
    async fn pass_and_invalidate(&self) -> Result<Response<CacheBody>, FetchError> {
        let is_safe = self.asked.head.method.is_safe();
        let in_doubt = InDoubt(Some(self).filter(|_| !is_safe));
        let answered = self.fetch.fetch(self.head_for_service()).await;
        in_doubt.settle();
        let refused = answered.as_ref().is_ok_and(|answer| answer.status().as_u16() >= 400);
        if !is_safe && !refused {
            let headers = answered.as_ref().ok().map(Response::headers);
            let named = [header::LOCATION, header::CONTENT_LOCATION].into_iter().filter_map(|name| {
                let reference = headers?.get(name)?.to_str().ok()?;
                self.asked.key.named_in(reference)
            });
            let position = headers.and_then(|headers| position_of(headers, &self.policy));
            named.chain([self.asked.key.clone()]).for_each(|key| self.invalidate(&key, position));
            self.cache.tell_size();
        }
        self.count(Counted::Bypass);
        Ok(self.pass_on(answered?, CacheStatus::forwarded(Forwarded::Method)))
    }

    fn invalidate(&self, key: &Key, position: Option<Position>) {
        self.cache.store.invalidate(key, &self.policy.source, position);
    }

    fn revalidate_in_background(&self, stored: Arc<Stored>) {
        let Some(leading) = self.cache.flights.lead(&self.flight_name()) else { return };
        let Some(background) = self.cache.place_in_background() else { return };
        let mut serving = self.clone();
        serving.asked.head.method = Method::GET;
        if let Some(fetch) = serving.fetch.for_nobody() {
            serving.fetch = fetch;
        }
        validators::ask_for_all(&mut serving.asked.head.headers);
        (serving.asked.after, serving.directives) = (None, Directives::default());
        background.run(async move {
            let lacking = Lacking { why: Forwarded::Stale, detail: None, base: Some(stored) };
            if let Ok(response) = serving.ask(lacking, Some(leading)).await {
                response.into_body().drain().await;
            }
        });
    }
}

/// A request that may change something, and of which nobody learns what came of it if its client goes away before the
/// answer: the service does not stop for that.
struct InDoubt<'a>(Option<&'a Serving>);

impl InDoubt<'_> {
    fn settle(mut self) {
        self.0 = None;
    }
}

impl Drop for InDoubt<'_> {
    fn drop(&mut self) {
        if let Some(serving) = self.0 {
            serving.invalidate(&serving.asked.key, None);
            serving.cache.tell_size();
        }
    }
}
