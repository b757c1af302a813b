//! What `tradewind gateway explain PATH` tells of a request that a route takes.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use http::Method;
use serde::Serialize;
use tradewind_gateway::compose::Parameters;
use tradewind_gateway::{Action, CallPolicy, Captures, Composing, Route, Upstream};

use super::explain::place;
use crate::manifest::Manifest;

/// What `--json` tells, and the lines for people.
#[derive(Debug, Serialize)]
pub(super) struct Explanation<'a> {
    method: &'a str,
    path: &'a str,
    route: &'a str,
    takes: String,
    line: Option<usize>,
    parameters: BTreeMap<&'a str, &'a str>,
    service: &'a str,
    /// The path that the service is asked for.
    service_path: String,
    policies: Vec<String>,
    /// How the service is spoken to and called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    upstream: Vec<String>,
    /// Where its instances are, as far as the manifest tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
    /// What a stored answer is found by, before `Vary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_key: Option<CacheKey<'a>>,
    /// What the answer is composed of, call by call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<Call<'a>>,
}

/// What a stored answer is found by.
#[derive(Debug, Serialize)]
struct CacheKey<'a> {
    service: &'a str,
    /// Whether it is kept apart for each who asks with credentials.
    by_who_asks: bool,
    host: &'a str,
    target: String,
}

impl fmt::Display for CacheKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = if self.by_who_asks { ", who asks" } else { "" };
        write!(f, "{}{who}, {}, {}, and what Vary names", self.service, self.host, self.target)
    }
}

/// One call of a composition.
#[derive(Debug, Serialize)]
struct Call<'a> {
    call: &'a str,
    /// The service, and the path and query with their holes.
    get: &'a str,
    service: &'a str,
    /// The path and query with what is known of a request in them; what is taken of other calls' answers as it is
    /// written.
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
    /// What its stored answer is found by, before `Vary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cache_key: Option<CacheKey<'a>>,
    /// How its service is spoken to and called.
    upstream: Vec<String>,
    /// Where the service's instances are, as far as the manifest tells.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
}

impl<'a> Explanation<'a> {
    /// Of a method, a path with its query and a host, what a route makes of them.
    pub(super) fn of(
        manifest: &Manifest,
        (method, asked, host): (&'a Method, &'a str, &'a str),
        route: &'a Route,
        captures: &'a Captures,
        service_path: String,
    ) -> Self {
        let service = route.to.service();
        let is_query = matches!(*method, Method::GET | Method::HEAD);
        let is_stored = is_query && route.policies.cache.is_some() && matches!(route.to, Action::Forward(_));
        let target = service_path.clone();
        let parameters = Composing::parameters(captures, asked.split_once('?').map_or("", |(_, query)| query));
        Self {
            method: method.as_str(),
            path: asked,
            route: &route.name,
            takes: route.takes(),
            line: route.line,
            parameters: captures.iter().collect(),
            service,
            service_path,
            policies: route.policies.describe(method),
            upstream: upstream_of(route),
            addresses: addresses_of(manifest, service),
            cache_key: is_stored.then(|| CacheKey { service, by_who_asks: false, host, target }),
            calls: calls_of(manifest, route, &parameters, host),
        }
    }

    /// It for people, of the manifest in this file.
    pub(super) fn lines(&self, file: &Path) -> Vec<String> {
        let mut lines = vec![
            format!("{} {}", self.method, self.path),
            format!("  route       {}{}", self.route, place(file, self.line)),
            format!("  takes       {}", self.takes),
        ];
        lines.extend(self.parameters.iter().map(|(name, value)| format!("  parameter   {name} = {value}")));
        if self.calls.is_empty() {
            lines.push(format!("  service     {}, asked for {}", self.service, self.service_path));
        } else {
            lines.push(format!("  composed    {}", self.service));
        }
        for call in &self.calls {
            lines.push(format!("  call        {} = {}", call.call, call.get));
            lines.push(format!("              asks {} for {}", call.service, call.target));
            lines.extend(call.cache.iter().map(|cache| format!("              cached: {cache}")));
            lines.extend(call.cache_key.iter().map(|key| format!("              cache key: {key}")));
        }
        lines.extend(self.policies.iter().map(|policy| format!("  policy      {policy}")));
        lines.extend(self.cache_key.iter().map(|key| format!("  cache key   {key}")));
        lines.extend(self.addresses.iter().map(|address| format!("  instance    {address}")));
        lines.extend(self.upstream.iter().map(|said| format!("  upstream    {said}")));
        let mut services: Vec<&str> = Vec::new();
        for call in &self.calls {
            if !services.contains(&call.service) {
                services.push(call.service);
                lines.extend(call.addresses.iter().map(|address| format!("  instance    {}: {address}", call.service)));
                lines.extend(call.upstream.iter().map(|said| format!("  upstream    {}: {said}", call.service)));
            }
        }
        lines
    }
}

/// The calls that a composed answer is made of; none of a route that leads to one service.
fn calls_of<'a>(manifest: &Manifest, route: &'a Route, parameters: &Parameters, host: &'a str) -> Vec<Call<'a>> {
    let Action::Compose(composing) = &route.to else { return Vec::new() };
    let calls = composing.calls.iter().filter_map(|call| {
        let target = composing.composed.target(&call.name, parameters)?;
        let service = call.upstream.name();
        let key = || CacheKey { service, by_who_asks: composing.credentials, host, target: target.clone() };
        Some(Call {
            call: &call.name,
            get: &call.get,
            service,
            cache: call.cache.as_ref().map(ToString::to_string),
            cache_key: call.cache.as_ref().map(|_| key()),
            upstream: said_of(&call.upstream, false),
            addresses: addresses_of(manifest, service),
            target,
        })
    });
    calls.collect()
}

/// How the service that a route leads to is spoken to, and called unless the route says it otherwise.
fn upstream_of(route: &Route) -> Vec<String> {
    match &route.to {
        Action::Forward(upstream) => said_of(upstream, route.policies.calls.is_some()),
        Action::Compose(_) => Vec::new(),
    }
}

/// How a service is spoken to, and called unless that is said elsewhere.
fn said_of(upstream: &Upstream, is_called_otherwise: bool) -> Vec<String> {
    let options = upstream.options();
    let mut lines = options.describe();
    if !is_called_otherwise {
        lines.extend(options.calls.as_deref().unwrap_or(&CallPolicy::default()).describe());
    }
    lines
}

fn addresses_of(manifest: &Manifest, service: &str) -> Vec<String> {
    let named = manifest.gateway.upstreams.iter().find(|(name, _)| name.as_str() == service);
    named.map(|(_, section)| section.addresses.iter().map(ToString::to_string).collect()).unwrap_or_default()
}
