//! Who waits for whom.

use std::fmt::Write as _;
use std::sync::Arc;

use http::header;
use tradewind_events::Position;

use super::asked::Serving;
use super::directives::Directives;
use super::entry::{Condition, Stored};
use super::flight::{Outcome, Place, Waiting};

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
    pub(crate) async fn wait(&self, waiting: Waiting) -> Option<Outcome> {
        self.cache.metrics.waiting.inc();
        let outcome = tokio::time::timeout(self.cache.options.waiting_time_max, waiting.outcome()).await;
        self.cache.metrics.waiting.dec();
        outcome.ok()
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

    pub(crate) fn may_share(&self, stored: &Stored) -> bool {
        stored.head.selecting.matches(self.choosing())
            && stored.head.is_under(self.rule())
            && stored.head.shows(self.asked.after)
            && stored.condition(self.now()) == Condition::Fresh
    }
}
