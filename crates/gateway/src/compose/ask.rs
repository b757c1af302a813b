//! How a composition reaches services: one GET at a time, through whatever is behind [`Ask`].

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use tokio::time::Instant;

use super::Failed;
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

impl Piece {
    /// A piece as a response's head describes it (`Cache-Control`, `Age`, `Vary`, `Tradewind-Position`,
    /// `Tradewind-As-Of`), straight from
    /// the service. Whoever has stored it says how fresh it is.
    #[must_use]
    pub fn new(headers: &HeaderMap, body: impl Into<Bytes>) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let age = Duration::from_secs(text("age").and_then(|age| age.parse().ok()).unwrap_or(0));
        let directives = list(headers, &header::CACHE_CONTROL);
        let said = |name: &str| directives.iter().any(|directive| directive.split('=').next() == Some(name));
        let seconds = directives.iter().find_map(|directive| directive.strip_prefix("max-age=")?.parse().ok());
        let freshness = match seconds {
            _ if said("no-cache") => Freshness::Unsaid,
            Some(seconds) => Freshness::Fresh(Duration::from_secs(seconds).saturating_sub(age)),
            None => Freshness::Unsaid,
        };
        let vary = list(headers, &header::VARY);
        let storing = match () {
            () if said("no-store") || vary.iter().any(|name| name == "*") => Storing::Never,
            () if said("private") => Storing::Private,
            () => Storing::Shared,
        };
        let position = position_in(headers, &POSITION).map(|position| position.0);
        let as_of = headers.get(super::answer::AS_OF).cloned();
        Self { body: body.into(), age, freshness, storing, position, source: None, as_of, vary }
    }
}

/// The members of a header that is a list, in lower case.
fn list(headers: &HeaderMap, name: &header::HeaderName) -> Vec<String> {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    let members = values.flat_map(|value| value.split(',')).map(|member| member.trim().to_ascii_lowercase());
    members.filter(|member| !member.is_empty()).collect()
}
