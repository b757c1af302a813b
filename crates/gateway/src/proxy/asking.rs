//! How a composition's calls reach services: through the cache, which is the same for all profiles and routes.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, request};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use serde::de::IgnoredAny;
use tokio::time::{Instant, timeout_at};

use super::cached::tell_that_it_varies;
use super::forward::make_own;
use super::positions;
use super::refusals::Refusals;
use super::unfetched::Unfetched;
use super::{Proxy, impatient};
use crate::cache::{Asked, Cache, CacheBody, Fetch, FetchError, FetchedBody, Fetching, Key, Reused, Unanswered};
use crate::compose::{Answering, Ask, Failed, Freshness, Piece, Question, Storing};
use crate::composing::{CallRule, Composing};
use crate::metrics::RouteCounts;
use crate::position::AFTER;
use crate::upstream::{CallPolicy, Deadline, NoAnswer, RequestBody, Upstream};

/// What is left of a call's time when its service has failed to answer, for what may stand in its place.
const SPARE: Duration = Duration::from_millis(25);

/// Asks for one composed answer.
pub(super) struct Asking<'a> {
    pub(super) proxy: &'a Proxy,
    pub(super) composing: &'a Composing,
    pub(super) counts: &'a RouteCounts,
    pub(super) cache: Option<&'a Cache>,
    /// What the client has seen.
    pub(super) asked: &'a positions::Asked,
    /// Until when the whole must be there, and by whose word.
    pub(super) within: Deadline,
    /// The host that the client asks.
    pub(super) host: &'a str,
    /// Tells those apart who ask with credentials that services get to see; none if they do not.
    pub(super) whose: Option<&'a str>,
    /// The client has shown a token, whether services get to see it or not.
    pub(super) is_authorized: bool,
    /// The client wants what is stored, and nothing else.
    pub(super) only_stored: bool,
    /// What services have said for clients when they refused.
    pub(super) refusals: Refusals,
}

impl Ask for Asking<'_> {
    fn ask<'q>(&'q self, question: Question<'q>) -> Answering<'q> {
        Box::pin(async move {
            let call = self.composing.call(question.call).ok_or(Failed::Unavailable)?;
            let begun = Instant::now();
            let piece = self.piece(call, question).await;
            self.counts.asked(question.call, begun.elapsed());
            let piece = piece?;
            // What one user is told is for no other, whatever the service says. Nor is what a token was asked for here, of
            // which a service that has not seen it says nothing: `must-revalidate` would let others have it
            // (RFC 9111 §3.5).
            let is_for_one = self.whose.is_some() || self.is_authorized;
            let storing = if is_for_one { piece.storing.max(Storing::Private) } else { piece.storing };
            // What nobody could wait for is told to nobody.
            let position = piece.position.filter(|_| call.positions.is_some());
            let source = call.positions.clone().filter(|source| source != call.upstream.name());
            Ok(Piece { storing, position, source, ..piece })
        })
    }
}

impl Asking<'_> {
    async fn piece(&self, call: &CallRule, question: Question<'_>) -> Result<Piece, Failed> {
        let left = question.deadline.saturating_duration_since(Instant::now());
        let spare = SPARE.min(left / 4);
        let until = question.deadline - spare;
        let deadline = match self.within.at() {
            Some(at) if at <= question.deadline => self.within.sooner_by(spare),
            // The call has less than the whole.
            _ => Deadline::after(left - spare),
        };
        let whole = Whole {
            upstream: call.upstream.clone(),
            deadline,
            until,
            within: self.composing.timeout,
            policy: self.proxy.calls(None, &call.upstream),
            is_impatient: question.stale_most.is_some(),
            bytes_most: question.bytes_most,
        };
        let (Some(cache), Some(policy)) = (self.cache, &call.cache) else {
            if self.only_stored {
                return Err(Failed::NotCached);
            }
            let answer = whole.ask(self.head(call, question)?).await.map_err(Unfetched::failed)?;
            let (parts, body) = answer.into_parts();
            return self.accept(question.call, &parts, body);
        };
        let parameters = match policy.tags.is_empty() {
            true => Vec::new(),
            false => self.composing.composed.composition().values_in(question.call, question.path_and_query),
        };
        let head = self.head(call, question)?;
        let key = Key::of_one(call.upstream.name(), self.whose, self.host, question.path_and_query);
        let (after, stale_max) = (self.asked.after(call.positions.as_deref()), question.stale_most);
        let until = Some(until + SPARE / 2);
        let asked = Asked { key, head, after, parameters, coding: None, stale_max, until };
        match cache.serve(policy, asked, Arc::new(whole)).await {
            Ok(answer) => self.read(question.call, answer).await,
            Err(Unanswered::Failed(why)) => Err(Unfetched::of(&why).map_or(Failed::Unavailable, Unfetched::failed)),
            Err(Unanswered::OnlyIfCached) => Err(Failed::NotCached),
            Err(Unanswered::TooLate) => Err(Failed::Timeout),
        }
    }

    /// The request as the service is to see it.
    fn head(&self, call: &CallRule, question: Question<'_>) -> Result<request::Parts, Failed> {
        let (mut head, ()) = Request::new(()).into_parts();
        head.uri = question.path_and_query.parse().map_err(|_| Failed::Value)?;
        head.headers.clone_from(question.headers);
        if let Some(position) = self.asked.after(call.positions.as_deref()) {
            head.headers.insert(AFTER, HeaderValue::from(position.0));
        }
        Ok(head)
    }

    async fn read(&self, call: &str, answer: Response<CacheBody>) -> Result<Piece, Failed> {
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(|_| Failed::Unavailable)?.to_bytes();
        self.accept(call, &parts, body)
    }

    fn accept(&self, call: &str, parts: &http::response::Parts, body: Bytes) -> Result<Piece, Failed> {
        if !parts.status.is_success() {
            self.refusals.note(call, parts);
            return Err(Failed::Status(parts.status.as_u16()));
        }
        let piece = Piece::new(&parts.headers, body);
        Ok(match parts.extensions.get::<Reused>() {
            Some(Reused { age, stale_for: Some(stale_for), .. }) => {
                Piece { age: *age, freshness: Freshness::Stale(*stale_for), ..piece }
            }
            Some(Reused { age, .. }) => Piece { age: *age, ..piece },
            None => piece,
        })
    }
}

/// A service's whole answer, or none: what breaks off, is no JSON or too large is a failure before anybody has stored
/// it, so that what was stored before can stand in its place.
#[derive(Clone)]
struct Whole {
    upstream: Upstream,
    /// Until when the head of its answer must be there, and by whose word.
    deadline: Deadline,
    /// Until when the rest of it must.
    until: Instant,
    /// How long all calls may take together.
    within: Duration,
    policy: Arc<CallPolicy>,
    /// Something stale may stand in.
    is_impatient: bool,
    bytes_most: usize,
}

impl Whole {
    async fn ask(&self, head: request::Parts) -> Result<Response<Bytes>, Unfetched> {
        let request = Request::from_parts(head, RequestBody::empty());
        let called = match self.is_impatient {
            true => self.upstream.call(request, self.deadline, &impatient(&self.policy)).await,
            false => self.upstream.call(request, self.deadline, &self.policy).await,
        };
        let mut answer = called.map_err(Unfetched::NoAnswer)?;
        make_own(&mut answer);
        tell_that_it_varies(answer.headers_mut());
        let (parts, body) = answer.into_parts();
        let read = timeout_at(self.until, Limited::new(body, self.bytes_most).collect()).await;
        let body = match read.map_err(|_| Unfetched::Late)? {
            Ok(body) => body.to_bytes(),
            Err(error) if error.is::<LengthLimitError>() => return Err(Unfetched::TooLarge),
            Err(_) => return Err(Unfetched::BrokenOff),
        };
        if parts.status.is_success() && serde_json::from_slice::<IgnoredAny>(&body).is_err() {
            return Err(Unfetched::NotJson);
        }
        Ok(Response::from_parts(parts, body))
    }
}

impl Fetch for Whole {
    fn fetch(&self, head: request::Parts) -> Fetching {
        let whole = self.clone();
        Box::pin(async move {
            let answer = whole.ask(head).await.map_err(|why| match why {
                // Others who ask for the same have more time, take more, or something else than JSON.
                Unfetched::NoAnswer(NoAnswer::Timeout | NoAnswer::Deadline)
                | Unfetched::Late
                | Unfetched::TooLarge
                | Unfetched::NotJson => FetchError::of_who_asks(why),
                why => FetchError::new(why),
            })?;
            Ok(answer.map(|body| FetchedBody::new(Full::new(body).map_err(|never| match never {}))))
        })
    }

    fn for_nobody(&self) -> Option<Arc<dyn Fetch>> {
        let (deadline, until) = (Deadline::after(self.within), Instant::now() + self.within);
        let unhurried = || Self { deadline, until, ..self.clone() };
        self.deadline.is_the_clients().then(|| Arc::new(unhurried()) as Arc<dyn Fetch>)
    }
}

/// What of a request calls take along: who has asked for what, in which language, and as of when. Not what concerns the
/// whole answer alone, such as conditions, ranges and codings.
pub(super) fn passed_on(request: &HeaderMap, with_credentials: bool) -> HeaderMap {
    const ALWAYS: [&str; 15] = [
        "accept-language",
        "cache-control",
        "forwarded",
        "host",
        "pragma",
        "tracestate",
        "traceparent",
        "tradewind-as-of",
        "user-agent",
        "via",
        "x-correlation-id",
        "x-forwarded-for",
        "x-forwarded-host",
        "x-forwarded-proto",
        "x-request-id",
    ];
    let mut passed = HeaderMap::with_capacity(ALWAYS.len() + CREDENTIALS.len() + 2);
    let credentials = CREDENTIALS.iter().filter(|_| with_credentials);
    for name in ALWAYS.iter().chain(credentials) {
        if let Some(value) = request.get(*name) {
            passed.insert(http::HeaderName::from_static(name), value.clone());
        }
    }
    passed.insert(http::header::ACCEPT, HeaderValue::from_static("application/json"));
    passed
}

/// What tells services who asks.
pub(super) const CREDENTIALS: [&str; 3] = ["authorization", "cookie", "tradewind-actor"];
