//! How a composition reaches services: one GET at a time, through whatever is behind [`Ask`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

use super::Failed;
use crate::cache::{Directives, delta_seconds, members};
use crate::position::{POSITION, position_in};

/// Asks a service. What is behind it caches, balances and tries again as it likes; a composition only hears what came
/// of it.
pub trait Ask: Send + Sync {
    /// Asks once. It may be dropped at any time, when its answer is of no use any more.
    fn ask<'a>(&'a self, question: Question<'a>) -> Answering<'a>;
}

/// An answer to come.
pub type Answering<'a> = Pin<Box<dyn Future<Output = Result<Piece, Failed>> + Send + 'a>>;

/// One GET.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The call that it is made for, by its name.
    pub call: &'a str,
    /// The service.
    pub service: &'a str,
    /// The path and query, percent-encoded.
    pub path_and_query: &'a str,
    /// The headers of the request that is answered.
    pub headers: &'a HeaderMap,
    /// When the answer is of no use any more.
    pub deadline: Instant,
    /// How long past its freshness a stored answer may be, if the service fails. Nothing, if the author does not allow
    /// it.
    pub stale_most: Option<Duration>,
    /// Bytes that the answer may have.
    pub bytes_most: usize,
}

/// A service's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// JSON.
    pub body: Bytes,
    /// How long ago the service made it.
    pub age: Duration,
    /// Whether it is still what the service would answer.
    pub freshness: Freshness,
    /// Who may store it.
    pub storing: Storing,
    /// Who of them may not give it any more when it is no longer fresh.
    pub expiring: Expiring,
    /// The position of the service's log that it reflects.
    pub position: Option<u64>,
    /// The service whose log that is, if it is another than the one that was asked: its answers are made of events of that
    /// one.
    pub source: Option<Arc<str>>,
    /// The moment as of which it is, if it is not today's.
    pub as_of: Option<HeaderValue>,
    /// The names of the request's headers that it depends on, as in `Vary`.
    pub vary: Vec<String>,
}

/// Whether an answer may still be used without asking again (RFC 9111, 4.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// It may, for as long as this.
    Fresh(Duration),
    /// The service does not say for how long.
    Unsaid,
    /// It may not, since as long as this; it is given because the service fails, or while it is asked.
    Stale(Duration),
}

/// Who may store an answer, from the most to the least.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Storing {
    /// Anybody.
    Shared,
    /// The client alone.
    Private,
    /// Nobody.
    Never,
}

/// Who must ask the service again once an answer is fresh no more, also if that fails (RFC 9111, 5.2.2.2, 5.2.2.8 and
/// 5.2.2.10), from the fewest to the most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Expiring {
    /// Nobody.
    ForNobody,
    /// Caches that several clients share.
    ForShared,
    /// All who store it.
    ForAll,
}

impl Piece {
    /// A piece as a response's head describes it (`Cache-Control`, `Age`, `Vary`, `Tradewind-Position`,
    /// `Tradewind-As-Of`), straight from the service. Whoever has stored it says how fresh it is.
    #[must_use]
    pub fn new(headers: &HeaderMap, body: impl Into<Bytes>) -> Self {
        // The first, as the cache takes it; what is no number says nothing.
        let age = members(headers, &header::AGE).next().and_then(delta_seconds).unwrap_or_default();
        let directives = Directives::of_answer(headers);
        // What comes of it is said to all caches alike, and so is the least of what is said to some.
        let lifetime = directives.s_maxage.into_iter().chain(directives.max_age).min();
        let freshness = match lifetime.filter(|_| !directives.no_cache) {
            Some(lifetime) => Freshness::Fresh(lifetime.saturating_sub(age)),
            None => Freshness::Unsaid,
        };
        let vary = names(headers, &header::VARY);
        let storing = match () {
            () if directives.no_store || vary.iter().any(|name| name == "*") => Storing::Never,
            () if directives.private => Storing::Private,
            () => Storing::Shared,
        };
        let expiring = match () {
            () if directives.must_revalidate => Expiring::ForAll,
            () if directives.proxy_revalidate || directives.s_maxage.is_some() => Expiring::ForShared,
            () => Expiring::ForNobody,
        };
        let position = position_in(headers, &POSITION).map(|position| position.0);
        let as_of = headers.get(super::answer::AS_OF).cloned();
        Self { body: body.into(), age, freshness, storing, expiring, position, source: None, as_of, vary }
    }
}

/// The members of a header that lists names, in lower case.
fn names(headers: &HeaderMap, name: &header::HeaderName) -> Vec<String> {
    members(headers, name).map(|member| String::from_utf8_lossy(member).to_ascii_lowercase()).collect()
}
