//! What of the store may be used for a request, and what is lacking. It changes nothing.

use std::sync::Arc;
use std::time::Duration;

use http::{Method, header};

use super::asked::Serving;
use super::entry::{Condition, Stored};
use super::metrics::Result as Counted;
use super::status::{CacheStatus, Forwarded};

/// What there is for a request.
pub(crate) enum Found {
    /// An answer, and how it counts.
    Usable {
        stored: Arc<Stored>,
        counted: Counted,
    },
    Lacking(Lacking),
}

/// Why the service has to be asked, and what is stored of what it would answer.
pub(crate) struct Lacking {
    pub(crate) why: Forwarded,
    pub(crate) detail: Option<&'static str>,
    /// Only what the client may have if it is still so, or if the service fails.
    pub(crate) base: Option<Arc<Stored>>,
}

impl Serving {
    /// Looks for an answer. Whoever gives one that counts as stale while it is being revalidated sees to it that it is.
    pub(crate) fn look_up(&self) -> Found {
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
        let usable = |counted| Found::Usable { stored: Arc::clone(stored), counted };
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
                usable(Counted::Hit)
            }
            Condition::Stale(_) if stored.outdated_since().is_some() => lacks(Forwarded::Stale, Some("event"), base),
            Condition::Stale(stale_for) if !self.may_be_stale(stale_for) => lacks(Forwarded::Stale, None, base),
            Condition::Stale(stale_for) => {
                if head.stale_while_revalidate(&self.policy).is_some_and(|most| stale_for <= most) && !is_too_old {
                    return usable(Counted::StaleWhileRevalidate);
                }
                let client_allows = self.directives.max_stale.is_some_and(|most| stale_for <= most) && !is_too_old;
                if client_allows && !head.forbids_stale(false) {
                    return usable(Counted::Stale);
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
    pub(crate) fn is_not_for_storing(&self, lacking: &Lacking) -> Option<CacheStatus> {
        let headers = &self.asked.head.headers;
        let status = CacheStatus::forwarded(lacking.why);
        if headers.contains_key(header::RANGE) && lacking.base.is_none() && self.asked.head.method == Method::GET {
            return Some(status.because("range"));
        }
        self.directives.no_store.then(|| status.because("request-no-store"))
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

    /// Whether who asks takes what is so stale, if it may be given at all.
    fn may_be_stale(&self, stale_for: Duration) -> bool {
        self.asked.stale_max.is_none_or(|most| stale_for <= most)
    }
}
