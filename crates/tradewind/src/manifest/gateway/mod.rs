//! The manifest's `[gateway]`: where it listens, and the plan that it makes of what is described.

mod listener;
mod networks;
mod log;
mod about;
mod open;
mod usual;
mod policies;
mod caching;
mod calls;
mod upstreams;
mod address;
mod routes;
mod route;
mod compositions;
mod call;
mod profiles;
mod held;
mod plan;
mod followed;

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use tradewind_fleet::ServiceName;
use tradewind_gateway::{CallPolicy, Limits, Network, Options};

pub(crate) use self::about::AboutApis;
pub(crate) use self::address::HostPort;
pub(crate) use self::followed::{Followed, tag_of_all};
pub(crate) use self::listener::TlsFiles;
pub(crate) use self::log::AccessSection;
pub(crate) use self::open::OpenPage;
pub(crate) use self::routes::ServiceRoute;
pub(crate) use self::upstreams::UpstreamSection;

use self::caching::CacheSection;
use self::held::Held;
use super::KeptDocuments;
use super::section::{Problems, Section};

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
    /// Pages for people.
    pub(crate) open: Vec<OpenPage>,
    /// How answers are stored.
    cache: CacheSection,
    /// What the gateway's OpenAPI documents say of themselves.
    pub(crate) about: AboutApis,
}

impl Default for GatewaySection {
    fn default() -> Self {
        Self {
            listen: listener::LISTEN,
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
}

/// Reads the section. `run` are the services that `up` runs.
pub(super) fn read(
    section: &Section<'_>,
    run: &[&ServiceName],
    kept: &KeptDocuments,
    problems: &Problems<'_>,
) -> GatewaySection {
    let mut gateway = GatewaySection::default();
    gateway.listen = listener::read_listen(section, problems).unwrap_or(gateway.listen);
    let about = section.table("openapi", "[gateway.openapi]");
    gateway.about = about.map(|table| about::read(&table)).unwrap_or_default();
    gateway.tls = section.table("tls", "[gateway.tls]").and_then(|table| listener::read_tls(&table, problems));
    let connections = section.table("connections", "[gateway.connections]");
    gateway.limits = connections.map_or(gateway.limits, |table| listener::read_connections(&table));
    gateway.unready_for = section.duration("unready_for").unwrap_or_default();
    gateway.trusted = networks::read(section, "trusted", problems);
    let operators = networks::read(section, "operators", problems);
    gateway.operators = section.has("operators").then_some(operators);
    gateway.access = section.table("log", "[gateway.log]").and_then(|table| log::read(&table, problems));
    let upstreams = section.table("upstreams", "[gateway.upstreams]");
    // Everything may name them, also what stands before them.
    let others = upstreams.as_ref().map(|table| upstreams::run_by_others(table, run)).unwrap_or_default();
    let names: Vec<&ServiceName> = run.iter().copied().chain(&others).collect();
    let usual = section.table("policies", "[gateway.policies]");
    let usual = usual.map(|table| usual::read(&table, &names, problems)).unwrap_or_default();
    let cache = section.table("cache", "[gateway.cache]");
    gateway.cache = cache.map(|table| caching::read_section(&table, problems)).unwrap_or_default();
    let upstreams = upstreams.map(|table| upstreams::read(&table, run, &usual.calls, problems));
    gateway.upstreams = upstreams.unwrap_or_default();
    let (usual, upstreams, held) = (&usual, &gateway.upstreams, &Held::new(kept));
    let context = route::Context { names: &names, usual, upstreams, held, problems };
    let mut routes = routes::read(section, context);
    let drafts = compositions::read(section, context);
    routes.extend(profiles::read(section, &drafts, context));
    routes::report_ambiguous(&routes, problems);
    gateway.routes = routes.into_iter().map(|route| route.value).collect();
    gateway.calls = usual.calls.clone();
    usual.warn_without_effect(&gateway, problems);
    let open = section.table("open", "[gateway.open]");
    gateway.open = open.map(|table| open::read(&table, problems)).unwrap_or_default();
    section.report_unknown();
    gateway
}
