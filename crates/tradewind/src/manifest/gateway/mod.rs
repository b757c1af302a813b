//! The manifest's `[gateway]`: where it listens, and the plan that it makes of what is described.

mod policies;
mod route;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tradewind_fleet::ServiceName;
use tradewind_gateway::{Action, Plan, Policies, Route, RouteError, RouteTable, Upstream};

use super::section::{At, Entry, Problems, Section};

/// The manifest's `[gateway]`.
#[derive(Debug)]
pub(crate) struct GatewaySection {
    /// Where it listens.
    pub(crate) listen: SocketAddr,
    /// The certificate that it serves with, if it speaks TLS.
    pub(crate) tls: Option<TlsFiles>,
    /// The routes, in the order of the text.
    pub(crate) routes: Vec<ServiceRoute>,
    /// Pages for people: a label and a path.
    pub(crate) open: Vec<(String, String)>,
}

/// PEM files, from the manifest's folder.
#[derive(Debug, Clone)]
pub(crate) struct TlsFiles {
    /// The chain of certificates, the gateway's own first.
    pub(crate) cert: PathBuf,
    /// Its key.
    pub(crate) key: PathBuf,
}

/// A route and the service that it leads to, which has no address yet.
#[derive(Debug)]
pub(crate) struct ServiceRoute {
    /// The service.
    pub(crate) service: ServiceName,
    /// All else.
    pub(crate) route: Route,
}

/// Where the gateway listens unless told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8080);

impl Default for GatewaySection {
    fn default() -> Self {
        Self { listen: LISTEN, tls: None, routes: Vec::new(), open: Vec::new() }
    }
}

impl GatewaySection {
    /// The plan, with these services behind it.
    ///
    /// # Errors
    /// None, of a manifest that was read without a problem.
    pub(crate) fn plan(&self, upstreams: &BTreeMap<ServiceName, Upstream>) -> Result<Plan, RouteError> {
        let mut routes = Vec::with_capacity(self.routes.len());
        for ServiceRoute { service, route } in &self.routes {
            let mut route = route.clone();
            if let Some(upstream) = upstreams.get(service) {
                route.to = Action::Forward(upstream.clone());
            }
            routes.push(route);
        }
        Ok(Plan { routes: RouteTable::new(routes)?, authorizer: None })
    }
}

/// Reads the section.
pub(super) fn read(section: &Section<'_>, names: &[&ServiceName], problems: &Problems<'_>) -> GatewaySection {
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
    gateway.tls = section.table("tls", "[gateway.tls]").and_then(|tls| read_tls(&tls));
    let usual = section.table("policies", "[gateway.policies]").map(|table| {
        let usual = policies::read(&table, "all", &Policies::default(), problems);
        table.report_unknown();
        usual
    });
    let routes = read_routes(section, route::Context { names, usual: &usual.unwrap_or_default(), problems });
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
