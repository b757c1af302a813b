//! A call: tried, and tried again where that is harmless and may help.

use std::net::SocketAddr;
use std::time::Duration;

use http::{HeaderMap, Method, Request, Response, StatusCode, header, request};
use tokio::time::{Instant, sleep};
use tower::retry::budget::Budget;

use super::attempt::Call;
use super::{AnswerBody, CallPolicy, Deadline, NoAnswer, RequestBody, Upstream, metrics};
use crate::behind::is_behind;

/// How long to wait before asking a service again of which no instance could be reached.
const PAUSE: Duration = Duration::from_millis(50);

impl Upstream {
    /// Sends a request to one of the service's instances and waits for the head of its answer.
    ///
    /// What was not sent, since no connection came about, goes to one instance after the other, and again and again for a
    /// short while: an instance that fell is soon back. What was sent is tried again only if it is idempotent by its method
    /// or has an `Idempotency-Key`, as often as the policy says and the retry budget allows.
    ///
    /// The request's headers are passed on as they are, with `Host` if it has none and the deadline if there is one; its
    /// target's path and query are used, and nothing else of it.
    ///
    /// # Errors
    /// [`NoAnswer`] says why there is none, after all tries.
    pub async fn call(
        &self,
        request: Request<RequestBody>,
        deadline: Deadline,
        policy: &CallPolicy,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        self.start();
        let (let_through, in_flight) = {
            let treatment = self.treatment();
            let entered = treatment.breaker.enter().inspect_err(|_| metrics::add(&self.0.counters.refused))?;
            treatment.budget.deposit();
            entered
        };
        let (parts, body) = request.into_parts();
        body.allow(policy.uploads);
        let repeatable = is_repeatable(&parts);
        let call = Call { parts: &parts, body: &body, deadline, policy, repeatable };
        let answer = self.try_often(&call).await;
        match &answer {
            Ok(answer) => let_through.tell(!is_bad(answer.status())),
            Err(why) if why.is_its_fault() => let_through.tell(false),
            // The client gave up, or asked for too much: that says nothing about the service.
            Err(_) => drop(let_through),
        }
        let mut answer = answer?;
        answer.body_mut().hold(in_flight);
        Ok(answer)
    }

    async fn try_often(&self, call: &Call<'_>) -> Result<Response<AnswerBody>, NoAnswer> {
        let retry = &call.policy.retry;
        let begun = Instant::now();
        let patience = begun + call.policy.unreachable;
        let mut in_vain: Vec<SocketAddr> = Vec::new();
        // The best of the answers that made another try worth while.
        let mut set_aside: Option<Response<AnswerBody>> = None;
        let mut tries = 1;
        loop {
            if call.deadline.is_over() {
                return set_aside.ok_or_else(|| call.deadline.missed(begun.elapsed()));
            }
            let outcome = match self.choose(&in_vain) {
                Some(endpoint) => self.attempt_hedged(endpoint, &mut in_vain, call).await,
                None => Err(NoAnswer::Unreachable),
            };
            let can_repeat = call.body.can_be_sent_again();
            let may_retry = can_repeat && call.repeatable && tries < retry.tries;
            let mut why = NoAnswer::Broken;
            let pause = match outcome {
                Ok(answer) if !may_retry || !retry.statuses.contains(&answer.status()) => return Ok(answer),
                Ok(mut answer) => {
                    let Some(pause) = self.pause_after(&answer, &in_vain, tries, call) else { return Ok(answer) };
                    // Boxed, so that the many calls without it do not carry its size.
                    match Box::pin(answer.body_mut().read_ahead(call.deadline)).await {
                        Ok(true) => set_aside = Some(answer),
                        // It would keep its connection, and perhaps that is the one that the next try waits for.
                        Ok(false) => return Ok(answer),
                        // It was none.
                        Err(_) => {}
                    }
                    Some(pause)
                }
                Err(NoAnswer::Unreachable | NoAnswer::Busy) if can_repeat && self.has_other_than(&in_vain) => continue,
                Err(NoAnswer::Unreachable) if can_repeat && set_aside.is_none() && Instant::now() < patience => {
                    in_vain.clear();
                    self.wait_for_change(PAUSE).await;
                    continue;
                }
                Err(broken @ (NoAnswer::Broken | NoAnswer::Malformed)) if may_retry => {
                    why = broken;
                    self.backoff(&in_vain, tries, call)
                }
                // The same instance would probably not be faster.
                Err(NoAnswer::Timeout)
                    if may_retry && !call.deadline.is_over() && self.has_well_other_than(&in_vain) =>
                {
                    why = NoAnswer::Timeout;
                    Some(Duration::ZERO)
                }
                Err(settled) => return set_aside.ok_or(settled),
            };
            let Some(pause) = pause.filter(|_| self.is_within_budget()) else { return set_aside.ok_or(why) };
            metrics::add(&self.0.counters.retries);
            tries += 1;
            if !pause.is_zero() {
                sleep(pause).await;
            }
        }
    }

    fn is_within_budget(&self) -> bool {
        let within = self.treatment().budget.withdraw();
        if !within {
            metrics::add(&self.0.counters.over_budget);
        }
        within
    }

    /// How long to wait after an answer that says that another try may help; none if that is not worth while. An instance
    /// that asks for a time is left alone for that time.
    fn pause_after(
        &self,
        answer: &Response<AnswerBody>,
        in_vain: &[SocketAddr],
        tries: u32,
        call: &Call<'_>,
    ) -> Option<Duration> {
        let wanted = retry_after(answer.headers());
        if let Some(time) = wanted
            && !is_behind(&call.parts.headers, (answer.status(), answer.headers()))
            && let Some(last) = in_vain.last()
            && let Some(endpoint) = self.endpoints().iter().find(|endpoint| endpoint.address() == *last)
        {
            endpoint.rest(time.min(REST_AT_MOST), Instant::now());
        }
        if self.has_well_other_than(in_vain) {
            return Some(Duration::ZERO);
        }
        match wanted {
            Some(time) if time > call.policy.retry.retry_after_at_most || !call.deadline.leaves(time) => None,
            Some(time) => Some(time),
            None => self.backoff(in_vain, tries, call),
        }
    }

    /// No pause before another instance is asked, and some time, by chance, before the same one is.
    fn backoff(&self, in_vain: &[SocketAddr], tries: u32, call: &Call<'_>) -> Option<Duration> {
        if self.has_well_other_than(in_vain) {
            return Some(Duration::ZERO);
        }
        let retry = &call.policy.retry;
        let longest = retry.backoff.saturating_mul(1 << (tries - 1).min(16)).min(retry.backoff_at_most);
        let pause = longest.mul_f64(fastrand::f64());
        call.deadline.leaves(pause).then_some(pause)
    }
}

/// An instance that asks for a longer rest is asked again all the same.
const REST_AT_MOST: Duration = Duration::from_secs(30);

/// Answers that the breaker counts as failures. A service that says 503 speaks for itself, and is believed.
fn is_bad(status: StatusCode) -> bool {
    matches!(status, StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT)
}

/// Idempotent by its method (RFC 9110 §9.2.2), or by a key that the service recognises it by.
fn is_repeatable(parts: &request::Parts) -> bool {
    let by_method = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
    by_method.contains(&parts.method) || parts.headers.contains_key("idempotency-key")
}

/// How long a service asks to be left alone, in seconds (RFC 9110 §10.2.3). Dates are for those who have a calendar.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    text.trim().parse().ok().map(Duration::from_secs)
}
