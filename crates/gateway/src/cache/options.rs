//! How a cache is set up, and what a route wants of it.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use http::HeaderName;

use super::freshness::GUESS_MAX;
use super::tags::TagTemplate;

/// The limits of a cache. It is one for all routes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CacheOptions {
    /// Bytes of memory that all stored answers may take: bodies, headers, keys, tags. What has come of those that are on
    /// their way takes at most a quarter of it, beside this.
    pub bytes_max: u64,
    /// Bytes that one answer's body may have to be stored. A larger one passes through. At most an eighth of
    /// `bytes_max` counts.
    pub body_bytes_max: usize,
    /// Bytes that one answer's headers and tags may take to be stored.
    pub head_bytes_max: usize,
    /// Answers to one target that differ by `Vary`. What was not of use for the longest time goes first.
    pub variants_max: usize,
    /// Tags that an answer may carry. One with more is not stored, since it could not be purged by all of them.
    pub tags_max: usize,
    /// Tags of which is remembered that they were purged, so that an answer from before is not stored afterwards. What
    /// is forgotten makes the cache stricter, not laxer.
    pub purges_max: usize,
    /// Requests that wait for one fetch. More go to the service by themselves.
    pub waiting_max: usize,
    /// How long a request waits for another's fetch, before it goes by itself.
    pub waiting_time_max: Duration,
    /// Fetches that go on without a client: stale answers being revalidated, bodies whose client has gone, and changes
    /// that nobody waits for any more.
    pub background_max: usize,
    /// How long one of them may take.
    pub background_time_max: Duration,
    /// Answers that are packed at the same time, each on a thread of its own.
    pub packings_max: usize,
    /// How long a request waits for its answer to be packed, before it gets it as it is.
    pub packing_time_max: Duration,
    /// For how long requests do not wait for one another after a shared fetch has brought an answer that cannot be
    /// shared.
    pub unshared_for: Duration,
}

impl Default for CacheOptions {
    fn default() -> Self {
        Self {
            bytes_max: 64 << 20,
            body_bytes_max: 1 << 20,
            head_bytes_max: 64 << 10,
            variants_max: 16,
            tags_max: 64,
            purges_max: 65_536,
            waiting_max: 1_000,
            waiting_time_max: Duration::from_secs(5),
            background_max: 64,
            background_time_max: Duration::from_secs(30),
            packings_max: 2,
            packing_time_max: Duration::from_millis(250),
            unshared_for: Duration::from_secs(30),
        }
    }
}

/// What a route wants of the cache. The service's own `Cache-Control` goes before it wherever both say something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachePolicy {
    /// What it is called in metrics: the route.
    pub name: Arc<str>,
    /// The service whose positions the answers tell.
    pub source: Arc<str>,
    /// Whether they tell any. If not, what stands in `Tradewind-Position` means nothing here.
    pub tells_positions: bool,
    /// How long an answer is fresh that says nothing about it. Without it, a tenth of the time since it was last
    /// modified (RFC 9111 §4.2.2), at most a day.
    pub fresh_for: Option<Duration>,
    /// How long an answer that has become stale is served while it is being revalidated, unless it says so itself.
    pub stale_while_revalidate: Option<Duration>,
    /// What is answered if the service fails.
    pub on_failure: OnFailure,
    /// The tags of what this route answers.
    pub tags: Vec<TagTemplate>,
    /// The header in which the service tells further tags, such as `Cache-Tag` or `Surrogate-Key`. It is for the cache,
    /// and does not go to clients.
    pub tag_header: Option<HeaderName>,
    /// Whether a request's own `Cache-Control` counts: `no-cache`, `max-age`, `only-if-cached` …
    pub heeds_clients: bool,
    /// Whether one fetch serves all who ask for the same at the same time.
    pub collapses: bool,
    pub(crate) kind: Kind,
}

/// What is answered if the service fails: cannot be reached, takes too long, or answers with 500, 502, 503 or 504.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFailure {
    /// The failure, unless the stored answer allows itself to be served (`stale-if-error`).
    #[default]
    Error,
    /// A stored answer that has been stale for no longer than this, unless it forbids it.
    Stale(Duration),
}

impl OnFailure {
    /// How stale an answer may be where its author says no more than that it may be stale.
    pub const STALE_MAX: Duration = Duration::from_secs(24 * 60 * 60);
}

impl CachePolicy {
    /// How long an answer may be given after the service has made it, as far as the route says it. If it leaves that to the
    /// services, a day: what they say is not known, and guesses are no longer.
    #[must_use]
    pub fn longest(&self) -> Duration {
        let stale = match self.on_failure {
            OnFailure::Error => Duration::ZERO,
            OnFailure::Stale(bound) => bound,
        };
        let stale = stale.max(self.stale_while_revalidate.unwrap_or_default());
        self.fresh_for.unwrap_or(GUESS_MAX).saturating_add(stale)
    }

    /// How stale an answer may be while the service is asked anew, as far as the rule says it; nothing if not at all.
    pub(crate) fn while_revalidating(&self) -> Option<Duration> {
        self.stale_while_revalidate.filter(|most| !most.is_zero())
    }

    /// What the RFC says, and nothing beyond it.
    #[must_use]
    pub fn new(name: &str, source: &str) -> Self {
        Self {
            name: name.into(),
            source: source.into(),
            tells_positions: true,
            fresh_for: None,
            stale_while_revalidate: None,
            on_failure: OnFailure::Error,
            tags: Vec::new(),
            tag_header: None,
            heeds_clients: true,
            collapses: true,
            kind: Kind::default(),
        }
    }

    /// What of this is in all that is stored under it: the same number for two rules whose answers are tagged in the same
    /// way, and tell the same service's positions.
    pub(crate) fn kind(&self) -> u64 {
        *self.kind.0.get_or_init(|| {
            let mut hasher = DefaultHasher::new();
            (&self.source, self.tells_positions, &self.tags, &self.tag_header).hash(&mut hasher);
            hasher.finish()
        })
    }
}

/// A hash that is made once, when the rule is as it stays. A copy may be changed, and has none.
#[derive(Debug, Default)]
pub(crate) struct Kind(OnceLock<u64>);

impl Clone for Kind {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// It says nothing that the rest of the rule does not.
impl PartialEq for Kind {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Kind {}

/// In a line, for people.
impl fmt::Display for CachePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.fresh_for {
            Some(fresh_for) => write!(f, "fresh for {fresh_for:?} unless the service says otherwise")?,
            None => f.write_str("as long as the service says")?,
        }
        if let Some(bound) = self.stale_while_revalidate {
            write!(f, ", stale by up to {bound:?} while the service is asked")?;
        }
        match self.on_failure {
            OnFailure::Error => f.write_str(", an error if it fails")?,
            OnFailure::Stale(bound) => write!(f, ", stale by up to {bound:?} if it fails")?,
        }
        if !self.tags.is_empty() {
            let tags: Vec<String> = self.tags.iter().map(ToString::to_string).collect();
            write!(f, ", tagged {}", tags.join(" "))?;
        }
        match &self.tag_header {
            Some(name) => write!(f, ", and by {name}"),
            None => Ok(()),
        }
    }
}
