//! `[gateway.compositions]`: what answers are composed of; and `[gateway.fragments]`, which their selections share.

use std::ops::Range;
use std::time::Duration;

use tradewind_gateway::compose::{Composition, CompositionError, CompositionLimits, Fragments, Part};
use tradewind_gateway::{CallRule, Composing};

use super::caching;
use super::call::CallDraft;
use super::held::tell_misfits;
use super::route::Context;
use crate::manifest::section::{At, Problems, Section};

const EXAMPLE: &str = "{ path = \"/products/{id}\", calls = { … } }";
const CALL_EXAMPLE: &str = "{ get = \"catalog:/api/catalog/products/{id}\" }";
const PATH_EXAMPLE: &str = "\"/products/{id}\"";
const HELP: &str = "docs/internals/gateway-composition.md tells what can be written";

/// All that profiles serve.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    pub(super) compositions: Vec<Draft>,
    pub(super) fragments: Fragments,
    /// Their names, and the texts as they were written.
    fragment_texts: Vec<(At<String>, At<String>)>,
    /// Those that are wrong, of which it has been told.
    pub(super) wrong: Vec<String>,
}

/// A composition and how its calls are made.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) composition: Composition,
    pub(super) path: At<String>,
    pub(super) calls: Vec<CallRule>,
    pub(super) timeout: Duration,
    pub(super) credentials: bool,
    on_failure_spans: Vec<(String, Range<usize>)>,
    /// Where its name stands.
    span: Range<usize>,
}

impl Drafts {
    pub(super) fn find(&self, composition: &str) -> Option<&Draft> {
        self.compositions.iter().find(|draft| draft.composition.name() == composition)
    }

    /// Where an error is that a selection has brought to light, if it is not in the selection itself.
    pub(super) fn place_of(
        &self,
        error: &CompositionError,
        serves: &str,
        problems: &Problems<'_>,
    ) -> Option<Range<usize>> {
        match &error.part {
            Part::Fragment(name) => {
                let (_, text) = self.fragment_texts.iter().find(|(known, _)| known.value == *name)?;
                Some(problems.within(&text.span, error.place.line, error.place.column))
            }
            Part::OnFailure(call) => {
                let spans = &self.find(serves)?.on_failure_spans;
                spans.iter().find(|(known, _)| known == call).map(|(_, span)| span.clone())
            }
            _ => None,
        }
    }

    /// Warns of compositions that no profile serves, and of fragments that nothing spreads. `selections` are those of all
    /// profiles, each with the composition that it is of.
    pub(super) fn warn_of_unused(&self, selections: &[(String, String)], problems: &Problems<'_>) {
        let is_served = |draft: &&Draft| selections.iter().any(|(name, _)| name == draft.composition.name());
        for draft in self.compositions.iter().filter(|draft| !is_served(draft)) {
            let message = format!("no profile serves the composition `{}`", draft.composition.name());
            problems.warn(&draft.span, message, "let one serve it in [gateway.profiles], or take it out");
        }
        for (name, _) in &self.fragment_texts {
            let others = self.fragment_texts.iter().filter(|(other, _)| other.value != name.value);
            let mut texts = others.map(|(_, text)| &text.value).chain(selections.iter().map(|(_, text)| text));
            if !texts.any(|text| spreads(text, &name.value)) {
                let message = format!("nothing uses the fragment `{}`", name.value);
                problems.warn(&name.span, message, "spread it in a selection, as `...card`, or take it out");
            }
        }
    }
}

/// Reads fragments and compositions.
pub(super) fn read(section: &Section<'_>, context: Context<'_>) -> Drafts {
    let mut drafts = Drafts::default();
    let limits = CompositionLimits::default();
    let texts = section.table("fragments", "[gateway.fragments]").map(|table| table.texts()).unwrap_or_default();
    let mut good: Vec<(&str, &str)> = Vec::new();
    for (name, text) in &texts {
        match Fragments::parse([(&*name.value, &*text.value)], &limits) {
            Ok(_) => good.push((&name.value, &text.value)),
            Err(error) => {
                let span = context.problems.within(&text.span, error.place.line, error.place.column);
                context.problems.add(span, format!("fragment `{}`: {}", name.value, error.what), HELP);
            }
        }
    }
    drafts.fragments = Fragments::parse(good, &limits).unwrap_or_default();
    drafts.fragment_texts = texts;
    let tables =
        section.table("compositions", "[gateway.compositions]").map(|table| table.tables("composition", EXAMPLE));
    for (name, table) in tables.unwrap_or_default() {
        match read_one(&name, &table, context) {
            Some(draft) => drafts.compositions.push(draft),
            None => drafts.wrong.push(name.value.to_owned()),
        }
    }
    drafts
}

fn read_one(name: &At<&str>, table: &Section<'_>, context: Context<'_>) -> Option<Draft> {
    let problems = context.problems;
    let path = table.text("path", PATH_EXAMPLE);
    table.require("path", format!("say where profiles serve it: path = {PATH_EXAMPLE}"));
    let timeout = table.duration("timeout").unwrap_or(Composing::TIMEOUT);
    let credentials = table.flag("credentials").is_some_and(|credentials| credentials.value);
    let limits = table.table("limits", "the limits of a composition").map(|limits| read_limits(&limits));
    let calls = table.table("calls", "the calls of a composition").map(|calls| calls.tables("call", CALL_EXAMPLE));
    let drafted = calls.unwrap_or_default().into_iter().map(|(name, call)| CallDraft::read(name, call, problems));
    let drafted: Vec<Option<CallDraft<'_>>> = drafted.collect();
    let whole = drafted.iter().all(Option::is_some);
    let calls: Vec<CallDraft<'_>> = drafted.into_iter().flatten().collect();
    let texts: Vec<_> = calls.iter().map(CallDraft::text).collect();
    let limits = limits.unwrap_or_default();
    let composition = match path.as_ref().map(|path| Composition::parse(name.value, &path.value, &texts, limits)) {
        Some(Ok(composition)) if whole => Some(composition),
        Some(Err(error)) if whole => {
            let span = place_of(&error, name, path.as_ref(), &calls, problems);
            problems.add(span, format!("composition `{}`: {}", name.value, error.what), HELP);
            None
        }
        _ => None,
    };
    // Without it, it is not known what its tags may name.
    let composition = composition?;
    let misfits = composition.misfits(&context.held.kept.documents);
    tell_misfits(&format!("composition `{}`", name.value), misfits, problems, |error| {
        place_of(error, name, path.as_ref(), &calls, problems)
    });
    let parameters: Vec<&str> = composition.call_names().flat_map(|call| composition.value_names(call)).collect();
    let stored = caching::read(table, &context.usual.caching, &parameters, context.names, problems);
    table.report_unknown();
    let rules: Vec<Option<CallRule>> = calls.iter().map(|call| call.rule(&composition, &stored, context)).collect();
    let on_failure_spans =
        calls.iter().map(|call| (call.name.value.to_owned(), call.on_failure_span.clone())).collect();
    let calls = rules.into_iter().collect::<Option<Vec<CallRule>>>()?;
    Some(Draft { composition, path: path?, calls, timeout, credentials, on_failure_spans, span: name.span.clone() })
}

/// Whether a selection takes a fragment in.
fn spreads(text: &str, fragment: &str) -> bool {
    let is_letter = |c: char| c.is_alphanumeric() || c == '_';
    text.split("...")
        .skip(1)
        .any(|spread| spread.trim_start().strip_prefix(fragment).is_some_and(|rest| !rest.starts_with(is_letter)))
}

fn place_of(
    error: &CompositionError,
    name: &At<&str>,
    path: Option<&At<String>>,
    calls: &[CallDraft<'_>],
    problems: &Problems<'_>,
) -> Range<usize> {
    let call = |called: &str| calls.iter().find(|call| call.name.value == called);
    let within = |span: &Range<usize>| problems.within(span, error.place.line, error.place.column);
    let span = match &error.part {
        Part::Path => path.map(|path| within(&path.span)),
        Part::Call(called) => call(called).map(|call| call.name.span.clone()),
        Part::Get(called) => call(called).map(|call| within(&call.get.span)),
        Part::Each(called) => call(called).and_then(|call| Some(within(&call.each.as_ref()?.span))),
        Part::OnFailure(called) => call(called).map(|call| call.on_failure_span.clone()),
        _ => None,
    };
    span.unwrap_or_else(|| name.span.clone())
}

fn read_limits(limits: &Section<'_>) -> CompositionLimits {
    let mut read = CompositionLimits::default();
    let count = |key, most| limits.number(key, 1, most, "50").map(|number| number.value as usize);
    let bytes = |key| limits.size(key).and_then(|bytes| usize::try_from(bytes).ok());
    read.elements = count("elements", 1_000).unwrap_or(read.elements);
    read.values = read.values.max(read.elements);
    read.parallel = count("parallel", 64).unwrap_or(read.parallel);
    read.piece_bytes = bytes("piece").unwrap_or(read.piece_bytes);
    read.answer_bytes = bytes("answer").unwrap_or(read.answer_bytes);
    let pieces = bytes("pieces").unwrap_or(CompositionLimits::pieces_for(read.answer_bytes));
    // One that is as large as may be is not too large by itself.
    read.pieces_bytes = pieces.max(read.piece_bytes);
    limits.report_unknown();
    read
}
