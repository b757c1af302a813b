//! The whole configuration of a running gateway, as one value.

use std::sync::Arc;

use crate::{Action, Authorizer, RouteTable, Upstream};

/// What a gateway does with requests. It never changes: another one is put in its place as a whole, and what is under
/// way goes on with the plan that it began with.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Which request goes where, and what is done with it on the way.
    pub routes: RouteTable,
    /// Who tells whether somebody may ask. Without one, nobody may where a route has a rule for it.
    pub authorizer: Option<Arc<dyn Authorizer>>,
}

impl Plan {
    /// The services that its routes go to.
    pub(crate) fn upstreams(&self) -> impl Iterator<Item = Upstream> {
        self.routes.routes().iter().map(|route| match &route.to {
            Action::Forward(upstream) => upstream.clone(),
        })
    }

    /// Goes on counting, where routes are called and limited as before, where a plan before this one is.
    #[must_use]
    pub fn continuing(mut self, before: &Self) -> Self {
        self.routes.continue_counting(&before.routes);
        self
    }
}

impl From<RouteTable> for Plan {
    fn from(routes: RouteTable) -> Self {
        Self { routes, authorizer: None }
    }
}
