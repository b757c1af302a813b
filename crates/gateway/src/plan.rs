//! The whole configuration of a running gateway, as one value.

use crate::RouteTable;

/// What a gateway does with requests. It never changes: another one is put in its place as a whole, and what is under
/// way goes on with the plan that it began with.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// Which request goes where, and what is done with it on the way.
    pub routes: RouteTable,
}

impl From<RouteTable> for Plan {
    fn from(routes: RouteTable) -> Self {
        Self { routes }
    }
}
