//! What a manifest may say of the gateway, and probably does not mean.

mod times;

use std::collections::BTreeSet;
use std::sync::Arc;

use http::{HeaderMap, Method};
use tradewind_gateway::{Action, Asked, Limits, Plan, Route, host_in};

use super::check::Told;
use crate::manifest::{Manifest, OpenPage};

/// All of it.
pub(super) fn all(manifest: &Manifest, plan: &Plan) -> Vec<Told> {
    let mut told = pages_without_route(manifest, plan);
    told.extend(upstreams_without_route(manifest, plan));
    told.extend(strangers_trusted(manifest));
    for route in plan.routes.routes() {
        told.extend(never_taken(route));
        told.extend(never_allowed(route, plan));
        told.extend(limits_above_the_listeners(route));
        told.extend(times::of(route));
        told.extend(never_purged(manifest, route));
    }
    told
}

fn pages_without_route(manifest: &Manifest, plan: &Plan) -> Vec<Told> {
    let headers = HeaderMap::new();
    let pages = manifest.gateway.open.iter().filter(|page| {
        let path = page.path.split(['?', '#']).next().unwrap_or_default();
        let hosts = plan.routes.routes().iter().flat_map(|route| &route.hosts).map(ToString::to_string);
        let mut hosts = std::iter::once(None).chain(hosts.map(Some));
        !hosts.any(|host| {
            let asked = Asked { method: &Method::GET, host: host.as_deref(), path, headers: &headers };
            path.starts_with("/_gateway/") || plan.routes.find(asked).is_ok()
        })
    });
    let told = pages.map(|OpenPage { label, path, line }| {
        let help = "give [gateway.routes] one that covers it, or take the page out of [gateway.open]";
        Told::warning(Some(*line), format!("no route takes the page {label:?} at {path}"), help)
    });
    told.collect()
}

fn upstreams_without_route(manifest: &Manifest, plan: &Plan) -> Vec<Told> {
    let used: BTreeSet<Arc<str>> = plan.upstreams().map(|upstream| Arc::clone(upstream.name())).collect();
    let idle = manifest.gateway.upstreams.iter().filter(|(name, _)| !used.contains(name.as_str()));
    let told = idle.map(|(name, section)| {
        let message = format!("no route leads to the upstream {name}");
        Told::warning(Some(section.line), message, "give it one in [gateway.routes], or take it out")
    });
    told.collect()
}

/// Whoever is believed what is said of a client can be any client, and takes any number of connections.
fn strangers_trusted(manifest: &Manifest) -> Option<Told> {
    let (network, line) = manifest.gateway.trusted.iter().find(|(network, _)| network.has_strangers())?;
    let message =
        format!("`trusted` has {network} in it, so that strangers may say who they are and how they have asked");
    Some(Told::warning(Some(*line), message, "name the addresses of the proxies before the gateway, and no others"))
}

/// A route that no request can have.
fn never_taken(route: &Route) -> Option<Told> {
    let warning = |why: String, help: &str| {
        Some(Told::warning(route.line, format!("route {:?} is never taken: {why}", route.name), help))
    };
    if !route.methods.is_empty() && route.methods.iter().all(|method| *method == Method::CONNECT) {
        let why = "a gateway is no proxy to anywhere, and refuses CONNECT".to_owned();
        return warning(why, "name methods that services understand, or none for any");
    }
    let host = route.headers.iter().find(|header| header.name() == http::header::HOST);
    if let Some(host) = host.and_then(|header| header.value()?.to_str().ok())
        && !route.hosts.is_empty()
        && !route.hosts.iter().any(|pattern| pattern.covers(host_in(host)))
    {
        let why = format!("its header asks for the host {host}, and its `host` for another");
        return warning(why, "say the host once, as `host`");
    }
    None
}

/// A route that nobody may use.
fn never_allowed(route: &Route, plan: &Plan) -> Option<Told> {
    let rule = route.policies.auth.as_ref().filter(|_| plan.authorizer.is_none())?;
    let message =
        format!("route {:?} asks for {rule}, and nothing here verifies tokens: every answer is 401", route.name);
    Some(Told::warning(route.line, message, "take `auth` out as long as nobody issues tokens"))
}

/// What the listener refuses already is no limit of a route.
fn limits_above_the_listeners(route: &Route) -> Vec<Told> {
    let (limits, sizes) = (Limits::default(), route.policies.sizes);
    let above = |name: &str, wanted: Option<usize>, most: usize| {
        let wanted = wanted.filter(|wanted| *wanted > most)?;
        let message = format!(
            "route {:?} has `{name}` = {wanted} in its limits, and the listener takes no more than {most}",
            route.name
        );
        Some(Told::warning(route.line, message, "a route can only allow less than the listener does"))
    };
    let mut told: Vec<Told> = above("headers", sizes.headers_max, limits.headers_max).into_iter().collect();
    told.extend(above("header_bytes", sizes.header_bytes_max, limits.head_bytes_max));
    if let Action::Forward(upstream) = &route.to {
        let most = upstream.options().connections.head_bytes;
        told.extend(sizes.answer_header_bytes_max.filter(|wanted| *wanted > most).map(|wanted| {
            let message = format!(
                "route {:?} has `answer_header_bytes` = {wanted} in its limits, and its service may send no more than {most}",
                route.name
            );
            Told::warning(route.line, message, "raise `head` in the connections of its upstream, or lower the limit")
        }));
    }
    told
}

/// Tags that no event purges, since only services that run here are followed.
fn never_purged(manifest: &Manifest, route: &Route) -> Vec<Told> {
    let of_calls = match &route.to {
        Action::Forward(_) => &[][..],
        Action::Compose(composing) => &composing.calls[..],
    };
    let rules = route.policies.cache.iter().chain(of_calls.iter().filter_map(|call| call.cache.as_ref()));
    let runs_here = |service: &str| manifest.services.iter().any(|spec| spec.name.as_str() == service);
    let tagged = rules.filter(|rule| !rule.tags.is_empty() || rule.tag_header.is_some());
    let sources: BTreeSet<&str> = tagged.map(|rule| &*rule.source).filter(|source| !runs_here(source)).collect();
    let warning = |source: &str| {
        let message = format!(
            "what route {:?} stores of {source} has tags, and {source} is not run here: no event of it purges them",
            route.name
        );
        Told::warning(route.line, message, "say with `fresh` how old it may be, and take the tags out")
    };
    sources.into_iter().map(warning).collect()
}
