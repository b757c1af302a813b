//! One route.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::Method;
use tradewind_fleet::ServiceName;
use tradewind_gateway::{Action, HeaderMatch, HostPattern, PathPattern, Rewrite, Route, RouteError, Upstream};

use super::held::Held;
use super::usual::Usual;
use super::{ServiceRoute, UpstreamSection, caching, calls, policies};
use crate::manifest::section::{At, Problems, Section};
use crate::manifest::services;

const PATH_HELP: &str = "write a prefix as \"/\" or \"/api/orders\", or a path with parameters as \"/products/{id}\"";

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

/// `"/api/catalog" = "catalog"`.
pub(super) fn read_short(path: At<String>, service: &At<String>, context: Context<'_>) -> Option<At<ServiceRoute>> {
    let Context { names, usual, held, problems, .. } = context;
    let pattern = read_path(&path, problems);
    let service = known(service, names, problems);
    let (pattern, service) = (pattern?, service?);
    let mut route = Route::to(pattern, Action::Forward(Upstream::new(service.as_str(), [])));
    let mut policies = usual.policies.clone();
    usual.caching.apply(&mut policies, &route.name, service.as_str());
    held.hold_requests(&mut policies, service.as_str(), None, usual.validate.as_ref(), problems);
    (route.line, route.policies) = (Some(problems.line(&path.span)), Arc::new(policies));
    Some(At { value: ServiceRoute { services: vec![service], route }, span: path.span })
}

/// A table, under a path or with one.
pub(super) fn read(path: Option<At<String>>, table: &Section<'_>, context: Context<'_>) -> Option<At<ServiceRoute>> {
    let Context { names, usual, upstreams, held, problems } = context;
    let span = path.as_ref().map_or_else(|| table.span(), |path| path.span.clone());
    let path = path.or_else(|| {
        let path = table.text("path", "\"/api/catalog\"");
        if path.is_none() && !table.has("path") {
            problems.add(span.clone(), "this route has no `path`", "say what it takes: path = \"/api/catalog\"");
        }
        path
    });
    let service = table.text("to", "\"catalog\"");
    if service.is_none() && !table.has("to") {
        problems.add(span.clone(), "this route has no `to`", "say which service it leads to: to = \"catalog\"");
    }
    let service = service.and_then(|service| known(&service, names, problems));
    let pattern = path.and_then(|path| read_path(&path, problems));
    let exact = table.flag("exact").is_some_and(|exact| exact.value);
    let name = table.text("name", "\"products\"");
    let hosts = read_each(table.one_or_more("host", "\"shop.example\""), problems, HostPattern::parse);
    let methods = read_methods(table, problems);
    let headers = table.table("headers", "the headers of a route");
    let headers = headers.map(|headers| read_headers(&headers, problems)).unwrap_or_default();
    let rewrite = table.text("rewrite", "\"/\"");
    let called = name.as_ref().map(|name| &*name.value).or(pattern.as_ref().map(PathPattern::as_str));
    let mut policies = policies::read(table, called.unwrap_or_default(), &usual.policies, problems);
    let parameters: Vec<&str> = pattern.iter().flat_map(PathPattern::parameters).collect();
    let mut stored = caching::read(table, &usual.caching, &parameters, names, problems);
    caching::read_on_failure(table, &mut stored, false, problems);
    let of_service = service.as_ref().and_then(|service| upstreams.get(service)?.options.calls.as_deref());
    let usual_calls = of_service.unwrap_or(&usual.calls);
    let calls = calls::read(table, usual_calls, problems);
    policies.calls = (calls != *usual_calls).then(|| Arc::new(calls));
    let validate = table.flag("validate");
    table.report_unknown();

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

pub(super) fn read_each<T>(
    texts: Vec<At<String>>,
    problems: &Problems<'_>,
    parse: impl Fn(&str) -> Result<T, RouteError>,
) -> Vec<T> {
    let mut read = Vec::new();
    for text in texts {
        match parse(&text.value) {
            Ok(value) => read.push(value),
            Err(error) => {
                problems.add(text.span, error.to_string(), "for example: \"shop.example\", \"*.shop.example\"");
            }
        }
    }
    read
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
    methods
}

fn read_headers(table: &Section<'_>, problems: &Problems<'_>) -> Vec<HeaderMatch> {
    let mut headers = Vec::new();
    for (name, value) in table.texts_or_true() {
        match HeaderMatch::new(&name.value, value.as_deref()) {
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
