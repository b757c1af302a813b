//! The documents of the gateway, made of those of the services behind it.

use std::collections::BTreeMap;

use tradewind_gateway::compose::Composed;
use tradewind_gateway::openapi::{About, ComposedRoute, Documents, LeftOut, Misfit, ProfileRoutes};
use tradewind_gateway::{Action, ApiDocuments, Plan, Route};

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
    let mut profiles: BTreeMap<&str, ProfileRoutes<'_>> = BTreeMap::new();
    for (name, route, composed) in composed(plan) {
        let (pattern, routes) = (route.path.as_str(), &plan.routes);
        let prefix = pattern.strip_suffix(composed.composition().path()).unwrap_or_default();
        let profile = ProfileRoutes { name, prefix, hosts: &route.hosts, composed: Vec::new(), routes };
        let profile = profiles.entry(name).or_insert(profile);
        profile.composed.push(ComposedRoute { pattern, composed, policies: &route.policies });
    }
    let profiles = profiles.into_iter().map(|(name, profile)| {
        let title = format!("{title}: {name}");
        let about = About { title: &title, version, server };
        (name.to_owned(), about.describe(&profile, documents))
    });
    let documents = ApiDocuments { merged: Some(merged.document), profiles: profiles.collect() };
    Described { documents, left_out: merged.left_out }
}

/// What the compositions of a plan ask for that documents do not have, each with its profile.
pub(crate) fn misfits(plan: &Plan, documents: &Documents) -> Vec<(String, Misfit)> {
    let of = |(profile, _, composed): (&str, &Route, &Composed)| {
        let all = composed.composition().misfits(documents).into_iter().chain(composed.misfits(documents));
        all.map(|misfit| (profile.to_owned(), misfit)).collect::<Vec<_>>()
    };
    composed(plan).flat_map(of).collect()
}

/// The composed routes, each with its profile, which its name begins with.
fn composed(plan: &Plan) -> impl Iterator<Item = (&str, &Route, &Composed)> {
    plan.routes.routes().iter().filter_map(|route| match &route.to {
        Action::Compose(composing) => {
            let profile = composing.name.split('/').next().unwrap_or_default();
            Some((profile, &**route, &*composing.composed))
        }
        Action::Forward(_) => None,
    })
}
