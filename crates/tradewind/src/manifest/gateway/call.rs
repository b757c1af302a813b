//! One call of a composition.

use std::ops::Range;
use std::time::Duration;

use tradewind_gateway::CallRule;
use tradewind_gateway::Upstream;
use tradewind_gateway::cache::OnFailure as WhenStale;
use tradewind_gateway::compose::{CallText, Composition, Instead, OnFailure};

use super::caching::{self, Caching};
use super::route::{Context, known};
use crate::manifest::section::{At, Entry, Problems, Section};

const GET_EXAMPLE: &str = "\"catalog:/api/catalog/products/{id}\"";
const ON_FAILURE_EXAMPLE: &str = "{ stale = \"10m\", else = \"omit\" }";
const ON_FAILURE_HELP: &str =
    "it is \"error\", \"omit\", { default = … }, or { stale = \"10m\" }, with `else` for when there is nothing stale";

/// A call as it stands in the manifest.
pub(super) struct CallDraft<'a> {
    pub(super) name: At<&'a str>,
    pub(super) get: At<String>,
    pub(super) each: Option<At<String>>,
    on_failure: OnFailure,
    /// Where that stands.
    pub(super) on_failure_span: Range<usize>,
    timeout: Option<Duration>,
    table: Section<'a>,
}

impl<'a> CallDraft<'a> {
    pub(super) fn read(name: At<&'a str>, table: Section<'a>, problems: &Problems<'_>) -> Option<Self> {
        let get = table.text("get", GET_EXAMPLE);
        table.require("get", format!("say what it asks: get = {GET_EXAMPLE}"));
        let each = table.text("each", "\"similar.items[]\"");
        let on_failure = match table.entry("on_failure", "what is answered when a call fails", ON_FAILURE_EXAMPLE) {
            Some(said) => read_on_failure(said, &table, problems),
            None => OnFailure::ERROR,
        };
        let (timeout, on_failure_span) = (table.duration("timeout"), table.place_of("on_failure"));
        Some(Self { name, get: get?, each, on_failure, on_failure_span, timeout, table })
    }

    pub(super) fn text(&self) -> CallText<'_> {
        CallText {
            name: self.name.value,
            get: &self.get.value,
            each: self.each.as_ref().map(|each| &*each.value),
            on_failure: self.on_failure.clone(),
            timeout: self.timeout,
        }
    }

    /// How it is made. `usual` is what its composition says of the cache.
    pub(super) fn rule(&self, composition: &Composition, usual: &Caching, context: Context<'_>) -> Option<CallRule> {
        let (service, _) = self.get.value.split_once(':')?;
        let begin = context.problems.within(&self.get.span, 1, 1);
        let span = begin.start..(begin.start + service.len()).min(self.get.span.end);
        let known = known(&At { value: service.to_owned(), span }, context.names, context.problems);
        let parameters = composition.value_names(self.name.value);
        let mut caching = caching::read(&self.table, usual, &parameters, context.names, context.problems);
        self.table.report_unknown();
        caching.on_failure = match self.on_failure.stale {
            Some(bound) => WhenStale::Stale(bound),
            None => WhenStale::Error,
        };
        if self.on_failure.stale.is_some() && caching.rule.is_none() {
            // What may be answered stale has to be stored.
            caching.rule = Some(caching::plain_rule());
        }
        if let (Some(rule), Some(bound)) = (&mut caching.rule, self.on_failure.stale) {
            // The call takes nothing staler, for whatever reason it is given.
            rule.stale_while_revalidate = rule.stale_while_revalidate.map(|time| time.min(bound));
        }
        let service = known?;
        let called = format!("{}.{}", composition.name(), self.name.value);
        Some(CallRule {
            name: self.name.value.into(),
            get: self.get.value.as_str().into(),
            upstream: Upstream::new(service.as_str(), []),
            cache: caching.rule_of(&called, service.as_str()),
            positions: caching.positions.of(service.as_str()).map(Into::into),
        })
    }
}

fn read_on_failure(said: Entry<'_>, table: &Section<'_>, problems: &Problems<'_>) -> OnFailure {
    let said = match said {
        Entry::Text(text) => return read_word(&text, problems),
        Entry::Table(said) => said,
    };
    let stale = said.duration("stale");
    let default = said.json("default").map(OnFailure::default_value);
    let behind = match said.entry("else", "`else`", "\"omit\"") {
        Some(Entry::Text(text)) if text.value == "stale" => {
            let help = "it is \"error\", \"omit\" or { default = … }";
            table.refuse(text.span, "`else` is for when there is nothing stale", help)
        }
        Some(Entry::Text(text)) => Some(read_word(&text, problems)),
        Some(Entry::Table(last)) => {
            let value = last.json("default");
            last.require("default", "for example: else = { default = { items = [] } }");
            last.report_unknown();
            value.map(OnFailure::default_value)
        }
        None => None,
    };
    if default.is_some() && behind.is_some() {
        problems.add(table.place_of("on_failure"), "`on_failure` says `default` and `else`", "say one of them");
    }
    if !["stale", "default"].iter().any(|key| said.has(key)) {
        problems.add(table.place_of("on_failure"), "`on_failure` says nothing", ON_FAILURE_HELP);
    }
    said.report_unknown();
    let instead = default.or(behind).unwrap_or(OnFailure::ERROR);
    OnFailure { stale, instead: instead.instead }
}

fn read_word(text: &At<String>, problems: &Problems<'_>) -> OnFailure {
    let (stale, instead) = match text.value.as_str() {
        "error" => (None, Instead::Error),
        "omit" => (None, Instead::Omit),
        "stale" => (Some(WhenStale::STALE_MAX), Instead::Error),
        other => {
            let message = format!("{other:?} is nothing that can be answered when a call fails");
            problems.add(text.span.clone(), message, ON_FAILURE_HELP);
            (None, Instead::Error)
        }
    };
    OnFailure { stale, instead }
}
