//! One route.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use tradewind_fleet::ServiceName;
use tradewind_gateway::{Action, HeaderMatch, HostPattern, PathPattern, Rewrite, Route, Upstream};

use super::caching::Caching;
use super::held::Held;
use super::usual::Usual;
use super::{ServiceRoute, UpstreamSection, caching, calls, policies, upstreams};
use crate::manifest::section::{At, Problems, Section};
use crate::manifest::services;

const PATH_HELP: &str = "write a prefix as \"/\" or \"/api/orders\", or a path with parameters as \"/products/{id}\"";
const ANY_HELP: &str = "name one at least, or take it out: then any will do";

/// What a route is read with.
#[derive(Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) names: &'a [&'a ServiceName],
    /// What holds for a route that says nothing else.
    pub(super) usual: &'a Usual,
    /// What is said of the services that routes may lead to.
    pub(super) upstreams: &'a BTreeMap<ServiceName, UpstreamSection>,
    /// What requests and compositions are held against.
    pub(super) held: &'a Held<'a>,
    pub(super) problems: &'a Problems<'a>,
}

/// Reads one, with its path and the service that it leads to if they do not stand in its table.
pub(super) fn read(
    path: Option<At<String>>,
    to: Option<At<String>>,
    table: &Section<'_>,
    context: Context<'_>,
) -> Option<At<ServiceRoute>> {
    let Context { names, usual, held, problems, .. } = context;
    let span = path.as_ref().map_or_else(|| table.span(), |path| path.span.clone());
    let path = path.or_else(|| {
        table.require("path", "say what it takes: path = \"/api/catalog\"");
        table.text("path", "\"/api/catalog\"")
    });
    let service = to.or_else(|| {
        table.require("to", "say which service it leads to: to = \"catalog\"");
        table.text("to", "\"catalog\"")
    });
    let service = service.and_then(|service| known(&service, names, problems));
    let pattern = path.and_then(|path| read_path(&path, problems));
    let exact = table.flag("exact").is_some_and(|exact| exact.value);
    let name = table.text("name", "\"products\"");
    let hosts = read_hosts(table, problems);
    let methods = read_methods(table, problems);
    let headers = table.table("headers", "the headers of a route");
    let headers = headers.map(|headers| read_headers(&headers, problems)).unwrap_or_default();
    let rewrite = table.text("rewrite", "\"/\"");
    let called = name.as_ref().map(|name| &*name.value).or(pattern.as_ref().map(PathPattern::as_str));
    let mut policies = policies::read(table, called.unwrap_or_default(), &usual.policies, problems);
    let parameters: Vec<&str> = pattern.iter().flat_map(PathPattern::parameters).collect();
    let mut stored = caching::read(table, &usual.caching, &parameters, names, problems);
    caching::read_on_failure(table, &mut stored, false, problems);
    let usual_calls = upstreams::calls_of(context.upstreams, service.as_ref(), &usual.calls);
    let calls = calls::read(table, usual_calls, problems);
    policies.calls = (calls != *usual_calls).then(|| Arc::new(calls));
    let validate = table.flag("validate");
    table.report_unknown();
    warn_of_caching_without_get(table, &stored, &methods, problems);

    let (pattern, service) = (pattern?, service?);
    let to = Action::Forward(Upstream::new(service.as_str(), []));
    let mut route = Route::to(if exact { pattern.exact() } else { pattern }, to);
    route.line = Some(problems.line(&span));
    if let Some(name) = name {
        route.name = name.value.into();
    }
    if let Some(rewrite) = rewrite {
        match Rewrite::parse(&rewrite.value, &route.path) {
            Ok(rewrite) => route.rewrite = Some(rewrite),
            Err(error) => problems.add(rewrite.span, error.to_string(), rewrite_help(&route.path)),
        }
    }
    stored.apply(&mut policies, &route.name, service.as_str());
    held.hold_requests(&mut policies, service.as_str(), validate.as_ref(), usual.validate.as_ref(), problems);
    (route.hosts, route.methods, route.headers, route.policies) = (hosts, methods, headers, Arc::new(policies));
    Some(At { value: ServiceRoute { services: vec![service], route }, span })
}

pub(super) fn read_path(path: &At<String>, problems: &Problems<'_>) -> Option<PathPattern> {
    match PathPattern::parse(&path.value) {
        Ok(pattern) => Some(pattern),
        Err(error) => {
            problems.add(path.span.clone(), error.to_string(), PATH_HELP);
            None
        }
    }
}

pub(super) fn known(service: &At<String>, names: &[&ServiceName], problems: &Problems<'_>) -> Option<ServiceName> {
    let known = names.iter().find(|name| name.as_str() == service.value);
    if known.is_none() {
        services::unknown(problems, service.span.clone(), &service.value, names);
    }
    known.map(|name| (*name).clone())
}

pub(super) fn read_hosts(table: &Section<'_>, problems: &Problems<'_>) -> Vec<HostPattern> {
    let mut hosts = Vec::new();
    for text in table.one_or_more("host", "\"shop.example\"") {
        match HostPattern::parse(&text.value) {
            Ok(host) => hosts.push(host),
            Err(error) => {
                let help = match host_without_port(&text.value) {
                    Some(host) => format!("leave the port out, which makes no difference: {host:?}"),
                    None => "for example: \"shop.example\", \"*.shop.example\"".to_owned(),
                };
                problems.add(text.span, error.to_string(), help);
            }
        }
    }
    table.refuse_empty("host", ANY_HELP);
    hosts
}

/// The host of what would be one without its port.
fn host_without_port(text: &str) -> Option<&str> {
    let (host, port) = text.rsplit_once(':')?;
    (port.parse::<u16>().is_ok() && HostPattern::parse(host).is_ok()).then_some(host)
}

pub(super) fn read_methods(table: &Section<'_>, problems: &Problems<'_>) -> Vec<Method> {
    let mut methods = Vec::new();
    for text in table.one_or_more("methods", "[\"GET\", \"POST\"]") {
        // Methods are case-sensitive, so `get` would be one that nobody ever sends.
        match Method::from_bytes(text.value.as_bytes()) {
            Ok(method) if text.value == text.value.to_ascii_uppercase() => methods.push(method),
            _ => {
                let message = format!("{:?} is no method", text.value);
                problems.add(text.span, message, "write methods in capitals: [\"GET\", \"POST\"]");
            }
        }
    }
    table.refuse_empty("methods", ANY_HELP);
    methods
}

/// Only answers to `GET`, and to the `HEAD` of it, are stored.
fn warn_of_caching_without_get(table: &Section<'_>, stored: &Caching, methods: &[Method], problems: &Problems<'_>) {
    let takes_get = methods.is_empty() || methods.iter().any(|method| matches!(*method, Method::GET | Method::HEAD));
    let keys = ["cache", "on_failure"].into_iter().filter(|key| table.has(key));
    for key in keys.filter(|_| !takes_get && stored.rule.is_some()) {
        let message = format!("`{key}` in {} has no effect: only answers to GET are stored", table.name());
        problems.warn(&table.place_of(key), message, "take it out, or let the route take GET too");
    }
}

fn read_headers(table: &Section<'_>, problems: &Problems<'_>) -> Vec<HeaderMatch> {
    let mut headers: Vec<HeaderMatch> = Vec::new();
    for (name, value) in table.texts_or_true() {
        match HeaderMatch::new(&name.value, value.as_deref()) {
            Ok(header) if headers.iter().any(|known| known.name() == header.name()) => {
                let message = format!("the header {:?} stands here twice", header.name().as_str());
                problems.add(name.span, message, "take one of them out: capitals make no difference");
            }
            Ok(header) => headers.push(header),
            Err(error) => {
                let help = "for example: headers = { \"x-version\" = \"2\", \"x-beta\" = true }";
                problems.add(name.span, error.to_string(), help);
            }
        }
    }
    headers
}

fn rewrite_help(path: &PathPattern) -> String {
    let parameters: Vec<String> = path.parameters().map(|name| format!("{{{name}}}")).collect();
    match parameters.is_empty() {
        true => "write the path that stands in place of the prefix: \"/\" or \"/v2\"".to_owned(),
        false => format!("write a path, in which {} may stand", parameters.join(" and ")),
    }
}
