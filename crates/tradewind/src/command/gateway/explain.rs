//! `tradewind gateway explain`

use std::collections::BTreeMap;
use std::path::PathBuf;

use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use tradewind_events::ErrorCode;
use tradewind_gateway::{Action, Asked, NotFound, Route};

use crate::command::check::load;
use crate::command::output::print;
use crate::failure::Failure;

/// Say which route takes a request, what is done with it on the way, and which service gets it
#[derive(Debug, clap::Args)]
#[command(after_help = AFTER_HELP)]
pub(crate) struct Explain {
    /// The path that is asked for, with or without a query
    #[arg(value_name = "PATH", value_parser = read_path)]
    path: String,
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

Exit codes: 0 a route takes it, 1 none does, or the manifest is wrong; 2 wrong usage.";

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
    /// What the answer is composed of, call by call.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    calls: Vec<Call<'a>>,
}

/// One call of a composition.
#[derive(Debug, Serialize)]
struct Call<'a> {
    call: &'a str,
    /// The service, and the path and query with their holes.
    get: &'a str,
    service: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    cache: Option<String>,
}

impl Explain {
    pub(crate) fn run(self) -> anyhow::Result<()> {
        let manifest = load(&self.manifest)?;
        let plan = manifest.gateway.plan(&manifest.upstreams())?;
        let headers: HeaderMap = self.header.into_iter().collect();
        let (path, query) = self.path.split_once('?').map_or((&*self.path, None), |(path, query)| (path, Some(query)));
        let host = self.host.as_deref();
        let found = plan.routes.find(Asked { method: &self.method, host, path, headers: &headers });
        let (route, captures) = found.map_err(|none| explain_none(&none, &self.method, path))?;
        let mut service_path =
            route.rewrite.as_ref().map_or_else(|| path.to_owned(), |rewrite| rewrite.path(path, &captures));
        if let Some(query) = query {
            service_path = format!("{service_path}?{query}");
        }
        let told = Explanation {
            method: self.method.as_str(),
            path: &self.path,
            route: &route.name,
            takes: taken(route),
            line: route.line,
            parameters: captures.iter().collect(),
            service: route.to.service(),
            service_path,
            policies: route.policies.describe(),
            calls: calls_of(route),
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
            lines.extend(call.cache.iter().map(|cache| format!("              cached: {cache}")));
        }
        lines.extend(told.policies.iter().map(|policy| format!("  policy      {policy}")));
        print(&lines.join("\n"))
    }
}

/// The calls that a composed answer is made of; none of a route that leads to one service.
fn calls_of(route: &Route) -> Vec<Call<'_>> {
    let Action::Compose(composing) = &route.to else { return Vec::new() };
    let made: Vec<&str> = composing.composed.call_names().collect();
    let calls = composing.calls.iter().filter(|call| made.contains(&&*call.name));
    let told = calls.map(|call| Call {
        call: &call.name,
        get: &call.get,
        service: call.upstream.name(),
        cache: call.cache.as_ref().map(ToString::to_string),
    });
    told.collect()
}

/// What a route takes, in one line.
pub(super) fn taken(route: &Route) -> String {
    let mut words: Vec<String> = route.methods.iter().map(ToString::to_string).collect();
    let kind = if route.path.is_prefix() { "/…" } else { "" };
    let path = route.path.as_str().trim_end_matches('/');
    let hosts: Vec<String> = route.hosts.iter().map(ToString::to_string).collect();
    words.push(format!("{}{path}{kind}", hosts.join("|")));
    words.extend(route.headers.iter().map(|header| format!("[{header}]")));
    words.join(" ")
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
