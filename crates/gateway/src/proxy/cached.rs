//! Answers through the cache: from there, or from the service and into it.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header, request};
use http_body_util::BodyExt;
use tradewind_events::Position;

use super::forward::{deadline_of, is_event_stream, make_own};
use super::unfetched::Unfetched;
use super::{OnItsWay, Proxy, Routed, impatient};
use crate::Route;
use crate::body::{Passing, ResponseBody};
use crate::cache::{
    Asked, Cache, CacheBody, CachePolicy, Fetch, FetchError, FetchedBody, Fetching, KeyRef, Lookup, OnFailure, Reused,
    Unanswered, is_of_the_gateway, members,
};
use crate::forwarded::Client;
use crate::headers::{self, RequestId, join_cookies};
use crate::policy::{Sizes, trace};
use crate::problem::Problem;
use crate::upstream::{CallPolicy, Deadline, NoAnswer, RequestBody, Upstream};

/// For how many seconds an answer has been fresh no more, when it is given all the same.
pub(super) const STALE: HeaderName = HeaderName::from_static("tradewind-stale");

/// How long a request waits beyond its deadline for its own fetch, or for another's of the same, which ends by a deadline
/// of its own.
const GRACE: Duration = Duration::from_millis(50);

impl Proxy {
    /// Answers a request with what is stored, or by asking the service. What is changed by it is forgotten.
    pub(super) async fn through_cache(
        &self,
        request: Request<RequestBody>,
        cache: &Cache,
        after: Option<Position>,
        routed: &Routed,
        upstream: &Upstream,
        on_its_way: OnItsWay<'_>,
    ) -> Result<Response<ResponseBody>, Problem> {
        let Routed { route, captures, .. } = routed;
        let (mut head, body) = request.into_parts();
        // A body may choose the answer, and is in no key. What else a method may be changes something, whatever it is to be
        // answered with.
        let reads = matches!(head.method, Method::GET | Method::HEAD);
        if reads && (!body.is_empty() || on_its_way.wants_upgrade || wants_events(&head.headers)) {
            let request = Request::from_parts(head, body);
            return Box::pin(self.forward(request, upstream, &route.policies, on_its_way)).await;
        }
        join_cookies(&mut head.headers);
        let deadline = deadline_of(&head.headers, &route.policies)?;
        let policy = match &route.policies.cache {
            Some(policy) => Arc::clone(policy),
            // Nothing of the route is stored, but what it changes may be.
            None => Arc::new(of_what_changes(route, upstream)),
        };
        let key = key_of(upstream, &head);
        let lookup = Lookup { key, method: &head.method, headers: &head.headers, after, coding: on_its_way.coding };
        if let Some(answer) = cache.hit(&policy, lookup) {
            return Ok(answer.map(|body| ResponseBody::Passing(Passing::new(body.into(), None, on_its_way.in_flight))));
        }
        let parameters = match policy.tags.is_empty() {
            true => Vec::new(),
            false => captures.iter().map(|(name, value)| (name.to_owned(), decoded(value))).collect(),
        };
        let key = key.to_key();
        let fetch = Arc::new(FromService {
            upstream: upstream.clone(),
            body,
            peer: on_its_way.client.peer(),
            request_id: on_its_way.request_id.clone(),
            sizes: route.policies.sizes,
            deadline,
            within: route.policies.deadline,
            policy: self.calls(Some(&route.policies), upstream),
            is_impatient: reads && policy.on_failure != OnFailure::Error,
        });
        let until = deadline.at().map(|at| at + GRACE);
        let asked = Asked { key, head, after, parameters, coding: on_its_way.coding, stale_max: None, until };
        let served = cache.serve(&policy, asked, fetch).await;
        let mut answer = served.map_err(|why| problem(upstream, &why))?;
        tell_staleness(&mut answer);
        let until = is_event_stream(answer.headers()).then(|| on_its_way.client.stop.clone().cancelled_owned());
        Ok(answer.map(|body| ResponseBody::Passing(Passing::new(body.into(), until, on_its_way.in_flight))))
    }
}

/// The rule of a route of which nothing is stored.
fn of_what_changes(route: &Route, upstream: &Upstream) -> CachePolicy {
    let source = route.policies.positions.of(upstream.name());
    let rule = CachePolicy::new(&route.name, source.unwrap_or(upstream.name()));
    CachePolicy { tells_positions: source.is_some(), ..rule }
}

/// What a route's service is asked for when it is not stored.
#[derive(Clone)]
struct FromService {
    upstream: Upstream,
    body: RequestBody,
    peer: Client,
    request_id: RequestId,
    sizes: Sizes,
    deadline: Deadline,
    /// What the route allows an answer to take.
    within: Option<Duration>,
    policy: Arc<CallPolicy>,
    /// Something stale may stand in.
    is_impatient: bool,
}

impl Fetch for FromService {
    fn fetch(&self, mut head: request::Parts) -> Fetching {
        headers::prepare_request(&mut head, self.peer, &self.request_id);
        trace::pass_on(&mut head.headers);
        if self.deadline.at().is_none() {
            // What nobody waits for has been asked for by one who would not have waited.
            Deadline::forget(&mut head.headers);
        }
        let (upstream, body) = (self.upstream.clone(), self.body.clone());
        let policy = if self.is_impatient { Arc::new(impatient(&self.policy)) } else { Arc::clone(&self.policy) };
        let (sizes, deadline) = (self.sizes, self.deadline);
        Box::pin(async move {
            let answered = upstream.call(Request::from_parts(head, body.clone()), deadline, &policy).await;
            let mut answer = match (answered, sizes.body_bytes_max) {
                (Err(_), Some(max)) if body.is_too_large() => Err(Unfetched::BodyTooLarge(max)),
                (answered, _) => answered.map_err(Unfetched::NoAnswer),
            }
            .map_err(|why| match why {
                // Others who ask for the same have more time.
                Unfetched::NoAnswer(NoAnswer::Deadline) if deadline.is_the_clients() => FetchError::of_who_asks(why),
                why => FetchError::new(why),
            })?;
            if answer.status() == StatusCode::SWITCHING_PROTOCOLS {
                return Err(FetchError::new(Unfetched::NoAnswer(NoAnswer::Broken)));
            }
            if !sizes.takes_answer(answer.headers()) {
                // Others who ask for the same may take more.
                return Err(FetchError::of_who_asks(Unfetched::HeadersTooLarge));
            }
            make_own(&mut answer);
            tell_that_it_varies(answer.headers_mut());
            Ok(answer.map(|body| FetchedBody::new(body.map_err(Into::into))))
        })
    }

    fn for_nobody(&self) -> Option<Arc<dyn Fetch>> {
        if !self.deadline.is_the_clients() {
            return None;
        }
        let deadline = self.within.map_or_else(Deadline::none, Deadline::after);
        Some(Arc::new(Self { deadline, ..self.clone() }))
    }
}

fn problem(upstream: &Upstream, why: &Unanswered) -> Problem {
    match why {
        Unanswered::OnlyIfCached => Problem::not_cached(),
        Unanswered::TooLate => Problem::no_answer(upstream.name(), NoAnswer::Deadline),
        Unanswered::Failed(why) => {
            Unfetched::of(why).map_or_else(|| Problem::broken(upstream.name()), |why| why.problem(upstream.name()))
        }
    }
}

/// Where an answer to a request is kept: by the service, the host that was asked, and the target as the service gets it.
fn key_of<'a>(upstream: &'a Upstream, head: &'a request::Parts) -> KeyRef<'a> {
    let in_target = head.uri.authority().map(http::uri::Authority::as_str);
    let host = in_target.or_else(|| head.headers.get(header::HOST).and_then(|host| host.to_str().ok()));
    let target = head.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    KeyRef { scope: upstream.name(), authority: host.unwrap_or_default(), target }
}

/// Says how stale an answer is, if it is.
fn tell_staleness(answer: &mut Response<CacheBody>) {
    let stale_for = answer.extensions().get::<Reused>().and_then(|reused| reused.stale_for);
    if let Some(stale_for) = stale_for {
        answer.headers_mut().insert(STALE, HeaderValue::from(stale_for.as_secs()));
    }
}

/// An answer that was chosen by what the gateway itself has added to the request is for this client alone: the cache
/// compares what clients say.
pub(super) fn tell_that_it_varies(headers: &mut HeaderMap) {
    let names = members(headers, &header::VARY).filter_map(|name| HeaderName::from_bytes(name).ok());
    if names.into_iter().any(|name| is_of_the_gateway(&name)) {
        headers.insert(header::VARY, HeaderValue::from_static("*"));
    }
}

/// Whether a request is for a stream of events: who waits for one has no use for what others were told.
fn wants_events(headers: &HeaderMap) -> bool {
    let kinds = headers.get(header::ACCEPT).and_then(|kinds| kinds.to_str().ok());
    kinds.is_some_and(|kinds| kinds.contains("text/event-stream"))
}

/// A part of a path as it is meant, so that a tag is the same however it was written.
pub(crate) fn decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8().map_or_else(|_| text.to_owned(), Into::into)
}
