//! A composition and what is selected from it.

use std::borrow::Cow;

use http::HeaderMap;
use tokio::time::Instant;

use super::composition::{Call, Replacement};
use super::place::{CompositionError, Part, Place};
use super::selection::{self, Chosen, Selection};
use super::splice::Splicer;
use super::template::{Otherwise, Source, usable};
use super::{Composition, Fragments, Parameters, Unanswered, order};

/// What one kind of client gets of a composition.
#[derive(Debug)]
pub struct Composed {
    composition: Composition,
    pub(super) selection: Selection,
    pub(super) chosen: Vec<Chosen>,
    /// The calls that are made, by their index.
    pub(super) needed: Vec<bool>,
    defaults: Parameters,
    fixed: Parameters,
    pub(super) reports: bool,
}

/// A request for one.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// Those of its path, and behind them those of its query.
    pub parameters: &'a Parameters,
    /// Its headers, as services are to see them.
    pub headers: &'a HeaderMap,
    /// When all calls are over: what has not answered by then has failed. Whoever waits for the whole needs to wait a
    /// little longer than that, or it will not get what there is.
    pub deadline: Instant,
}

impl Composition {
    /// Selects from its calls, in GraphQL's syntax: fields, aliases, `...fragment`, `@flatten`, `@first(n:)` and
    /// `@default(value:)`. Calls that the selection does not need are not made.
    ///
    /// # Errors
    /// [`CompositionError`] says what is wrong, and where.
    pub fn select(&self, selection: &str, fragments: &Fragments) -> Result<Composed, CompositionError> {
        let (selection, chosen) = selection::parse(self, selection, fragments)?;
        let needed = order::needed(self.calls(), selection.calls.iter().copied());
        for top in &selection.tops {
            let call = &self.calls()[top.call];
            let Replacement::Default(json) = &call.instead else { continue };
            if let Err(failed) = Splicer::new(self.calls(), &[], self.limits()).try_value(&top.used, json) {
                let what = format!("{:?} cannot take from the default what it selects: {failed}", self.name());
                return Err(CompositionError::new(Part::OnFailure(call.name.to_string()), Place::START, what));
            }
        }
        let (defaults, fixed) = (Parameters::new(), Parameters::new());
        Ok(Composed { composition: self.clone(), selection, chosen, needed, defaults, fixed, reports: false })
    }
}

impl Composed {
    /// Sets parameters: `defaults` where the request says nothing, `fixed` whatever it says.
    #[must_use]
    pub fn with_parameters(self, defaults: Parameters, fixed: Parameters) -> Self {
        Self { defaults, fixed, ..self }
    }

    /// Adds the member `_fragments`, which tells what the header `Tradewind-Fragments` tells.
    #[must_use]
    pub fn with_report(self) -> Self {
        Self { reports: true, ..self }
    }

    /// What it selects from.
    #[must_use]
    pub fn composition(&self) -> &Composition {
        &self.composition
    }

    /// The calls that are made for it.
    pub fn call_names(&self) -> impl Iterator<Item = &str> {
        self.made_calls().map(|(_, call)| &*call.name)
    }

    /// The services that it needs, each once.
    #[must_use]
    pub fn services(&self) -> Vec<&str> {
        let mut services: Vec<&str> = self.made_calls().map(|(_, call)| &*call.template.service).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// What a call would ask its service for, as far as that is known before anybody is asked: what it takes of other
    /// calls' answers stands there as its author wrote it. Nothing, if the call is not made.
    #[must_use]
    pub fn target(&self, call: &str, parameters: &Parameters) -> Option<String> {
        let (_, call) = self.made_calls().find(|(_, its)| *its.name == *call)?;
        Some(call.template.outlined(|source| match source {
            Source::Parameter { name, otherwise } => {
                self.parameter(parameters, name, otherwise.default()).map(|value| Cow::Owned(value.to_owned()))
            }
            Source::Call { .. } | Source::Element(_) => None,
        }))
    }

    pub(super) fn calls(&self) -> &[Call] {
        self.composition.calls()
    }

    /// The calls that are made, each with its index.
    pub(super) fn made_calls(&self) -> impl Iterator<Item = (usize, &Call)> {
        self.calls().iter().enumerate().filter(|(index, _)| self.needed[*index])
    }

    /// Whether a parameter is what the profile says, whatever a request does.
    pub(super) fn fixed(&self, name: &str) -> bool {
        self.fixed.get(name).is_some()
    }

    /// What the profile says for a parameter where a request says nothing.
    pub(super) fn default_of(&self, name: &str) -> Option<&str> {
        self.defaults.get(name)
    }

    /// The call of this name, if it is made for each of the elements at the end of a way into a call's answer.
    pub(super) fn joined(&self, call: usize, way: &[String], name: &str) -> Option<usize> {
        self.calls().iter().position(|other| {
            let each = other.each.as_ref().filter(|each| each.call == call);
            *other.name == *name && each.is_some_and(|each| each.path.fields() == way)
        })
    }

    /// What a request says for a parameter, or else the profile, or the call.
    pub(super) fn parameter<'p>(
        &'p self,
        request: &'p Parameters,
        name: &str,
        default: Option<&'p str>,
    ) -> Option<&'p str> {
        let said = self.fixed.get(name).or_else(|| request.get(name));
        said.or_else(|| self.defaults.get(name)).or(default)
    }

    /// Refuses a request before anybody is asked.
    pub(super) fn check_parameters(&self, request: &Request<'_>) -> Result<(), Unanswered> {
        for hole in self.made_calls().flat_map(|(_, call)| call.template.holes()) {
            let Source::Parameter { name, otherwise } = &hole.source else { continue };
            let value = self.parameter(request.parameters, name, otherwise.default());
            let fits = |value| usable(value, hole.in_query, self.composition.limits());
            if !value.map_or(*otherwise == Otherwise::LeftOut, fits) {
                return Err(Unanswered::Parameter { name: name.to_string() });
            }
        }
        Ok(())
    }
}
