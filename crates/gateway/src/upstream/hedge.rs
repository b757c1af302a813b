//! Asking a second instance while the first has not answered (Dean and Barroso 2013), which cuts off the slowest answers
//! for a few requests more.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Response;
use tokio::time::timeout;
use tower::retry::budget::Budget;

use super::attempt::Call;
use super::{AnswerBody, Endpoint, Hedge, NoAnswer, Upstream, metrics};

impl Upstream {
    /// One try at this instance; and another one at the same time if it takes too long. Whoever was asked is noted.
    pub(super) async fn attempt_hedged(
        &self,
        endpoint: Arc<Endpoint>,
        asked: &mut Vec<SocketAddr>,
        call: &Call<'_>,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        asked.push(endpoint.address());
        match self.hedged_after(call) {
            // Boxed, so that the many calls without it do not carry its size.
            Some(delay) => Box::pin(self.race(endpoint, asked, call, delay)).await,
            None => self.attempt(endpoint, call).await,
        }
    }

    fn hedged_after(&self, call: &Call<'_>) -> Option<Duration> {
        let hedge = call.policy.hedge?;
        if !call.repeatable || !call.body.can_be_sent_twice() {
            return None;
        }
        match hedge {
            Hedge::After(time) => Some(time),
            Hedge::P95 { at_least } => self.0.latencies.p95().map(|p95| p95.max(at_least)),
        }
    }

    async fn race(
        &self,
        endpoint: Arc<Endpoint>,
        asked: &mut Vec<SocketAddr>,
        call: &Call<'_>,
        delay: Duration,
    ) -> Result<Response<AnswerBody>, NoAnswer> {
        let mut first = Box::pin(self.attempt(endpoint, call));
        if let Ok(answer) = timeout(delay, first.as_mut()).await {
            return answer;
        }
        if !self.has_well_other_than(asked) {
            return first.await;
        }
        let Some(other) = self.choose(asked) else { return first.await };
        if !self.treatment().budget.withdraw() {
            metrics::add(&self.0.counters.over_budget);
            return first.await;
        }
        metrics::add(&self.0.counters.hedges);
        asked.push(other.address());
        let mut second = Box::pin(self.attempt(other, call));
        let (answer, second_won) = tokio::select! {
            answer = &mut first => (answer, false),
            answer = &mut second => (answer, true),
        };
        if answer.as_ref().is_ok_and(|answer| !call.policy.retry.statuses.contains(&answer.status())) {
            if second_won {
                metrics::add(&self.0.counters.hedges_won);
            }
            // The other one is dropped, which ends it.
            return answer;
        }
        let other = if second_won { first.await } else { second.await };
        other.or(answer)
    }
}
