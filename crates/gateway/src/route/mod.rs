//! Which request belongs to which route.
//!
//! A [`Route`] says what it takes ([`host`], [`path`], methods, [`header`]), what becomes of the path ([`rewrite`]), and
//! where it goes ([`Action`]). [`table`] finds the most specific route that takes a request, and refuses two of which
//! neither is more specific ([`rank`]).

mod error;
mod header;
mod host;
mod lenient;
mod limits;
mod path;
mod rank;
mod rewrite;
mod table;

use std::sync::Arc;

use http::Method;

use crate::metrics::RouteCounts;
use crate::policy::Policies;
use crate::{Composing, Upstream};

pub use error::RouteError;
pub use header::HeaderMatch;
pub use host::{HostPattern, host_in};
pub use path::{Captures, PathPattern};
pub use rewrite::Rewrite;
pub(crate) use rewrite::Unwritable;
pub use table::{Asked, NotFound, RouteTable};

/// The prefix of what the gateway answers itself.
pub(crate) const OWN_PREFIX: &str = "/_gateway";

/// Which requests go where, and what is done with them on the way.
#[derive(Debug, Clone)]
pub struct Route {
    /// What it is called in logs and messages: its path, unless somebody gave it a name.
    pub name: Arc<str>,
    /// The line on which its author wrote it, from 1.
    pub line: Option<usize>,
    /// The hosts that it takes; none for any.
    pub hosts: Vec<HostPattern>,
    /// The paths that it takes.
    pub path: PathPattern,
    /// The methods that it takes; none for any but TRACE. Who takes GET takes HEAD.
    pub methods: Vec<Method>,
    /// What headers must say.
    pub headers: Vec<HeaderMatch>,
    /// What becomes of the path; none leaves it as it is.
    pub rewrite: Option<Rewrite>,
    /// Where it goes.
    pub to: Action,
    /// What is done with requests and answers on the way.
    pub policies: Arc<Policies>,
    /// What is counted of it.
    pub(crate) counts: Arc<RouteCounts>,
}

/// Where a route leads.
#[derive(Debug, Clone)]
pub enum Action {
    /// To a service, wherever its instances are.
    Forward(Upstream),
    /// To several, of whose answers one is composed.
    Compose(Arc<Composing>),
}

impl Action {
    /// The service that it leads to, or what it composes, for logs and metrics.
    #[must_use]
    pub fn service(&self) -> &Arc<str> {
        match self {
            Self::Forward(upstream) => upstream.name(),
            Self::Compose(composing) => &composing.name,
        }
    }
}

impl Route {
    /// Everything under a prefix goes to a service; what else there is to say stands in the fields.
    ///
    /// # Errors
    /// [`RouteError`] says what is wrong with the prefix.
    pub fn new(prefix: &str, upstream: Upstream) -> Result<Self, RouteError> {
        Ok(Self::to(PathPattern::parse(prefix)?, Action::Forward(upstream)))
    }

    /// All that has such a path, with no conditions and policies but the usual ones.
    #[must_use]
    pub fn to(path: PathPattern, to: Action) -> Self {
        let counts = Arc::new(RouteCounts::new(Some(&to)));
        Self {
            name: path.as_str().into(),
            line: None,
            hosts: Vec::new(),
            path,
            methods: Vec::new(),
            headers: Vec::new(),
            rewrite: None,
            to,
            policies: Arc::default(),
            counts,
        }
    }

    /// Whether a method is among those that it takes. TRACE is so only where it is named: it echoes what it is asked,
    /// cookies and all, to whoever looks for a way to read them.
    pub(crate) fn takes_method(&self, method: &Method) -> bool {
        (self.methods.is_empty() && *method != Method::TRACE)
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }
}

/// Whether a path lies under a prefix: `/api` covers `/api` and `/api/x`, and not `/apis`.
pub(crate) fn covers(prefix: &str, path: &str) -> bool {
    if prefix == "/" {
        return true;
    }
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests;
