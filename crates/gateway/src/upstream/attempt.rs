//! One try at one instance.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use http::header::{self, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Request, Response, StatusCode, Uri, Version, request, uri};
use hyper::body::Incoming;
use tokio::time::Instant;
use tradewind_http::Patience;

use super::answer::Held;
use super::options::Protocol;
use super::pool::{Failure, Lease, Want};
use super::{AnswerBody, CallPolicy, Deadline, Endpoint, NoAnswer, RequestBody, Trail, Upstream, metrics, span};
use crate::behind::is_behind;

/// A request on its way, over all tries.
pub(super) struct Call<'a> {
    pub(super) parts: &'a request::Parts,
    pub(super) body: &'a RequestBody,
    pub(super) deadline: Deadline,
    pub(super) policy: &'a CallPolicy,
    /// Twice does what once does.
    pub(super) repeatable: bool,
}

impl Upstream {
    /// Sends the request to this instance and waits for the head of its answer.
    pub(super) async fn attempt(
        &self,
        endpoint: Arc<Endpoint>,
        call: &Call<'_>,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        let measured = Measured { upstream: self, endpoint: &endpoint, call, begun: Instant::now(), done: false };
        let under_way = endpoint.begin();
        let trail = call.parts.extensions.get::<Trail>();
        if let Some(trail) = trail {
            trail.asked(endpoint.address());
        }
        match self.send(&endpoint, call).await {
            Ok((response, lease)) => {
                measured.done();
                if let Some(trail) = trail {
                    trail.answered(endpoint.address());
                }
                let status = response.status();
                let is_behind = is_behind(&call.parts.headers, (status, response.headers()));
                self.met(&endpoint, is_behind || !is_failure(status));
                let lasting = status == StatusCode::SWITCHING_PROTOCOLS;
                let (upstream, sending) = (self.clone(), call.body.watch());
                let held = Held { lease, under_way, upstream, sending, in_flight: None };
                Ok(response.map(|body| AnswerBody::new(body, held, lasting)))
            }
            Err(why) => {
                if why.is_its_fault() {
                    self.met(&endpoint, false);
                }
                Err(why)
            }
        }
    }

    /// On an idle connection if there is one. If that turns out to be dead, once more on a fresh one, or
    /// on one of HTTP/2 that was opened later: a service may close a
    /// kept connection just when the request is on its way, and that is neither's fault.
    async fn send(&self, endpoint: &Arc<Endpoint>, call: &Call<'_>) -> Result<(Response<Incoming>, Lease), NoAnswer> {
        // HTTP/2 has another way to become a WebSocket, which few services know.
        let http2 =
            self.treatment().options.protocol == Protocol::H2c && !call.parts.headers.contains_key(header::UPGRADE);
        let mut failed_on = None;
        loop {
            let repeatable = call.repeatable && call.body.can_be_sent_twice();
            let want = Want { http2, newer_than: failed_on, repeatable, connect: call.policy.connect };
            let mut lease = endpoint.pool().take(want, call.deadline).await?;
            let request = call.request_to(endpoint, lease.is_http2());
            let mut patience = lease.take_patience();
            let failure = match call.in_time(&mut patience, lease.send(request, call.repeatable)).await? {
                Ok(response) => {
                    lease.set_patience(patience);
                    return Ok((response, lease));
                }
                // Whatever the service made of half a body, it is not its fault.
                Err(_) if call.body.has_failed() => return Err(NoAnswer::RequestBody),
                Err(failure) => failure,
            };
            let again = lease.reused && call.body.can_be_sent_again();
            match failure {
                Failure::Nothing if again => {}
                Failure::Perhaps(NoAnswer::Broken) if again && call.repeatable => {}
                Failure::Nothing => return Err(NoAnswer::Unreachable),
                Failure::Perhaps(why) => return Err(why),
            }
            metrics::add(&self.0.counters.dead_connections);
            failed_on = Some(lease.number());
        }
    }
}

/// Answers that say that the instance is not able to answer, and not that the request is wrong.
fn is_failure(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT)
}

impl Call<'_> {
    /// The request as this instance is to see it.
    fn request_to(&self, endpoint: &Endpoint, http2: bool) -> Request<RequestBody> {
        let mut parts = self.parts.clone();
        self.deadline.tell(&mut parts.headers);
        span::begin(&mut parts.headers);
        if !parts.headers.contains_key(header::HOST)
            && let Some(host) = endpoint.host()
        {
            parts.headers.insert(header::HOST, host.clone());
        }
        let mut target = uri::Parts::default();
        target.path_and_query = parts.uri.path_and_query().cloned().or_else(|| Some(PathAndQuery::from_static("/")));
        parts.version = Version::HTTP_11;
        if http2 {
            // HTTP/2 says in the target which host is meant.
            let host = parts.headers.remove(header::HOST);
            target.scheme = Some(Scheme::HTTP);
            target.authority = host.and_then(|host| Authority::try_from(host.as_bytes()).ok());
            if target.authority.is_none() {
                target.authority = endpoint.host().and_then(|host| Authority::try_from(host.as_bytes()).ok());
            }
            parts.headers.insert(header::TE, HeaderValue::from_static("trailers"));
            parts.version = Version::HTTP_2;
        }
        // A path alone is a URI, and so is one with scheme and authority.
        parts.uri = Uri::from_parts(target).unwrap_or_default();
        Request::from_parts(parts, self.body.clone())
    }

    /// Waits for an answer, but not longer than a try may take, the client may be silent, or the deadline is away.
    async fn in_time<T>(
        &self,
        patience: &mut Option<Patience>,
        answer: impl Future<Output = T>,
    ) -> Result<T, NoAnswer> {
        let mut answer = pin!(answer);
        let begun = Instant::now();
        let mut until = self.look_again(begun, begun)?;
        loop {
            let answered = poll_fn(|context| match answer.as_mut().poll(context) {
                Poll::Ready(answer) => Poll::Ready(Some(answer)),
                Poll::Pending => {
                    let patience = patience.get_or_insert_with(|| Patience::new(until));
                    patience.poll_until(until, context).map(|()| None)
                }
            });
            if let Some(answer) = answered.await {
                return Ok(answer);
            }
            until = self.look_again(begun, Instant::now())?;
        }
    }

    /// When to look again whether a try that began then takes too long, or that it does and why. A timer for each piece of
    /// a body would cost more than to look now and then.
    fn look_again(&self, begun: Instant, now: Instant) -> Result<Instant, NoAnswer> {
        let progress = self.body.progress();
        let heard = progress.map_or(begun, |progress| progress.last_piece.max(begun));
        // While the client is awaited, the service cannot be expected to answer.
        let awaited_until = progress.and_then(|progress| progress.awaited_until);
        let limit = awaited_until.unwrap_or(heard + self.policy.try_timeout);
        let deadline = self.deadline.at();
        if deadline.is_some_and(|at| at <= now) || limit <= now {
            return Err(match awaited_until {
                Some(_) => NoAnswer::RequestTimeout,
                None if limit <= now => NoAnswer::Timeout,
                None => self.deadline.missed(now.saturating_duration_since(heard)),
            });
        }
        // Whoever has still to send may fall silent at any time.
        let may_fall_silent = progress.is_some_and(|progress| !progress.ended);
        let look = if may_fall_silent { limit.min(now + self.policy.uploads.silence()) } else { limit };
        Ok(deadline.map_or(look, |at| at.min(look)))
    }
}

/// Measures a try. One that is given up would have taken longer, which says something too.
struct Measured<'a> {
    upstream: &'a Upstream,
    endpoint: &'a Endpoint,
    call: &'a Call<'a>,
    begun: Instant,
    done: bool,
}

impl Measured<'_> {
    /// The client's time to send its body is not the instance's; and as long as it is awaited, nothing is.
    fn took(&self, now: Instant) -> Option<Duration> {
        let from = match self.call.body.progress() {
            Some(progress) if progress.awaited_until.is_some() => return None,
            Some(progress) => progress.last_piece.max(self.begun),
            None => self.begun,
        };
        Some(now.saturating_duration_since(from))
    }

    fn done(mut self) {
        self.done = true;
        let now = Instant::now();
        if let Some(took) = self.took(now) {
            self.endpoint.latency().add(took, now);
            self.upstream.0.latencies.add(took, now);
        }
    }
}

impl Drop for Measured<'_> {
    fn drop(&mut self) {
        if self.done {
            return;
        }
        let now = Instant::now();
        if let Some(took) = self.took(now) {
            self.endpoint.latency().add_at_least(took, now);
        }
    }
}
