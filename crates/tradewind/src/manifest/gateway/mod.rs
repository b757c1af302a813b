//! The manifest's `[gateway]`: where it listens, and the plan that it makes of what is described.

mod address;
mod caching;
mod call;
mod calls;
mod compositions;
mod held;
mod log;
mod policies;
mod profiles;
mod route;
mod upstreams;

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tradewind_events::SystemClock;
use tradewind_fleet::ServiceName;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy};
use tradewind_gateway::{
    Action, CallPolicy, Limits, Network, Options, Plan, Policies, Route, RouteError, RouteTable, Upstream,
    UpstreamOptions,
};

pub(crate) use self::address::HostPort;
pub(crate) use self::log::AccessSection;
pub(crate) use self::upstreams::UpstreamSection;

pub(crate) use self::caching::tag_of_all;
use self::caching::{CacheSection, Caching};
use self::held::Held;
use super::KeptDocuments;
use super::section::{At, Entry, Problems, Section};

/// The manifest's `[gateway]`.
#[derive(Debug)]
pub(crate) struct GatewaySection {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// The certificate that it serves with, if it speaks TLS.
    pub(crate) tls: Option<TlsFiles>,
    /// What is put up with of clients' connections.
    pub(crate) limits: Limits,
    /// How long it says that it is not ready, and serves still, before it stops.
    pub(crate) unready_for: Duration,
    /// The proxies before it, with the lines that name them.
    pub(crate) trusted: Vec<(Network, usize)>,
    /// From where metrics and the list of routes may be read, with the lines that name them; this machine, if none is said.
    pub(crate) operators: Option<Vec<(Network, usize)>>,
    /// Where each request is logged; none for nowhere.
    pub(crate) access: Option<AccessSection>,
    /// What is said of services behind it.
    pub(crate) upstreams: BTreeMap<ServiceName, UpstreamSection>,
    /// How services are called of which nothing else is said.
    pub(crate) calls: CallPolicy,
    /// The routes, in the order of the text.
    pub(crate) routes: Vec<ServiceRoute>,
    /// Pages for people: a label and a path.
    pub(crate) open: Vec<(String, String)>,
    /// How answers are stored.
    cache: CacheSection,
    /// What the gateway's OpenAPI documents say of themselves.
    pub(crate) about: AboutApis,
}

/// The manifest's `[gateway.openapi]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AboutApis {
    /// The title of the document of all services.
    pub(crate) title: String,
    /// The version of all documents.
    pub(crate) version: String,
}

impl Default for AboutApis {
    fn default() -> Self {
        Self { title: "All services".to_owned(), version: "1".to_owned() }
    }
}

/// PEM files, from the manifest's folder.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    /// The chain of certificates, the gateway's own first.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// A route and the services that it leads to, which have no addresses yet.
#[derive(Debug)]
pub(crate) struct ServiceRoute {
    /// The service, or those that an answer is composed of.
    pub(crate) services: Vec<ServiceName>,
    /// All else.
    pub(crate) route: Route,
}

/// By what events stored answers are purged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Followed {
    /// The services that tell them.
    pub(crate) services: BTreeSet<String>,
    /// What stands before the colon in the tags that answers carry; none if they may carry any.
    pub(crate) kinds: Option<BTreeSet<String>>,
    /// What they are stored in. A cache of another kind knows nothing of what has been purged.
    pub(crate) cache: CacheOptions,
}

/// Where the gateway listens unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            listen: LISTEN,
            tls: None,
            limits: Options::usual_limits(),
            unready_for: Duration::ZERO,
            trusted: Vec::new(),
            operators: None,
            access: None,
            upstreams: BTreeMap::new(),
            calls: CallPolicy::default(),
            routes: Vec::new(),
            open: Vec::new(),
            cache: CacheSection::default(),
            about: AboutApis::default(),
        }
    }
}

impl GatewaySection {
    /// Where it is, as a URL.
    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.listen)
    }

    /// The plan, with these services behind it.
    ///
    /// # Errors
    /// None, of a manifest that was read without a problem.
    pub(crate) fn plan(&self, upstreams: &BTreeMap<ServiceName, Upstream>) -> Result<Plan, RouteError> {
        let mut routes = Vec::with_capacity(self.routes.len());
        let real = |named: &Upstream| {
            let known = upstreams.iter().find(|(service, _)| service.as_str() == &**named.name());
            known.map_or_else(|| named.clone(), |(_, upstream)| upstream.clone())
        };
        for ServiceRoute { route, .. } in &self.routes {
            let mut route = route.clone();
            route.to = match route.to {
                Action::Forward(upstream) => Action::Forward(real(&upstream)),
                Action::Compose(composing) => {
                    let mut composing = (*composing).clone();
                    composing.calls.iter_mut().for_each(|call| call.upstream = real(&call.upstream));
                    Action::Compose(Arc::new(composing))
                }
            };
            routes.push(route);
        }
        let stores = self.rules().next().is_some();
        let cache = stores.then(|| Cache::new(self.cache.options.clone(), Arc::new(SystemClock)));
        let own_writes = self.cache.own_writes(self.rules());
        Ok(Plan { routes: RouteTable::new(routes)?, authorizer: None, cache, own_writes })
    }

    /// All rules by which answers are stored, of routes and of calls.
    fn rules(&self) -> impl Iterator<Item = &CachePolicy> {
        self.routes.iter().flat_map(|ServiceRoute { route, .. }| {
            let of_calls = match &route.to {
                Action::Forward(_) => &[][..],
                Action::Compose(composing) => &composing.calls[..],
            };
            route.policies.cache.as_deref().into_iter().chain(of_calls.iter().filter_map(|call| call.cache.as_deref()))
        })
    }

    /// By what events answers are purged: of each service whose positions they tell, if they carry tags.
    pub(crate) fn followed(&self) -> Followed {
        let rules: Vec<&CachePolicy> =
            self.rules().filter(|rule| self.cache.purge && caching::is_purged(rule)).collect();
        let services: BTreeSet<String> = rules.iter().map(|rule| rule.source.to_string()).collect();
        let kind = |tag: &str| tag.split(':').next().map(str::to_owned);
        let kinds = rules.iter().flat_map(|rule| &rule.tags).filter_map(|tag| kind(&tag.to_string()));
        let kinds: BTreeSet<String> = kinds.collect();
        let may_be_any =
            rules.iter().any(|rule| rule.tag_header.is_some()) || kinds.iter().any(|kind| kind.contains('{'));
        Followed { services, kinds: (!may_be_any).then_some(kinds), cache: self.cache.options.clone() }
    }

    /// How a service is treated.
    pub(crate) fn options(&self, service: &ServiceName) -> UpstreamOptions {
        self.upstreams.get(service).map_or_else(|| upstreams::usual(&self.calls), |section| section.options.clone())
    }

    /// Where a service is, if the manifest tells.
    pub(crate) fn addresses(&self, service: &ServiceName) -> &[HostPort] {
        self.upstreams.get(service).map_or(&[], |section| &section.addresses)
    }

    /// Whether it stands before services that somebody else runs.
    pub(crate) fn stands_before_others(&self) -> bool {
        self.upstreams.values().any(|section| !section.addresses.is_empty())
    }
}

/// Reads the section.
pub(super) fn read(
    section: &Section<'_>,
    names: &[&ServiceName],
    kept: &KeptDocuments,
    problems: &Problems<'_>,
) -> GatewaySection {
    let mut gateway = GatewaySection::default();
    if let Some(listen) = section.text("listen", "\"127.0.0.1:8080\"") {
        match listen.value.parse() {
            Ok(address) => gateway.listen = address,
            Err(_) => {
                let message = format!("`listen` in [gateway] is {:?}, which is no address", listen.value);
                problems.add(listen.span, message, "write an IP address and a port: \"127.0.0.1:8080\"");
            }
        }
    }
    gateway.about = section.table("openapi", "[gateway.openapi]").map(|about| read_about(&about)).unwrap_or_default();
    gateway.tls = section.table("tls", "[gateway.tls]").and_then(|tls| read_tls(&tls));
    let connections = section.table("connections", "[gateway.connections]");
    gateway.limits = connections.map_or(gateway.limits, |connections| read_connections(&connections));
    gateway.unready_for = section.duration("unready_for").unwrap_or_default();
    gateway.trusted = read_networks(section, "trusted", problems);
    if section.has("operators") {
        gateway.operators = Some(read_networks(section, "operators", problems));
    }
    gateway.access = section.table("log", "[gateway.log]").and_then(|log| log::read(&log));
    let usual = section.table("policies", "[gateway.policies]").map(|table| {
        let usual = policies::read(&table, "all", &Policies::default(), problems);
        let mut caching = caching::read(&table, &Caching::default(), &[], names, problems);
        caching::read_on_failure(&table, &mut caching, true, problems);
        gateway.calls = calls::read(&table, &CallPolicy::default(), problems);
        let validate = table.flag("validate");
        table.report_unknown();
        (usual, caching, validate)
    });
    let (usual, caching, validate) = usual.unwrap_or_default();
    let cache = section.table("cache", "[gateway.cache]").map(|table| caching::read_section(&table, problems));
    gateway.cache = cache.unwrap_or_default();
    let upstreams = section.table("upstreams", "[gateway.upstreams]");
    let upstreams = upstreams.map(|table| upstreams::read(&table, names, &gateway.calls, problems));
    gateway.upstreams = upstreams.unwrap_or_default();
    let others = gateway.upstreams.keys().filter(|name| !names.contains(name));
    let names: Vec<&ServiceName> = names.iter().copied().chain(others).collect();
    let (upstreams, calls) = (&gateway.upstreams, &gateway.calls);
    let held = Held::new(kept);
    let (held, validate) = (&held, validate.as_ref());
    let context =
        route::Context { names: &names, usual: &usual, caching: &caching, upstreams, calls, held, validate, problems };
    let mut routes = read_routes(section, context);
    let drafts = compositions::read(section, context);
    routes.extend(profiles::read(section, &drafts, context));
    report_ambiguous(&routes, problems);
    gateway.routes = routes.into_iter().map(|route| route.value).collect();
    for (label, path) in section.table("open", "[gateway.open]").map(|open| open.texts()).unwrap_or_default() {
        if !path.value.starts_with('/') {
            let message = format!("the page {:?} is not a path", path.value);
            problems.add(path.span.clone(), message, "write a path on the gateway, as \"/\"");
        }
        gateway.open.push((label.value, path.value));
    }
    section.report_unknown();
    gateway
}

fn read_about(section: &Section<'_>) -> AboutApis {
    let usual = AboutApis::default();
    let text = |key, example, usual| section.text(key, example).map_or(usual, |text| text.value);
    let about = AboutApis {
        title: text("title", "\"The shop\"", usual.title),
        version: text("version", "\"2.1\"", usual.version),
    };
    section.report_unknown();
    about
}

fn read_connections(section: &Section<'_>) -> Limits {
    let usual = Options::usual_limits();
    let number = |key, most, example, usual| section.number(key, 1, most, example).map_or(usual, |n| n.value as usize);
    let limits = Limits {
        connections_max: number("at_most", 1_000_000, "10000", usual.connections_max),
        connections_per_address_max: number("per_address", 1_000_000, "1000", usual.connections_per_address_max),
        idle_max: section.some_time("idle").unwrap_or(usual.idle_max),
        ..usual
    };
    section.report_unknown();
    limits
}

/// Networks, each with its line.
fn read_networks(section: &Section<'_>, key: &'static str, problems: &Problems<'_>) -> Vec<(Network, usize)> {
    let mut networks = Vec::new();
    for text in section.list(key, "[\"10.0.0.0/8\"]") {
        match text.value.parse() {
            Ok(network) => networks.push((network, problems.line(&text.span))),
            Err(error) => {
                let message = format!("{:?} in `{key}` is {error}", text.value);
                problems.add(text.span, message, "name networks and addresses: [\"10.0.0.0/8\", \"192.0.2.7\"]");
            }
        }
    }
    networks
}

fn read_tls(tls: &Section<'_>) -> Option<TlsFiles> {
    let mut files = ["cert", "key"].map(|key| {
        let file = tls.text(key, "\"certs/shop.pem\"");
        if file.is_none() && !tls.has(key) {
            let help = "name both PEM files: cert = \"certs/shop.pem\", key = \"certs/shop.key\"";
            return tls.refuse(tls.span(), format!("[gateway.tls] has no `{key}`"), help);
        }
        file.map(|file| PathBuf::from(file.value))
    });
    tls.report_unknown();
    Some(TlsFiles { cert: files[0].take()?, key: files[1].take()? })
}

/// `[gateway.routes]`, whose keys are paths, and each `[[gateway.route]]`, which names its own.
fn read_routes(section: &Section<'_>, context: route::Context<'_>) -> Vec<At<ServiceRoute>> {
    let mut routes = Vec::new();
    let by_path = section.table("routes", "[gateway.routes]").map(|routes| routes.entries("route"));
    for (path, entry) in by_path.unwrap_or_default() {
        routes.extend(match entry {
            Entry::Text(service) => route::read_short(path, &service, context),
            Entry::Table(table) => route::read(Some(path), &table, context),
        });
    }
    for table in section.list_of_tables("route", "a [[gateway.route]]") {
        routes.extend(route::read(None, &table, context));
    }
    routes
}

/// Tells each route that takes the same requests as one before it.
fn report_ambiguous(routes: &[At<ServiceRoute>], problems: &Problems<'_>) {
    let mut kept: Vec<&At<ServiceRoute>> = routes.iter().collect();
    while let Err(error) = RouteTable::new(kept.iter().map(|at| at.value.route.clone()).collect()) {
        let RouteError::Ambiguous { index, .. } = error else {
            let span = routes.last().map_or(0..0, |last| last.span.clone());
            return problems.add(span, error.to_string(), "give prefixes instead of a route for each path");
        };
        let help = "let one of them take only some hosts, methods or headers, or take it out";
        problems.add(kept[index].span.clone(), error.to_string(), help);
        kept.remove(index);
    }
}
