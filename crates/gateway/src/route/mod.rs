//! Which request belongs to which route.
//!
//! A [`Route`] says what it takes ([`host`], [`path`], methods, [`header`]), what becomes of the path ([`rewrite`]), and
//! where it goes ([`Action`]). [`table`] finds the most specific route that takes a request, and refuses two of which
//! neither is more specific ([`rank`]).

mod error;
mod header;
mod host;
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
pub use host::HostPattern;
pub(crate) use host::without_port;
pub use path::{Captures, PathPattern};
pub use rewrite::Rewrite;
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
    /// The methods that it takes; none for any. Who takes GET takes HEAD.
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

    /// Whether a method is among those that it takes.
    pub(crate) fn takes_method(&self, method: &Method) -> bool {
        self.methods.is_empty()
            || self.methods.contains(method)
            || (*method == Method::HEAD && self.methods.contains(&Method::GET))
    }

    fn takes_host(&self, host: Option<&str>) -> bool {
        self.hosts.is_empty() || host.is_some_and(|host| self.hosts.iter().any(|pattern| pattern.covers(host)))
    }
}

/// Whether a path lies under a prefix: `/api` covers `/api` and `/api/x`, and not `/apis`.
pub(crate) fn covers(prefix: &str, path: &str) -> bool {
    if prefix == "/" {
        return true;
    }
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Whether a path has a `.` or `..` segment, plain or percent-encoded. Services would resolve it, and so see
/// another path than the one that was routed.
fn has_dot_segment(path: &str) -> bool {
    path.split(['/', '\\']).any(|segment| {
        let mut rest = segment;
        let mut dots = 0;
        while let Some(after) = [".", "%2e", "%2E"].iter().find_map(|dot| rest.strip_prefix(dot)) {
            (rest, dots) = (after, dots + 1);
        }
        rest.is_empty() && matches!(dots, 1 | 2)
    })
}

#[cfg(test)]
mod tests;
