//! The manifest's `[services.NAME]` tables.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::ops::Range;

use tradewind_fleet::{
    CommandTemplate, Liveness, OrderError, RestartPolicy, ServiceName, ServiceSpec, Template, start_order,
};

use super::documents::Named;
use super::section::{At, Problems, Section, closest};
use super::{GatewaySection, instances};

/// Names that stand for something else in the log and on the status table.
const RESERVED: [&str; 4] = ["gateway", "build", "seed", "up"];

const RUN_EXAMPLE: &str = "\"target/release/shop run catalog --listen {listen} --data {data}\"";

/// The services, and the names of all that were meant to be one: what is wrong with a service is told once, and not
/// again wherever it is named.
#[derive(Default)]
pub(super) struct Services {
    pub(super) specs: Vec<ServiceSpec>,
    pub(super) names: Vec<ServiceName>,
    /// The files in which their OpenAPI documents are kept.
    pub(super) documents: Vec<Named>,
    /// The ports that the manifest gives, and where.
    ports: Vec<At<u32>>,
    /// Where they should stand, if there is none.
    none: Option<Range<usize>>,
}

impl Services {
    /// Without services there is nothing to do, unless the gateway stands before what others run.
    pub(super) fn report_none(&self, gateway: &GatewaySection, problems: &Problems<'_>) {
        if let Some(span) = self.none.clone().filter(|_| !gateway.stands_before_others()) {
            let help = "describe at least one: [services.catalog] with run = \"…\"";
            problems.add(span, "the manifest has no services", help);
        }
    }

    /// Services listen on the loopback interface, which the gateway's address may be or have in it.
    pub(super) fn report_port_of_gateway(&self, gateway: SocketAddr, problems: &Problems<'_>) {
        let apart = !(gateway.ip().is_unspecified() || gateway.ip() == IpAddr::V4(Ipv4Addr::LOCALHOST));
        for port in self.ports.iter().filter(|port| !apart && port.value == u32::from(gateway.port())) {
            let message = format!("port {} is the gateway's, which listens on {gateway}", port.value);
            problems.add(port.span.clone(), message, "give one of them another port, or the service none");
        }
    }
}

/// Reads all services, in the order of the text.
pub(super) fn read(root: &Section<'_>, problems: &Problems<'_>) -> Services {
    let Some(section) = root.table("services", "[services]") else {
        let none = (!root.has("services")).then_some(0..0);
        return Services { none, ..Services::default() };
    };
    let tables = section.tables("service", "{ run = \"…\" }");
    let none = tables.is_empty().then(|| section.span());
    let names: Vec<ServiceName> = tables.iter().filter_map(|(name, _)| ServiceName::new(name.value).ok()).collect();
    let named: Vec<&ServiceName> = names.iter().collect();
    let (mut spans, mut ports, mut documents) = (BTreeMap::new(), Vec::new(), Vec::new());
    let mut specs = Vec::new();
    for (name, section) in tables {
        spans.insert(name.value.to_owned(), name.span.clone());
        specs.extend(read_one(&name, &section, &named, &mut ports, problems));
        let document = section.text("openapi", "\"shop/catalog/openapi.json\"");
        documents.extend(document.map(|file| (name.value.to_owned(), file)));
        section.report_unknown();
    }
    // Unknown names have been told, with their places; what is left is a cycle.
    if let Err(OrderError::Cycle(path)) = start_order(&specs) {
        let span = path.first().and_then(|name| spans.get(name.as_str())).cloned().unwrap_or(0..0);
        let message = OrderError::Cycle(path).to_string();
        problems.add(span, message, "take one of them out of the other's `after`");
    }
    Services { specs, names, documents, ports, none }
}

fn read_one(
    name: &At<&str>,
    section: &Section<'_>,
    names: &[&ServiceName],
    ports: &mut Vec<At<u32>>,
    problems: &Problems<'_>,
) -> Option<ServiceSpec> {
    let checked = match ServiceName::new(name.value) {
        Ok(checked) if !is_reserved(name.value) => Some(checked),
        Ok(_) => section.refuse(
            name.span.clone(),
            format!("`{}` is Tradewind's own name", name.value),
            "give the service another name",
        ),
        Err(error) => section.refuse(
            name.span.clone(),
            error.to_string(),
            "use lower-case letters, digits and dashes: `order-history`",
        ),
    };
    let run = section.words("run", RUN_EXAMPLE);
    section.require("run", format!("say how to start it: run = {RUN_EXAMPLE}"));
    let run = run.and_then(|run| command(section, run, names, problems));
    let build = section.words("build", "\"cargo build --release -p shop\"").map(|build| build.value);
    let health = read_path(section, "health", "/health/ready", "200 when the service is ready");
    let after = section.list("after", "[\"catalog\"]").into_iter().filter_map(|other| known(other, names, problems));
    let after: Vec<ServiceName> = after.collect();
    let env = section.table("env", &format!("the environment of `{}`", name.value));
    let env = env.map(|env| read_env(&env, names, problems)).unwrap_or_default();
    let instances = instances::read(section);
    let given = section.number("port", 1, 65_535, "7101");
    let port = given.as_ref().and_then(|port| u16::try_from(port.value).ok());
    ports.extend(given);
    let ready_within = section.duration("ready_within").unwrap_or(ServiceSpec::READY_WITHIN);
    let drain_within = section.duration("drain_within").unwrap_or(ServiceSpec::DRAIN_WITHIN);
    let liveness = section.table("liveness", &format!("the liveness of `{}`", name.value));
    let liveness = liveness.map(|liveness| read_liveness(&liveness)).unwrap_or_default();
    let restart = section.table("restart", &format!("the restart policy of `{}`", name.value));
    let restart = restart.map(|restart| read_restart(&restart)).unwrap_or_default();
    let mut spec = ServiceSpec::new(checked?, run?);
    (spec.build, spec.after, spec.env, spec.port) = (build, after, env, port);
    (spec.ready_within, spec.drain_within, spec.restart) = (ready_within, drain_within, restart);
    spec.liveness = liveness;
    spec.instances = instances;
    spec.health = health.unwrap_or(spec.health);
    Some(spec)
}

/// Whether a name stands for something else.
pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

pub(super) fn read_path(section: &Section<'_>, key: &'static str, usual: &str, answers: &str) -> Option<String> {
    let path = section.text(key, &format!("{usual:?}"))?;
    if path.value.starts_with('/') && path.value.chars().all(|c| c.is_ascii_graphic()) {
        return Some(path.value);
    }
    let help = format!("write the path that answers {answers}: {usual:?}");
    section.refuse(path.span, format!("{:?} is not a path", path.value), help)
}

fn read_liveness(section: &Section<'_>) -> Liveness {
    let usual = Liveness::default();
    let liveness = Liveness {
        path: read_path(section, "path", &usual.path, "as long as the service works").unwrap_or(usual.path),
        every: section.duration("every").unwrap_or(usual.every),
        failures_max: section.number("failures", 0, 1_000, "6").map_or(usual.failures_max, |failures| failures.value),
    };
    section.report_unknown();
    liveness
}

fn read_restart(section: &Section<'_>) -> RestartPolicy {
    let usual = RestartPolicy::default();
    let policy = RestartPolicy {
        delay_first: section.duration("first_delay").unwrap_or(usual.delay_first),
        delay_max: section.duration("longest_delay").unwrap_or(usual.delay_max),
        falls_max: section.number("falls", 1, 1_000, "8").map_or(usual.falls_max, |falls| falls.value),
        window: section.duration("within").unwrap_or(usual.window),
    };
    section.report_unknown();
    policy
}

fn read_env(section: &Section<'_>, names: &[&ServiceName], problems: &Problems<'_>) -> BTreeMap<String, Template> {
    let mut env = BTreeMap::new();
    for (key, value) in section.texts() {
        if key.value.is_empty() || key.value.contains(['=', '\0']) {
            problems.add(
                key.span,
                format!("{:?} cannot name a variable", key.value),
                "use letters, digits and underscores",
            );
            continue;
        }
        match Template::parse(&value.value) {
            Ok(template) => {
                report_unknown_upstreams(template.upstreams(), &value.span, names, problems);
                env.insert(key.value, template);
            }
            Err(error) => {
                problems.add(value.span, error.to_string(), "see docs/internals/manifest.md for the placeholders");
            }
        }
    }
    env
}

/// A command whose places exist.
pub(super) fn command(
    section: &Section<'_>,
    words: At<Vec<String>>,
    names: &[&ServiceName],
    problems: &Problems<'_>,
) -> Option<CommandTemplate> {
    match CommandTemplate::from_words(&words.value) {
        Ok(template) => {
            let upstreams = template.words().iter().flat_map(Template::upstreams);
            report_unknown_upstreams(upstreams, &words.span, names, problems);
            Some(template)
        }
        Err(error) => section.refuse(
            words.span,
            error.to_string(),
            "correct the placeholder, or double the braces if they are meant as such",
        ),
    }
}

fn report_unknown_upstreams<'u>(
    upstreams: impl Iterator<Item = &'u ServiceName>,
    span: &Range<usize>,
    names: &[&ServiceName],
    problems: &Problems<'_>,
) {
    for upstream in upstreams.filter(|upstream| !names.contains(upstream)) {
        unknown(problems, span.clone(), upstream.as_str(), names);
    }
}

fn known(other: At<String>, names: &[&ServiceName], problems: &Problems<'_>) -> Option<ServiceName> {
    let found = names.iter().find(|name| name.as_str() == other.value);
    if found.is_none() {
        unknown(problems, other.span, &other.value, names);
    }
    found.map(|name| (*name).clone())
}

/// Says that there is no such service, and which one was probably meant.
pub(super) fn unknown(problems: &Problems<'_>, span: Range<usize>, wrong: &str, names: &[&ServiceName]) {
    let help = match closest(wrong, names.iter().map(|name| name.as_str())) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            format!("the services are {}", names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))
        }
    };
    problems.add(span, format!("there is no service `{wrong}`"), help);
}
