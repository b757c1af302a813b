//! Asking the service, and keeping what it says.

use std::sync::Arc;

use http::{HeaderMap, Method, Response, StatusCode, header};

use super::asked::Serving;
use super::body::{CacheBody, Keeping, Reserved};
use super::directives::Directives;
use super::entry::{Head, Stored, kept_headers, position_of};
use super::fetch::{FetchError, FetchedBody};
use super::finding::Lacking;
use super::flight::{Leading, Outcome};
use super::freshness::{Exchange, Freshness};
use super::metrics::Result as Counted;
use super::purge::PurgeNumber;
use super::selecting::Selecting;
use super::status::CacheStatus;
use super::storable::{self, Refusal};
use super::store::Put;
use super::tags::{self, Tag};
use super::{reuse, validators};
use crate::behind::is_behind;

/// What an answer came to: when it was fetched, and who waits for it.
struct Fetched {
    exchange: Exchange,
    begun: PurgeNumber,
    leading: Option<Leading>,
}

impl Fetched {
    fn settle(&mut self, outcome: Outcome) {
        if let Some(leading) = self.leading.take() {
            leading.settle(outcome, self.exchange.received);
        }
    }
}

impl Serving {
    /// Asks for the whole answer, or whether what is stored is still so.
    pub(crate) async fn ask(
        &self,
        lacking: Lacking,
        leading: Option<Leading>,
    ) -> Result<Response<CacheBody>, FetchError> {
        let can_be_renewed =
            |stored: &&Arc<Stored>| stored.head.is_under(self.rule()) && validators::has_any(&stored.head.headers);
        let validated = lacking.base.as_ref().filter(can_be_renewed);
        let (answer, fetched) = self.fetch_once(validated, leading, &lacking).await;
        let answer = match (answer, validated) {
            (Ok(answer), Some(stored)) if answer.status() == StatusCode::NOT_MODIFIED => {
                if validators::confirms(answer.headers(), &stored.head.headers) {
                    return Ok(self.freshen(stored, answer.headers(), fetched, &lacking));
                }
                // It speaks of another version, which only an unconditional request will bring.
                let (answer, fetched) = self.fetch_once(None, fetched.leading, &lacking).await;
                return self.take(answer, fetched, &lacking);
            }
            (answer, _) => answer,
        };
        self.take(answer, fetched, &lacking)
    }

    /// Takes a whole answer, or what may stand in for a failure.
    fn take(
        &self,
        answer: Result<Response<FetchedBody>, FetchError>,
        mut fetched: Fetched,
        lacking: &Lacking,
    ) -> Result<Response<CacheBody>, FetchError> {
        let mut status = CacheStatus::forwarded(lacking.why).because("stale-if-error");
        let failed = match &answer {
            Ok(answer) if is_failure(answer.status()) => {
                let is_behind = is_behind(&self.asked.head.headers, (answer.status(), answer.headers()));
                // It has refused this request, and may well answer those who wait.
                fetched.settle(if is_behind { Outcome::Abandoned } else { Outcome::ServerError });
                status.forward_status = Some(answer.status());
                true
            }
            Ok(_) => false,
            Err(error) => {
                fetched.settle(match error.is_of_who_asks() {
                    true => Outcome::Abandoned,
                    false => Outcome::Failed(error.clone()),
                });
                true
            }
        };
        match self.stale_if_error(lacking) {
            Some(stored) if failed => Ok(self.reuse(stored, status, Counted::Stale)),
            _ => Ok(self.keep(answer?, fetched, lacking)),
        }
    }

    async fn fetch_once(
        &self,
        validated: Option<&Arc<Stored>>,
        leading: Option<Leading>,
        lacking: &Lacking,
    ) -> (Result<Response<FetchedBody>, FetchError>, Fetched) {
        let mut head = self.asked.head.clone();
        match validated {
            Some(stored) => validators::ask_for_changes(&mut head.headers, &stored.head.headers),
            // What is not shared is not stored either, as a rule: the client gets what it has asked for.
            None if leading.is_none() && lacking.base.is_none() && self.is_known_unshared() => {}
            None => validators::ask_for_all(&mut head.headers),
        }
        let (begun, asked) = (self.cache.store.purge_number(), self.now());
        let answer = self.fetch.fetch(head).await;
        let exchange = Exchange { asked, received: self.now() };
        (answer, Fetched { exchange, begun, leading })
    }

    fn is_known_unshared(&self) -> bool {
        self.cache.flights.is_unshared(&self.flight_name(), self.now())
    }

    /// Answers with what is stored, which the service has said to be still so.
    fn freshen(
        &self,
        stored: &Arc<Stored>,
        answer: &HeaderMap,
        mut fetched: Fetched,
        lacking: &Lacking,
    ) -> Response<CacheBody> {
        let mut headers =
            validators::updated(&stored.head.headers, &kept_headers(answer, &self.policy, fetched.exchange.received));
        match answer.get(header::AGE) {
            Some(age) => headers.insert(header::AGE, age.clone()),
            None => headers.remove(header::AGE),
        };
        let mut status = CacheStatus::forwarded(lacking.why);
        (status.forward_status, status.detail) = (Some(StatusCode::NOT_MODIFIED), lacking.detail);
        let considered = self.consider(stored.head.status, &headers, &fetched.exchange).and_then(|mut head| {
            // What the service has told by its own header is not kept with the others. It stays, unless it tells anew.
            head.tags = match self.policy.tag_header.as_ref().is_some_and(|name| answer.contains_key(name)) {
                true => self.tags(answer).ok_or("tags")?,
                false => stored.head.tags.clone(),
            };
            Ok(head)
        });
        let renewed = match considered {
            Ok(head) => {
                let renewed = Arc::new(stored.with_head(head));
                let put = self.cache.put(&self.asked.key, &renewed, fetched.begun, fetched.leading.take());
                status.stored = matches!(put, Put::Stored { .. });
                renewed
            }
            Err(why) => {
                fetched.settle(Outcome::Unshared);
                status.detail = Some(why);
                let mut head = self.describe(stored.head.status, headers, &fetched.exchange);
                head.selecting = stored.head.selecting.clone();
                if head.directives.forbids_storing() {
                    self.cache.store.forget(&self.asked.key, stored);
                    self.cache.tell_size();
                }
                // It is what the service has just said, though only to this client.
                Arc::new(stored.with_head(head))
            }
        };
        let mut response = self.reuse(&renewed, status, Counted::Revalidated);
        for cookie in answer.get_all(header::SET_COOKIE) {
            response.headers_mut().append(header::SET_COOKIE, cookie.clone());
        }
        response
    }

    /// Passes an answer on, and stores it as it passes if it may be.
    fn keep(&self, answer: Response<FetchedBody>, mut fetched: Fetched, lacking: &Lacking) -> Response<CacheBody> {
        self.count(Counted::Miss);
        let mut status = CacheStatus::forwarded(lacking.why);
        (status.forward_status, status.detail) = (Some(answer.status()), lacking.detail);
        let length = length_of(answer.headers());
        let mut considered = self.consider(answer.status(), answer.headers(), &fetched.exchange);
        if length.is_some_and(|length| length > self.cache.body_bytes_max) {
            self.cache.metrics.too_large.inc();
            considered = Err("too-large");
        }
        if considered.as_ref().is_ok_and(|head| head.bytes() > self.cache.options.head_bytes_max) {
            self.cache.metrics.too_large.inc();
            considered = Err("head-too-large");
        }
        let mut head = match considered {
            Ok(head) => head,
            Err(why) => {
                // What is wrong with how this one has asked says nothing of what others will be answered.
                fetched.settle(match storable::is_about_the_request(answer.status()) {
                    true => Outcome::Abandoned,
                    false => Outcome::Unshared,
                });
                let is_gone = matches!(answer.status(), StatusCode::NOT_FOUND | StatusCode::GONE);
                // What it says now of the same is not kept, and so nothing from before may be used in its place.
                if let Some(stored) = &lacking.base
                    && (is_gone || Directives::of_answer(answer.headers()).forbids_storing())
                {
                    self.cache.store.forget(&self.asked.key, stored);
                    self.cache.tell_size();
                }
                return self.pass_on(answer, status.because(why));
            }
        };
        head.headers = kept_headers(&head.headers, &self.policy, fetched.exchange.received);
        let now = self.now();
        status = status.with_ttl(head.freshness.fresh_for(now), head.freshness.stale_for(now));
        status.stored = length.is_some();
        let (parts, body) = answer.into_parts();
        let place = Reserved {
            cache: Arc::clone(&self.cache),
            key: self.asked.key.clone(),
            head,
            begun: fetched.begun,
            length,
            leading: fetched.leading.take(),
            held: self.cache.room.begin(),
        };
        let body = CacheBody::keeping(Keeping::new(body, place));
        let mut response = Response::from_parts(parts, body);
        self.prepare(response.headers_mut(), status);
        if response.status() == StatusCode::OK
            && let Some(headers) = reuse::not_modified(response.headers(), self.wish())
        {
            // The body is still wanted by the store, and dropping it here lets it go there.
            return reuse::respond(StatusCode::NOT_MODIFIED, headers, CacheBody::whole(Default::default()));
        }
        response
    }

    /// What an answer would be stored with, or why it is not. Its headers are as they came.
    fn consider(&self, status: StatusCode, headers: &HeaderMap, exchange: &Exchange) -> Result<Head, Refusal> {
        let mut head = self.describe(status, headers.clone(), exchange);
        let (request, described) = (&self.asked.head, (&head.directives, &head.freshness));
        if let Some(why) = storable::refusal(&request.method, &request.headers, (status, headers), described) {
            return Err(why);
        }
        head.selecting = Selecting::of(headers, self.choosing()).ok_or("vary")?;
        head.tags = self.tags(headers).ok_or("tags")?;
        let is_fresh = head.freshness.stale_for(exchange.received).is_none();
        let may_be_stale = head.stale_if_error(&self.policy, &Directives::default()).is_some()
            || head.stale_while_revalidate(&self.policy).is_some();
        if !head.freshness.is_explicit && !is_fresh && !may_be_stale && !validators::has_any(&head.headers) {
            return Err("no-lifetime");
        }
        if !storable::is_worth_it(&head.headers, &head.directives, is_fresh, may_be_stale) {
            return Err("expired");
        }
        if status.is_server_error() && !is_fresh {
            return Err("status");
        }
        Ok(head)
    }

    /// What an answer says of itself, but by what it was chosen, and its tags.
    fn describe(&self, status: StatusCode, mut headers: HeaderMap, exchange: &Exchange) -> Head {
        let directives = Directives::of_answer(&headers);
        let freshness = Freshness::of(status, &headers, &directives, *exchange, &self.policy);
        headers.remove(header::AGE);
        Head {
            status,
            position: position_of(&headers, &self.policy),
            headers,
            directives,
            freshness,
            selecting: Selecting::default(),
            tags: Box::default(),
            source: Arc::clone(&self.policy.source),
            rule: self.rule(),
        }
    }

    /// The tags of an answer; nothing if they are too many.
    fn tags(&self, headers: &HeaderMap) -> Option<Box<[Tag]>> {
        let of_route = self.policy.tags.iter().flat_map(|tag| tag.fill(&self.asked.parameters));
        let mut tags: Vec<Tag> = of_route.map(Into::into).collect();
        if let Some(name) = &self.policy.tag_header {
            tags.extend(tags::in_header(headers, name).map(Tag::from));
        }
        tags.sort_unstable();
        tags.dedup();
        if tags.len() > self.cache.options.tags_max {
            return None;
        }
        // By this it goes when the target is changed.
        tags.extend(self.asked.key.of_all());
        Some(tags.into())
    }

    /// Passes on an answer that is not stored.
    pub(crate) fn pass_on(&self, answer: Response<FetchedBody>, mut status: CacheStatus) -> Response<CacheBody> {
        status.forward_status = Some(answer.status());
        let mut response = answer.map(CacheBody::passing);
        self.prepare(response.headers_mut(), status);
        response
    }

    fn prepare(&self, headers: &mut HeaderMap, status: CacheStatus) {
        if let Some(name) = &self.policy.tag_header {
            headers.remove(name);
        }
        status.tell(headers);
    }

    /// Asks for a head that is not stored, or not fresh. It is not stored either, but may show that what is stored is no
    /// longer so.
    pub(crate) async fn ask_for_head(&self, lacking: Lacking) -> Result<Response<CacheBody>, FetchError> {
        debug_assert_eq!(self.asked.head.method, Method::HEAD);
        let mut status = CacheStatus::forwarded(lacking.why);
        status.detail = lacking.detail;
        let answered = self.fetch.fetch(self.asked.head.clone()).await;
        let failed = answered.as_ref().map_or(true, |answer| is_failure(answer.status()));
        if let Some(stored) = self.stale_if_error(&lacking).filter(|_| failed) {
            status.forward_status = answered.ok().map(|answer| answer.status());
            return Ok(self.reuse(stored, status.because("stale-if-error"), Counted::Stale));
        }
        let answer = answered?;
        if let Some(stored) = lacking.base.filter(|_| answer.status() == StatusCode::OK)
            && validators::contradicts(answer.headers(), &stored.head.headers, stored.body.len())
        {
            self.cache.store.outdate(&self.asked.key, self.now());
        }
        self.count(Counted::Miss);
        Ok(self.pass_on(answer, status))
    }
}

/// Statuses that say that the service has failed (RFC 5861 §4).
fn is_failure(status: StatusCode) -> bool {
    matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

fn length_of(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
