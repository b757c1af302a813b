//! Who waits for whom.

use std::fmt::Write as _;
use std::sync::Arc;

use http::header;
use prometheus_client::metrics::gauge::Gauge;
use tokio::time::{Instant, timeout};
use tradewind_events::Position;

use super::asked::Serving;
use super::directives::Directives;
use super::entry::{Condition, Stored};
use super::flight::{Outcome, Place, Waiting};
use super::unkeyed::of_proxies;

/// How often a request waits for another one's fetch before it goes by itself.
const ROUNDS_MAX: usize = 3;

impl Serving {
    pub(crate) fn place(&self, round: usize) -> Place {
        // Who wants it to be asked anew must not get what was asked before; and what nobody may store, whether that is
        // heeded or not, is not for those who wait.
        let is_own = self.directives.no_cache || Directives::of_request(&self.asked.head.headers).no_store;
        if !self.policy.collapses || is_own || round >= ROUNDS_MAX {
            return Place::Alone;
        }
        self.cache.flights.join(&self.flight_name(), self.now())
    }

    /// What came of the fetch that it waits for; nothing if that takes too long.
    pub(crate) async fn wait(&self, mut waiting: Waiting) -> Option<Outcome> {
        let _counted = OneWaiting::among(&self.cache.metrics.waiting);
        let waited = async {
            waiting.head().await;
            // A service that has answered one can answer another. So half of what is left is kept for that, and the pace
            // of the leader's client takes no more than the other.
            let Some(until) = self.asked.until else { return waiting.outcome().await };
            let left = until.saturating_duration_since(Instant::now());
            if let Ok(outcome) = timeout(left / 2, waiting.outcome()).await {
                return outcome;
            }
            waiting.leave();
            Outcome::Abandoned
        };
        timeout(self.cache.options.waiting_time_max, waited).await.ok()
    }

    /// Those who would not be answered with the same as far as is known do not wait for one another: whose answers are
    /// stored under other rules, of whom proxies tell something else, and who want the service to have come further than
    /// it is known to have, on which it waits.
    pub(crate) fn flight_name(&self) -> Arc<str> {
        let known = self.cache.store.get(self.asked.key.parts());
        let newest = known.as_ref().and_then(|variants| variants.0.first());
        let mut name = self.asked.key.text().to_string();
        name.push_str(&newest.map(|stored| stored.head.selecting.said_by(self.choosing())).unwrap_or_default());
        // Writing to a string cannot fail.
        let _ = write!(name, "\nrule {:x} {:?}", self.policy.kind(), self.policy.fresh_for);
        let headers = &self.asked.head.headers;
        let mut told: Vec<_> = of_proxies(headers).collect();
        told.sort_unstable_by_key(|kind| kind.as_str());
        for (kind, value) in
            told.into_iter().flat_map(|kind| headers.get_all(kind).iter().map(move |value| (kind, value)))
        {
            let _ = write!(name, "\n{kind} {}", value.as_bytes().escape_ascii());
        }
        for kind in [header::AUTHORIZATION, header::COOKIE] {
            if headers.contains_key(&kind) {
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

    pub(crate) fn may_share(&self, stored: &Stored) -> bool {
        stored.head.selecting.matches(self.choosing())
            && stored.head.is_under(self.rule())
            && stored.head.shows(self.asked.after)
            && stored.condition(self.now()) == Condition::Fresh
    }
}

/// Counts one who waits for as long as it does, also if it goes away.
struct OneWaiting<'a>(&'a Gauge);

impl<'a> OneWaiting<'a> {
    fn among(waiting: &'a Gauge) -> Self {
        waiting.inc();
        Self(waiting)
    }
}

impl Drop for OneWaiting<'_> {
    fn drop(&mut self) {
        self.0.dec();
    }
}
