//! What is stored: `cache`, `on_failure` and `positions` of routes and calls, and `[gateway.cache]`.

use std::sync::Arc;
use std::time::Duration;

use http::HeaderName;
use tradewind_fleet::ServiceName;
use tradewind_gateway::cache::{CacheOptions, CachePolicy, OnFailure, TagTemplate};
use tradewind_gateway::{Policies, PositionsOf};

use super::followed::{is_purged, tag_of_all};
use crate::manifest::section::{Entry, Named, Problems, Said, Section};
use crate::manifest::services;

const RULE_EXAMPLE: &str = "{ fresh = \"30s\", tags = [\"product:{id}\"] }";
const ON_FAILURE_HELP: &str = "it is \"error\", \"stale\", or how stale at most: { stale = \"10m\" }";
/// For how long a client is remembered to have written something, if no rule lets answers live longer.
const OWN_WRITES: Duration = Duration::from_secs(600);
/// The longest that it is remembered if nothing else is said.
const OWN_WRITES_MAX: Duration = Duration::from_secs(24 * 60 * 60);
/// Less would not hold an answer of the usual size with all that is kept beside it.
const BYTES_MIN: u64 = 64 << 10;

/// What a route or call says of it.
#[derive(Debug, Clone, Default)]
pub(super) struct Caching {
    pub(super) rule: Option<CachePolicy>,
    pub(super) on_failure: OnFailure,
    pub(super) positions: PositionsOf,
}

/// `[gateway.cache]`.
#[derive(Debug)]
pub(super) struct CacheSection {
    pub(super) options: CacheOptions,
    own_writes: OwnWrites,
    /// Whether what is stored is purged by services' events.
    pub(super) purge: bool,
}

#[derive(Debug, Clone, Copy)]
enum OwnWrites {
    AsLongAsNeeded,
    Forgotten,
    For(Duration),
}

impl Default for CacheSection {
    fn default() -> Self {
        Self { options: CacheOptions::default(), own_writes: OwnWrites::AsLongAsNeeded, purge: true }
    }
}

impl CacheSection {
    /// For how long a client's writes are remembered, if anything is stored under these rules.
    pub(super) fn own_writes<'a>(&self, rules: impl Iterator<Item = &'a CachePolicy>) -> Option<Duration> {
        let longest = rules.map(CachePolicy::longest).max()?;
        match self.own_writes {
            OwnWrites::AsLongAsNeeded => Some(longest.clamp(OWN_WRITES, OWN_WRITES_MAX)),
            OwnWrites::For(time) => Some(time),
            OwnWrites::Forgotten => None,
        }
    }
}

/// Reads `[gateway.cache]`.
pub(super) fn read_section(section: &Section<'_>, problems: &Problems<'_>) -> CacheSection {
    let mut cache = CacheSection::default();
    if let Some(bytes) = section.size("bytes") {
        if bytes < BYTES_MIN {
            let message = format!("`bytes` in [gateway.cache] is {bytes}, in which nothing much can be kept");
            problems.add(section.place_of("bytes"), message, "it must be at least \"64KiB\"");
        }
        cache.options.bytes_max = bytes;
    }
    if let Some(bytes) = section.size("answer") {
        cache.options.body_bytes_max = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    match section.named("own_writes", "\"10m\"") {
        Some(Named::Yes) | None => {}
        Some(Named::No) => cache.own_writes = OwnWrites::Forgotten,
        Some(Named::Text(_)) => {
            if let Some(time) = section.duration("own_writes") {
                cache.own_writes = OwnWrites::For(time);
            }
        }
    }
    cache.purge = section.flag("purge").is_none_or(|purge| purge.value);
    section.report_unknown();
    cache
}

/// Reads what a table says, and takes the rest from what holds for all. `parameters` are those that tags may name.
pub(super) fn read(
    table: &Section<'_>,
    usual: &Caching,
    parameters: &[&str],
    names: &[&ServiceName],
    problems: &Problems<'_>,
) -> Caching {
    let mut caching = usual.clone();
    match table.said("cache", "the cache of a route", RULE_EXAMPLE) {
        Some(Said::Yes) => caching.rule = Some(caching.rule.unwrap_or_else(plain_rule)),
        Some(Said::No) => caching.rule = None,
        Some(Said::Table(rule)) => caching.rule = Some(read_rule(&rule, parameters, problems)),
        None => {}
    }
    match table.named("positions", "\"ordering\"") {
        Some(Named::Yes) => caching.positions = PositionsOf::Own,
        Some(Named::No) => caching.positions = PositionsOf::Nobody,
        Some(Named::Text(other)) if names.iter().any(|name| name.as_str() == other.value) => {
            caching.positions = PositionsOf::Of(other.value.into());
        }
        Some(Named::Text(other)) => services::unknown(problems, other.span.clone(), &other.value, names),
        None => {}
    }
    caching
}

/// Reads `on_failure` of a route, or of all routes.
pub(super) fn read_on_failure(table: &Section<'_>, caching: &mut Caching, of_all: bool, problems: &Problems<'_>) {
    let read = match table.entry("on_failure", "what is answered if the service fails", "\"stale\"") {
        None => return,
        Some(Entry::Text(text)) => match text.value.as_str() {
            "error" => Some(OnFailure::Error),
            "stale" => Some(OnFailure::Stale(OnFailure::STALE_MAX)),
            other => {
                let message = format!("`on_failure` says {other:?}, which is nothing that can be answered");
                table.refuse(text.span, message, ON_FAILURE_HELP)
            }
        },
        Some(Entry::Table(said)) => {
            let stale = said.duration("stale");
            if stale.is_none() && !said.has("stale") {
                problems.add(said.span(), "`on_failure` does not say how stale an answer may be", ON_FAILURE_HELP);
            }
            said.report_unknown();
            stale.map(OnFailure::Stale)
        }
    };
    caching.on_failure = read.unwrap_or(caching.on_failure);
    if read.is_some_and(|read| read != OnFailure::Error) && caching.rule.is_none() && !of_all {
        let help = "say `cache = true` as well: what is not stored cannot stand in for an answer";
        problems.add(table.place_of("on_failure"), "`on_failure` is \"stale\", and nothing is stored here", help);
    }
}

/// What services say, and nothing beyond it. What clients say of it is advice (RFC 9111 §5.2.1), and not taken unless a
/// rule says so: this cache answers in the services' place, and pages that ask without their browser's cache, and
/// everybody who reloads one, would go past it.
pub(super) fn plain_rule() -> CachePolicy {
    let mut rule = CachePolicy::new("", "");
    rule.heeds_clients = false;
    rule
}

fn read_rule(rule: &Section<'_>, parameters: &[&str], problems: &Problems<'_>) -> CachePolicy {
    let mut policy = plain_rule();
    policy.fresh_for = rule.duration("fresh");
    policy.stale_while_revalidate = rule.duration("stale_while_revalidate");
    for tag in rule.list("tags", "[\"product:{id}\"]") {
        match tag.value.parse::<TagTemplate>() {
            Ok(template) => {
                let unknown = template.parameters().find(|name| !parameters.contains(name)).map(str::to_owned);
                match unknown {
                    Some(name) => problems.add(tag.span, unknown_parameter(&name), known_parameters(parameters)),
                    None => policy.tags.push(template),
                }
            }
            Err(error) => problems.add(tag.span, error.to_string(), "for example: \"product:{id}\""),
        }
    }
    if let Some(name) = rule.text("tag_header", "\"cache-tag\"") {
        match name.value.parse::<HeaderName>() {
            Ok(header) => policy.tag_header = Some(header),
            Err(_) => {
                let message = format!("{:?} is no header's name", name.value);
                problems.add(name.span, message, "for example: tag_header = \"cache-tag\"");
            }
        }
    }
    policy.heeds_clients = rule.flag("heeds_clients").is_some_and(|heeds| heeds.value);
    policy.collapses = rule.flag("collapse").is_none_or(|collapses| collapses.value);
    rule.report_unknown();
    policy
}

fn unknown_parameter(name: &str) -> String {
    format!("the tag names {{{name}}}, which is no parameter here")
}

fn known_parameters(parameters: &[&str]) -> String {
    match parameters.is_empty() {
        true => "there are none here: a tag names parameters of its route's path, as \"/products/{id}\"".to_owned(),
        false => {
            let named: Vec<String> = parameters.iter().map(|name| format!("{{{name}}}")).collect();
            format!("there are {}", named.join(", "))
        }
    }
}

impl Caching {
    /// The rule under a route's or call's name, for what this service answers.
    pub(super) fn rule_of(&self, name: &str, service: &str) -> Option<Arc<CachePolicy>> {
        let mut rule = self.rule.clone()?;
        (rule.name, rule.on_failure) = (name.into(), self.on_failure);
        let source = self.positions.of(service);
        (rule.source, rule.tells_positions) = (source.unwrap_or(service).into(), source.is_some());
        if is_purged(&rule) {
            // By this all of a service's answers are purged when its events cannot be followed without a gap.
            rule.tags.extend(tag_of_all(&rule.source).parse().ok());
        }
        Some(Arc::new(rule))
    }

    /// Sets what a route's policies say of it.
    pub(super) fn apply(&self, policies: &mut Policies, name: &str, service: &str) {
        policies.cache = self.rule_of(name, service);
        policies.positions = self.positions.clone();
    }
}
