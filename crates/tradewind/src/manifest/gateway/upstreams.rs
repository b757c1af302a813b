//! `[gateway.upstreams.NAME]`: how a service is spoken to, watched and spared, and where it is if somebody else runs it.

use std::collections::BTreeMap;
use std::sync::Arc;

use tradewind_fleet::ServiceName;
use tradewind_gateway::{
    Balance, BreakerOptions, CallPolicy, ConnectionLimits, HealthCheck, OutlierDetection, Protocol, RetryBudget,
    UpstreamOptions,
};

use super::address::{AddressError, HostPort};
use super::calls;
use crate::manifest::section::{At, Problems, Said, Section};
use crate::manifest::services;

/// What is said of one service.
#[derive(Debug, Clone)]
pub(crate) struct UpstreamSection {
    /// How it is treated.
    pub(crate) options: UpstreamOptions,
    /// Where it is, if `up` does not run it.
    pub(crate) addresses: Vec<HostPort>,
    /// The line on which that stands, from 1.
    pub(crate) line: usize,
}

/// What is asked unless told otherwise.
const HEALTH_PATH: &str = "/health/ready";

const EXAMPLE: &str = "{ addresses = [\"http://10.0.0.7:8080\"] }";

/// More would be asked for health, and balanced over, than anybody runs.
const ADDRESSES_MAX: usize = 256;

/// A percentage that nothing reaches.
const NEVER: u8 = 101;

/// A service of which nothing is said but how all are called.
pub(super) fn usual(calls: &CallPolicy) -> UpstreamOptions {
    UpstreamOptions { calls: Some(Arc::new(calls.clone())), ..UpstreamOptions::default() }
}

/// How a service is called by who says nothing else: as is said of it, or as is `usual`.
pub(super) fn calls_of<'c>(
    upstreams: &'c BTreeMap<ServiceName, UpstreamSection>,
    service: Option<&ServiceName>,
    usual: &'c CallPolicy,
) -> &'c CallPolicy {
    service.and_then(|service| upstreams.get(service)?.options.calls.as_deref()).unwrap_or(usual)
}

/// Reads all of them.
pub(super) fn read(
    section: &Section<'_>,
    names: &[&ServiceName],
    calls: &CallPolicy,
    problems: &Problems<'_>,
) -> BTreeMap<ServiceName, UpstreamSection> {
    let mut read = BTreeMap::new();
    for (name, table) in section.tables("upstream", EXAMPLE) {
        let options = read_options(&table, calls, problems);
        let addresses = read_addresses(&table, problems);
        table.report_unknown();
        let line = problems.line(&name.span);
        if let Some(service) = read_name(&name, &table, names, problems) {
            read.insert(service, UpstreamSection { options, addresses, line });
        }
    }
    read
}

/// Those that others run, by what the section says of where they are.
pub(super) fn run_by_others(section: &Section<'_>, names: &[&ServiceName]) -> Vec<ServiceName> {
    let others = section.tables("upstream", EXAMPLE).into_iter().filter(|(_, table)| table.has("addresses"));
    let others = others.filter(|(name, _)| !services::is_reserved(name.value));
    let others = others.filter_map(|(name, _)| ServiceName::new(name.value).ok());
    others.filter(|other| !names.contains(&other)).collect()
}

/// Its name: a service's, or another's that has addresses.
fn read_name(
    name: &At<&str>,
    table: &Section<'_>,
    names: &[&ServiceName],
    problems: &Problems<'_>,
) -> Option<ServiceName> {
    let run = names.iter().find(|known| known.as_str() == name.value);
    match (run, table.has("addresses")) {
        (Some(run), false) => Some((*run).clone()),
        (Some(_), true) => table.refuse(
            table.place_of("addresses"),
            format!("`up` runs {} itself, and knows where it is", name.value),
            "take `addresses` out; what runs elsewhere is none of [services]",
        ),
        (None, false) => {
            services::unknown(problems, name.span.clone(), name.value, names);
            None
        }
        (None, true) => match ServiceName::new(name.value) {
            Ok(_) if services::is_reserved(name.value) => table.refuse(
                name.span.clone(),
                format!("`{}` is Tradewind's own name", name.value),
                "give the service another name",
            ),
            Ok(checked) => Some(checked),
            Err(error) => table.refuse(
                name.span.clone(),
                error.to_string(),
                "use lower-case letters, digits and dashes: `order-history`",
            ),
        },
    }
}

fn read_addresses(table: &Section<'_>, problems: &Problems<'_>) -> Vec<HostPort> {
    let mut addresses: Vec<HostPort> = Vec::new();
    for text in table.list("addresses", "[\"http://10.0.0.7:8080\"]") {
        match HostPort::parse(&text.value) {
            Ok(address) if addresses.contains(&address) => {
                problems.add(text.span, format!("{:?} stands here twice", text.value), "take one of them out");
            }
            Ok(address) => addresses.push(address),
            Err(error) => {
                let help = match error {
                    AddressError::Malformed => "write a host and a port: \"http://10.0.0.7:8080\"",
                    AddressError::Tls => "write http://, and let a proxy on that machine end the TLS if it must be",
                    AddressError::More => "write the host and port alone, and `rewrite` in the routes that lead there",
                };
                problems.add(text.span, format!("{:?} {error}", text.value), help);
            }
        }
    }
    table.refuse_empty("addresses", "name one at least: [\"http://10.0.0.7:8080\"]");
    if addresses.len() > ADDRESSES_MAX {
        let message = format!("there are more than {ADDRESSES_MAX} addresses");
        problems.add(table.place_of("addresses"), message, "give a name that stands for several, or a balancer's");
    }
    addresses
}

fn read_options(table: &Section<'_>, usual: &CallPolicy, problems: &Problems<'_>) -> UpstreamOptions {
    let mut calls = calls::read(table, usual, problems);
    calls.connect = table.some_time("connect_timeout").unwrap_or(calls.connect);
    calls.unreachable = table.duration("unreachable_for").unwrap_or(calls.unreachable);
    let connections = table.table("connections", "the connections of an upstream");
    let balance = table.table("balance", "the balance of an upstream");
    let budget = table.table("retry_budget", "the retry budget of an upstream");
    let mut options = UpstreamOptions {
        protocol: read_protocol(table),
        connections: connections.map(|connections| read_connections(&connections)).unwrap_or_default(),
        balance: balance.map(|balance| read_balance(&balance)).unwrap_or_default(),
        health: read_health(table, problems),
        outliers: read_outliers(table),
        breaker: read_breaker(table),
        budget: budget.map(|budget| read_budget(&budget)).unwrap_or_default(),
        // Also if it is what is built in: that need not be what is usual here.
        calls: Some(Arc::new(calls)),
    };
    options.balance.slow_start = table.duration("slow_start").unwrap_or(options.balance.slow_start);
    options
}

fn read_protocol(table: &Section<'_>) -> Protocol {
    match table.text("protocol", "\"h2c\"").map(|text| (text.value, text.span)) {
        None => Protocol::Http1,
        Some((text, _)) if text == "http1" => Protocol::Http1,
        Some((text, _)) if text == "h2c" => Protocol::H2c,
        Some((text, span)) => {
            let help = "it is \"http1\", or \"h2c\", HTTP/2 without TLS, as gRPC needs it";
            table.refuse(span, format!("{text:?} is no protocol"), help).unwrap_or_default()
        }
    }
}

fn count(table: &Section<'_>, key: &'static str, most: u32, usual: usize) -> usize {
    table.number(key, 1, most, "100").map_or(usual, |number| number.value as usize)
}

fn percent(table: &Section<'_>, key: &'static str, least: u32, usual: u8) -> u8 {
    table.number(key, least, 100, "50").and_then(|number| u8::try_from(number.value).ok()).unwrap_or(usual)
}

fn read_connections(table: &Section<'_>) -> ConnectionLimits {
    let usual = ConnectionLimits::default();
    let limits = ConnectionLimits {
        at_most: count(table, "at_most", 65_535, usual.at_most),
        idle_at_most: count(table, "idle_at_most", 65_535, usual.idle_at_most),
        idle: table.some_time("idle").unwrap_or(usual.idle),
        waiting_at_most: count(table, "waiting_at_most", 1_000_000, usual.waiting_at_most),
        wait: table.duration("wait").unwrap_or(usual.wait),
        streams_at_most: count(table, "streams_at_most", 10_000, usual.streams_at_most),
        head_bytes: table.size("head").and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usual.head_bytes),
    };
    table.report_unknown();
    limits
}

fn read_balance(table: &Section<'_>) -> Balance {
    let usual = Balance::default();
    let balance = Balance {
        decay: table.some_time("decay").unwrap_or(usual.decay),
        noise: table.some_time("noise").unwrap_or(usual.noise),
        slow_start: usual.slow_start,
        panic_percent: percent(table, "panic_percent", 0, usual.panic_percent),
    };
    table.report_unknown();
    balance
}

fn read_health(table: &Section<'_>, problems: &Problems<'_>) -> Option<HealthCheck> {
    let asked = match table.said("health", "the health check of an upstream", "{ path = \"/health/ready\" }")? {
        Said::No => return None,
        Said::Yes => return Some(HealthCheck::at(HEALTH_PATH)),
        Said::Table(asked) => asked,
    };
    let path = services::read_path(&asked, "path", HEALTH_PATH, "from 200 to 299 when an instance is in health");
    let usual = HealthCheck::at(path.as_deref().unwrap_or(HEALTH_PATH));
    let health = HealthCheck {
        interval: asked.some_time("every").unwrap_or(usual.interval),
        timeout: asked.some_time("timeout").unwrap_or(usual.timeout),
        unhealthy_after: asked.number("bad", 1, 1_000, "2").map_or(usual.unhealthy_after, |bad| bad.value),
        healthy_after: asked.number("good", 1, 1_000, "2").map_or(usual.healthy_after, |good| good.value),
        path: usual.path,
    };
    if health.path.parse::<http::Uri>().is_err() {
        problems.add(asked.place_of("path"), format!("{:?} is not a path", health.path), "write \"/health/ready\"");
    }
    asked.report_unknown();
    Some(health)
}

fn read_outliers(table: &Section<'_>) -> OutlierDetection {
    let usual = OutlierDetection::default();
    let said = match table.said("outliers", "the outliers of an upstream", "{ consecutive = 5 }") {
        None | Some(Said::Yes) => return usual,
        Some(Said::No) => return OutlierDetection { consecutive: 0, percent: NEVER, ..usual },
        Some(Said::Table(said)) => said,
    };
    let outliers = OutlierDetection {
        consecutive: said.number("consecutive", 0, 1_000_000, "5").map_or(usual.consecutive, |number| number.value),
        percent: percent(&said, "percent", 1, usual.percent),
        minimum: said.number("minimum", 1, 1_000_000, "20").map_or(usual.minimum, |number| number.value),
        window: said.some_time("within").unwrap_or(usual.window),
        ejection: said.some_time("first_ejection").unwrap_or(usual.ejection),
        ejection_at_most: said.some_time("longest_ejection").unwrap_or(usual.ejection_at_most),
        ejected_percent: percent(&said, "ejected_percent", 0, usual.ejected_percent),
        may_eject_last: said.flag("last").map_or(usual.may_eject_last, |last| last.value),
    };
    said.report_unknown();
    outliers
}

fn read_breaker(table: &Section<'_>) -> BreakerOptions {
    let usual = BreakerOptions::default();
    let said = match table.said("breaker", "the breaker of an upstream", "{ percent = 50 }") {
        None | Some(Said::Yes) => return usual,
        Some(Said::No) => return BreakerOptions { percent: NEVER, ..usual },
        Some(Said::Table(said)) => said,
    };
    let breaker = BreakerOptions {
        in_flight_at_most: count(&said, "in_flight", 1_000_000, usual.in_flight_at_most),
        percent: percent(&said, "percent", 1, usual.percent),
        minimum: said.number("minimum", 1, 1_000_000, "20").map_or(usual.minimum, |number| number.value),
        window: said.some_time("within").unwrap_or(usual.window),
        open: said.some_time("first_open").unwrap_or(usual.open),
        open_at_most: said.some_time("longest_open").unwrap_or(usual.open_at_most),
        probes: said.number("probes", 1, 1_000, "3").map_or(usual.probes, |number| number.value),
    };
    said.report_unknown();
    breaker
}

fn read_budget(table: &Section<'_>) -> RetryBudget {
    let usual = RetryBudget::default();
    let percent = table.number("percent", 0, 1_000, "20").and_then(|number| u16::try_from(number.value).ok());
    let floor = table.number("per_second", 0, 1_000_000, "10").map(|number| number.value);
    table.report_unknown();
    RetryBudget { percent: percent.unwrap_or(usual.percent), floor_per_second: floor.unwrap_or(usual.floor_per_second) }
}
