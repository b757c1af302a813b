//! A composition at a route: what is answered there, and how each service is asked for it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::cache::CachePolicy;
use crate::compose::{Composed, Parameters};
use crate::proxy::decoded;
use crate::{Captures, Upstream};

/// What a profile serves at one path.
#[derive(Debug, Clone)]
pub struct Composing {
    /// What it is called in logs and metrics: `web/product`.
    pub name: Arc<str>,
    /// What is asked and selected.
    pub composed: Arc<Composed>,
    /// How its calls are made.
    pub calls: Vec<CallRule>,
    /// How long all calls may take together.
    pub timeout: Duration,
    /// Whether calls take along what the client says of itself: `Authorization`, `Cookie` and `Tradewind-Actor`. What
    /// services answer to that is stored for this client alone.
    pub credentials: bool,
}

/// How one call is made.
#[derive(Clone)]
pub struct CallRule {
    /// The call.
    pub name: Box<str>,
    /// The service, and the path and query, as its author wrote them.
    pub get: Box<str>,
    /// The service that it asks.
    pub upstream: Upstream,
    /// What it wants of the cache; nothing to go past it.
    pub cache: Option<Arc<CachePolicy>>,
    /// The service whose positions its answers tell; none if they tell none that clients could wait for.
    pub positions: Option<Arc<str>>,
}

impl Composing {
    /// How long all calls may take together, unless something else is said.
    pub const TIMEOUT: Duration = Duration::from_secs(10);

    /// What a request says: what stands in its path, and behind it what stands in its query, decoded.
    #[must_use]
    pub fn parameters(captures: &Captures, query: &str) -> Parameters {
        let in_path = captures.iter().map(|(name, value)| (name.to_owned(), decoded(value)));
        let in_query = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decoded(&name.replace('+', " ")), decoded(&value.replace('+', " ")))
        });
        in_path.chain(in_query).fold(Parameters::new(), |all, (name, value)| all.with(name, value))
    }

    /// A call's rule, by its name.
    #[must_use]
    pub fn call(&self, name: &str) -> Option<&CallRule> {
        self.calls.iter().find(|call| *call.name == *name)
    }
}

impl fmt::Debug for CallRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallRule").field("name", &self.name).field("get", &self.get).finish_non_exhaustive()
    }
}
