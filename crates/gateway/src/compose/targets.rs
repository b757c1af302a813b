//! What a call asks for, once the answers that it takes values from are there.

use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;

use serde_json::value::RawValue;

use super::composition::{Call, Each};
use super::outcome::Outcome;
use super::splice::{scalar, take};
use super::template::{NotRendered, Otherwise, Source, ValuePath};
use super::{Composed, Failed, Request};

/// Paths and queries.
#[derive(Debug)]
pub(super) enum Targets {
    One(String),
    Many {
        /// For each element, which of the targets is its own.
        of: Vec<usize>,
        /// None of them twice; why there is none, where an element gives none.
        targets: Vec<Result<String, Failed>>,
    },
}

impl Composed {
    pub(super) fn targets(
        &self,
        call: &Call,
        request: &Request<'_>,
        outcomes: &[Outcome],
    ) -> Result<Targets, NotRendered> {
        let mut taken = Vec::new();
        for hole in call.template.holes() {
            taken.push(match &hole.source {
                Source::Call { name, path } => self.values(name, path, outcomes).map_err(NotRendered::Value)?,
                Source::Parameter { .. } | Source::Element(_) => Vec::new(),
            });
        }
        let Some(each) = &call.each else {
            return Ok(Targets::One(self.render(call, request, &taken, None)?));
        };
        let json = self.answer_of(each.call, outcomes).map_err(NotRendered::Value)?;
        let elements = self.elements(each, &json).map_err(NotRendered::Value)?;
        let (mut of, mut targets, mut known) = (Vec::with_capacity(elements.len()), Vec::new(), HashMap::new());
        for element in elements {
            let target = match self.render(call, request, &taken, Some(element)) {
                Ok(target) => Ok(target),
                Err(NotRendered::Value(failed)) => Err(failed),
                Err(refused) => return Err(refused),
            };
            of.push(match known.entry(target) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => {
                    targets.push(new.key().clone());
                    *new.insert(targets.len() - 1)
                }
            });
        }
        Ok(Targets::Many { of, targets })
    }

    fn render(
        &self,
        call: &Call,
        request: &Request<'_>,
        taken: &[Vec<String>],
        element: Option<&RawValue>,
    ) -> Result<String, NotRendered> {
        call.template.render(self.composition().limits(), |hole, source| match source {
            Source::Parameter { name, otherwise } => {
                match self.parameter(request.parameters, name, otherwise.default()) {
                    Some(value) => Ok(vec![Cow::Borrowed(value)]),
                    None if *otherwise == Otherwise::LeftOut => Ok(Vec::new()),
                    None => Err(NotRendered::Parameter(name.to_string())),
                }
            }
            Source::Call { .. } => Ok(taken[hole].iter().map(|value| Cow::Borrowed(&**value)).collect()),
            Source::Element(path) => {
                let value = element.ok_or(Failed::Value).and_then(|element| one(element.get().as_bytes(), path));
                Ok(vec![value.map_err(NotRendered::Value)?])
            }
        })
    }

    fn answer_of(&self, call: usize, outcomes: &[Outcome]) -> Result<bytes::Bytes, Failed> {
        outcomes[call].json(&self.calls()[call])
    }

    /// What is taken of another call: one value, or all that are there, no one twice.
    fn values(&self, name: &str, path: &ValuePath, outcomes: &[Outcome]) -> Result<Vec<String>, Failed> {
        let call = self.calls().iter().position(|call| *call.name == *name).ok_or(Failed::Dependency)?;
        let json = self.answer_of(call, outcomes)?;
        if path.lists() == 0 {
            return Ok(vec![one(&json, path)?.into_owned()]);
        }
        let limits = self.composition().limits();
        let mut values: Vec<String> = Vec::new();
        for raw in take(&json, &path.0, limits.values)? {
            let Some(value) = scalar(raw)? else { continue };
            // The list is short, since it is what one path can hold.
            if values.iter().any(|known| **known == *value) {
                continue;
            }
            if values.len() >= limits.elements {
                return Err(Failed::TooMany);
            }
            values.push(value.into_owned());
        }
        if values.is_empty() { Err(Failed::NoElements) } else { Ok(values) }
    }

    fn elements<'j>(&self, each: &Each, json: &'j [u8]) -> Result<super::splice::Elements<'j>, Failed> {
        let elements = take(json, &each.path.0, self.composition().limits().elements)?;
        if elements.is_empty() { Err(Failed::NoElements) } else { Ok(elements) }
    }
}

/// The one value at the end of a path that goes into no list.
fn one<'j>(json: &'j [u8], path: &ValuePath) -> Result<Cow<'j, str>, Failed> {
    let found = take(json, &path.0, 1)?;
    found.first().map(|raw| scalar(raw)).transpose()?.flatten().ok_or(Failed::Value)
}
