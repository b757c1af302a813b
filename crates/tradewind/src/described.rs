//! The documents of the gateway, made of those of the services behind it.

use tradewind_gateway::openapi::{About, Documents, LeftOut};
use tradewind_gateway::{ApiDocuments, Plan};

use crate::manifest::AboutApis;

/// All that the gateway tells of interfaces.
pub(crate) struct Described {
    /// That of all services, and those of the profiles.
    pub(crate) documents: ApiDocuments,
    /// What can be reached and has no place in the first.
    pub(crate) left_out: Vec<LeftOut>,
}

/// Describes what a plan leads to. `server` is where the gateway is: `/`, for those who read it from the gateway.
pub(crate) fn describe(about: &AboutApis, plan: &Plan, documents: &Documents, server: &str) -> Described {
    let AboutApis { title, version } = about;
    let merged = About { title, version, server }.merge(&plan.routes, documents);
    let documents = ApiDocuments { merged: Some(merged.document), profiles: Default::default() };
    Described { documents, left_out: merged.left_out }
}
