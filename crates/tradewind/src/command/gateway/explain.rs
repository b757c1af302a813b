//! `tradewind gateway explain`

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request};
use serde::Serialize;
use tradewind_events::ErrorCode;
use tradewind_gateway::compose::Parameters;
use tradewind_gateway::{Action, Asked, CallPolicy, Composing, NotFound, Route, Upstream, leave_to_routes};

use super::outlook;
use crate::command::check::load;
use crate::command::output::print;
use crate::failure::Failure;
use crate::manifest::Manifest;

/// Say which route takes a request, what is done with it on the way, and which service gets it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Explain {
    /// The path that is asked for, with or without a query
    #[arg(value_name = "PATH", value_parser = read_path, required_unless_present = "down")]
    path: Option<String>,
    /// Say what each route would answer if this service were dead
    #[arg(long, value_name = "SERVICE", conflicts_with_all = ["path", "method", "host", "header"])]
    down: Option<String>,
    /// The method
    #[arg(long, default_value = "GET", value_parser = read_method)]
    method: Method,
    /// The host that is asked for
    #[arg(long)]
    host: Option<String>,
    /// A header of the request; can be given several times
    #[arg(long, value_name = "NAME: VALUE", value_parser = read_header)]
    header: Vec<(HeaderName, HeaderValue)>,
    /// The manifest
    #[arg(long, default_value = "tradewind.toml", value_name = "FILE")]
    manifest: PathBuf,
    /// Tell it as one JSON object
    #[arg(long)]
    json: bool,
}

const AFTER_HELP: &str = "\
Examples:
  tradewind gateway explain /api/catalog/products/7
  tradewind gateway explain /api/orders --method POST --host shop.example --header 'x-version: 2'
  tradewind gateway explain /live --header 'connection: upgrade' --header 'upgrade: websocket'
  tradewind gateway explain --down catalog

Exit codes: 0 a route takes it, or leads to the service; 1 none does, or the manifest is wrong; 2 wrong usage.";

/// What `--json` tells.
#[derive(Debug, Serialize)]
struct Explanation<'a> {
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

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let manifest = load(&self.manifest)?;
        let plan = manifest.gateway.plan(&manifest.upstreams())?;
        if let Some(service) = &self.down {
            return outlook::tell(&plan, service, &self.manifest, self.json);
        }
        let headers = routed_by(&self.method, self.header.into_iter().collect());
        let asked = self.path.unwrap_or_default();
        let (path, query) = asked.split_once('?').map_or((&*asked, None), |(path, query)| (path, Some(query)));
        let host = self.host.as_deref();
        let found = plan.routes.find(Asked { method: &self.method, host, path, headers: &headers });
        let (route, captures) = found.map_err(|none| explain_none(&none, &self.method, path))?;
        let mut service_path =
            route.rewrite.as_ref().map_or_else(|| path.to_owned(), |rewrite| rewrite.path(path, &captures));
        if let Some(query) = query {
            service_path = format!("{service_path}?{query}");
        }
        let service = route.to.service();
        let is_stored = route.policies.cache.is_some() && matches!(route.to, Action::Forward(_));
        let key_host = host.unwrap_or("HOST");
        let target = || service_path.clone();
        let cache_key = is_stored.then(|| CacheKey { service, by_who_asks: false, host: key_host, target: target() });
        let parameters = Composing::parameters(&captures, query.unwrap_or_default());
        let told = Explanation {
            method: self.method.as_str(),
            path: &asked,
            route: &route.name,
            takes: route.takes(),
            line: route.line,
            parameters: captures.iter().collect(),
            service: route.to.service(),
            service_path,
            policies: route.policies.describe(),
            upstream: upstream_of(route),
            addresses: addresses_of(&manifest, service),
            cache_key,
            calls: calls_of(&manifest, route, &parameters, key_host),
        };
        if self.json {
            return print(&serde_json::to_string(&told)?);
        }
        let file = self.manifest.display();
        let line = told.line.map_or_else(String::new, |line| format!(", {file}:{line}"));
        let mut lines = vec![
            format!("{} {}", told.method, told.path),
            format!("  route       {}{line}", told.route),
            format!("  takes       {}", told.takes),
        ];
        lines.extend(told.parameters.iter().map(|(name, value)| format!("  parameter   {name} = {value}")));
        if told.calls.is_empty() {
            lines.push(format!("  service     {}, asked for {}", told.service, told.service_path));
        } else {
            lines.push(format!("  composed    {}", told.service));
        }
        for call in &told.calls {
            lines.push(format!("  call        {} = {}", call.call, call.get));
            lines.push(format!("              asks {} for {}", call.service, call.target));
            lines.extend(call.cache.iter().map(|cache| format!("              cached: {cache}")));
            lines.extend(call.cache_key.iter().map(|key| format!("              cache key: {key}")));
        }
        lines.extend(told.policies.iter().map(|policy| format!("  policy      {policy}")));
        lines.extend(told.cache_key.iter().map(|key| format!("  cache key   {key}")));
        lines.extend(told.addresses.iter().map(|address| format!("  instance    {address}")));
        lines.extend(told.upstream.iter().map(|said| format!("  upstream    {said}")));
        let mut services: Vec<&str> = Vec::new();
        for call in &told.calls {
            if !services.contains(&call.service) {
                services.push(call.service);
                lines.extend(call.addresses.iter().map(|address| format!("  instance    {}: {address}", call.service)));
                lines.extend(call.upstream.iter().map(|said| format!("  upstream    {}: {said}", call.service)));
            }
        }
        print(&lines.join("\n"))
    }
}

/// What of a request's headers routes are chosen by.
fn routed_by(method: &Method, headers: HeaderMap) -> HeaderMap {
    let mut request = Request::new(());
    request.method_mut().clone_from(method);
    *request.headers_mut() = headers;
    leave_to_routes(&mut request);
    std::mem::take(request.headers_mut())
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

fn explain_none(none: &NotFound, method: &Method, path: &str) -> anyhow::Error {
    let (code, message) = match none {
        NotFound::NoRoute => (ErrorCode::NO_ROUTE, format!("no route takes {method} {path}: the answer is 404")),
        NotFound::OtherMethods(methods) => {
            let names: Vec<&str> = methods.iter().map(Method::as_str).collect();
            let names = names.join(", ");
            (ErrorCode::REFUSED_REQUEST, format!("{path} is there for {names} only: the answer is 405"))
        }
        NotFound::DotSegment => {
            (ErrorCode::REFUSED_REQUEST, format!("{path} has a . or .. segment: the answer is 400"))
        }
    };
    Failure::coded(code, message, "`tradewind gateway check` lists the routes")
}

fn read_path(text: &str) -> Result<String, String> {
    match text.starts_with('/') && text.parse::<http::Uri>().is_ok() {
        true => Ok(text.to_owned()),
        false => Err("write a path as it stands in a request: /api/orders?limit=5".to_owned()),
    }
}

fn read_method(text: &str) -> Result<Method, String> {
    Method::from_bytes(text.to_ascii_uppercase().as_bytes()).map_err(|_| format!("{text:?} is no method"))
}

fn read_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("say NAME: VALUE, as 'x-version: 2'")?;
    let name = name.trim().parse().map_err(|_| format!("{name:?} is no header's name"))?;
    let value = value.trim().parse().map_err(|_| "a header cannot carry this value".to_owned())?;
    Ok((name, value))
}
