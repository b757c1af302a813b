//! The whole configuration of a running gateway, as one value.

use std::sync::Arc;
use std::time::Duration;

use crate::cache::Cache;
use crate::{Action, Authorizer, RouteTable, Upstream};

/// What a gateway does with requests. It never changes: another one is put in its place as a whole, and what is under
/// way goes on with the plan that it began with.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Which request goes where, and what is done with it on the way.
    pub routes: RouteTable,
    /// Who tells whether somebody may ask. Without one, nobody may where a route has a rule for it.
    pub authorizer: Option<Arc<dyn Authorizer>>,
    /// Where answers are stored, of all routes and calls that have a rule for it; nothing is, without one.
    pub cache: Option<Cache>,
    /// For how long a client is remembered, in a cookie of its own, to have written something, so that it is answered
    /// nothing older; not at all, without it.
    pub own_writes: Option<Duration>,
}

impl Plan {
    /// The services that its routes go to, some of them several times.
    pub fn upstreams(&self) -> impl Iterator<Item = Upstream> {
        self.routes.routes().iter().flat_map(|route| match &route.to {
            Action::Forward(upstream) => vec![upstream.clone()],
            Action::Compose(composing) => composing.calls.iter().map(|call| call.upstream.clone()).collect(),
        })
    }

    /// Goes on where a plan before this one is: with what is stored, if the cache is of the same kind, and counting,
    /// where routes are called and limited as before.
    #[must_use]
    pub fn continuing(mut self, before: &Self) -> Self {
        self.routes.continue_counting(&before.routes);
        if let (Some(cache), Some(known)) = (&self.cache, &before.cache)
            && cache.options() == known.options()
        {
            self.cache = Some(known.clone());
        }
        self
    }
}

impl From<RouteTable> for Plan {
    fn from(routes: RouteTable) -> Self {
        Self { routes, ..Self::default() }
    }
}
