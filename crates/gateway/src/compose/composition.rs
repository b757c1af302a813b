//! Named calls at services, and what each takes from the others.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::order;
use super::place::{CompositionError, Fault, Part, Place};
use super::template::{Otherwise, Source, Step, Template, ValuePath, is_name, reference};
use super::{CompositionLimits, Instead, OnFailure};

/// One call, as its author writes it.
#[derive(Debug, Clone)]
pub struct CallText<'a> {
    /// Its name, which selections use: a letter, then letters, digits and `_`.
    pub name: &'a str,
    /// `service:/path?query`, with holes: `{id}` and `{limit:10}` are the request's parameters, `{call.a.b}` is a value
    /// of another call's answer, `{call.items[].id}` are all of them, no one twice, with commas between them.
    pub get: &'a str,
    /// `call.items[]`, if it is made for each element of a list: `{each.id}` is then a value of the element.
    pub each: Option<&'a str>,
    /// What is answered when it fails.
    pub on_failure: OnFailure,
    /// How long it may take, if less than the whole may.
    pub timeout: Option<Duration>,
}

/// Calls that belong together, checked: every reference is to a call that there is, and none goes in a circle.
#[derive(Debug, Clone)]
pub struct Composition(Arc<Checked>);

#[derive(Debug)]
struct Checked {
    name: Box<str>,
    path: Box<str>,
    path_parameters: Vec<Box<str>>,
    calls: Vec<Call>,
    limits: CompositionLimits,
}

#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: Box<str>,
    pub(super) template: Template,
    pub(super) each: Option<Each>,
    pub(super) stale_most: Option<Duration>,
    pub(super) instead: Replacement,
    pub(super) timeout: Option<Duration>,
    /// The calls whose answers it takes values from.
    pub(super) after: Vec<usize>,
}

/// A list in another call's answer.
#[derive(Debug)]
pub(super) struct Each {
    pub(super) call: usize,
    /// Into the list's elements: it ends with [`Step::Each`], and has no other.
    pub(super) path: ValuePath,
}

/// [`Instead`], as bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Replacement {
    Error,
    Omit,
    Default(Bytes),
}

/// A parameter that a composition's calls take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueryParameter<'a> {
    /// Its name.
    pub name: &'a str,
    /// What stands in its place where a request does not have it.
    pub default: Option<&'a str>,
    /// Whether a request without it is refused.
    pub is_required: bool,
}

impl Composition {
    /// Reads calls. `path` is a pattern such as `/products/{id}`, to which profiles add their prefixes.
    ///
    /// # Errors
    /// [`CompositionError`] says what is wrong, and where.
    pub fn parse(
        name: &str,
        path: &str,
        calls: &[CallText<'_>],
        limits: CompositionLimits,
    ) -> Result<Self, CompositionError> {
        CompositionError::unless_name(name)?;
        let path_parameters = path_parameters(path).map_err(|fault| fault.in_part(Part::Path))?;
        if calls.is_empty() || calls.len() > limits.calls {
            let what = format!("{} calls; a composition has between one and {}", calls.len(), limits.calls);
            return Err(CompositionError::new(Part::Calls, Place::START, what));
        }
        let names: Vec<&str> = calls.iter().map(|call| call.name).collect();
        for (index, call) in calls.iter().enumerate() {
            check_name(call.name, &names[..index])?;
        }
        let calls: Vec<Call> = calls.iter().map(|call| Call::parse(call, &names, &limits)).collect::<Result<_, _>>()?;
        refuse_values_of_many(&calls)?;
        order::refuse_circles(&calls)?;
        Ok(Self(Arc::new(Checked { name: name.into(), path: path.into(), path_parameters, calls, limits })))
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Its path's pattern, without a profile's prefix.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// The names of its calls.
    pub fn call_names(&self) -> impl Iterator<Item = &str> {
        self.0.calls.iter().map(|call| &*call.name)
    }

    /// The limits that its answers keep.
    #[must_use]
    pub fn limits(&self) -> &CompositionLimits {
        &self.0.limits
    }

    /// The parameters that its path names.
    pub fn path_parameters(&self) -> impl Iterator<Item = &str> {
        self.0.path_parameters.iter().map(|name| &**name)
    }

    /// The parameters that its calls take beside those of its path.
    #[must_use]
    pub fn query_parameters(&self) -> Vec<QueryParameter<'_>> {
        let mut parameters: Vec<QueryParameter<'_>> = Vec::new();
        for hole in self.0.calls.iter().flat_map(|call| call.template.holes()) {
            let Source::Parameter { name, otherwise } = &hole.source else { continue };
            let is_required = *otherwise == Otherwise::Refused;
            match parameters.iter_mut().find(|known| known.name == &**name) {
                Some(known) => known.is_required |= is_required,
                None if self.0.path_parameters.contains(name) => {}
                None => parameters.push(QueryParameter { name, default: otherwise.default(), is_required }),
            }
        }
        parameters
    }

    /// Whether a request can say a parameter of this name, in its path or its query.
    #[must_use]
    pub fn has_parameter(&self, name: &str) -> bool {
        self.path_parameters().any(|its| its == name) || self.query_parameters().iter().any(|its| its.name == name)
    }

    /// What can be named in the tags of a call's answers: what stands in its path and query in place of its holes.
    #[must_use]
    pub fn value_names(&self, call: &str) -> Vec<&str> {
        self.0.calls.iter().filter(|known| *known.name == *call).flat_map(|call| call.template.value_names()).collect()
    }

    /// What stands in a call's path and query in place of its holes, each under its parameter's name or the last name on
    /// the way to it in another call's answer; all values of a list under the same one.
    #[must_use]
    pub fn values_in(&self, call: &str, target: &str) -> Vec<(String, String)> {
        let call = self.0.calls.iter().find(|known| *known.name == *call);
        call.map(|call| call.template.values_in(target)).unwrap_or_default()
    }

    pub(super) fn calls(&self) -> &[Call] {
        &self.0.calls
    }
}

fn check_name(name: &str, before: &[&str]) -> Result<(), CompositionError> {
    let refused = |what: &str| Err(CompositionError::new(Part::Call(name.to_owned()), Place::START, what));
    match name {
        "each" => refused("`each` is the element that a call is made for, so no call can have this name"),
        // Not `_` at first, since it is also a token in headers.
        _ if !is_name(name) || name.starts_with('_') => refused("a name is a letter, then letters, digits and `_`"),
        _ if before.contains(&name) => refused("there are two calls of this name"),
        _ => Ok(()),
    }
}

impl Call {
    fn parse(text: &CallText<'_>, names: &[&str], limits: &CompositionLimits) -> Result<Self, CompositionError> {
        let name = || text.name.to_owned();
        let template = Template::parse(text.get, limits).map_err(|fault| fault.in_part(Part::Get(name())))?;
        let index_of = |called: &str, part: Part, place: Place| {
            let what = || format!("no call is named {called:?}; there are: {}", names.join(", "));
            names.iter().position(|its| *its == called).ok_or_else(|| CompositionError::new(part, place, what()))
        };
        let mut after = Vec::new();
        for hole in template.holes() {
            if let Source::Call { name: called, .. } = &hole.source {
                after.push(index_of(called, Part::Get(name()), hole.place)?);
            }
        }
        let takes_element = template.holes().find(|hole| matches!(hole.source, Source::Element(_)));
        let each = match (text.each, takes_element) {
            (None, None) => None,
            (None, Some(hole)) => {
                let what = "there is no element: say of which list, with `each`";
                return Err(CompositionError::new(Part::Get(name()), hole.place, what));
            }
            (Some(each), taken) => {
                let refused = |what| Err(CompositionError::new(Part::Each(name()), Place::START, what));
                let (called, path) =
                    reference(each, 0, each.len()).map_err(|fault| fault.in_part(Part::Each(name())))?;
                if path.lists() != 1 || path.0.last() != Some(&Step::Each) {
                    return refused("it names one list, by `[]` at its end");
                }
                if taken.is_none() {
                    return refused("it would ask the same for each element: take a value of it, `{each.id}`");
                }
                let call = index_of(called, Part::Each(name()), Place::START)?;
                after.push(call);
                Some(Each { call, path })
            }
        };
        after.sort_unstable();
        after.dedup();
        let instead = match &text.on_failure.instead {
            Instead::Error => Replacement::Error,
            Instead::Omit => Replacement::Omit,
            Instead::Default(value) => Replacement::Default(value.to_string().into()),
        };
        let (stale_most, timeout) = (text.on_failure.stale, text.timeout);
        Ok(Self { name: text.name.into(), template, each, stale_most, instead, timeout, after })
    }
}

/// What a call for each element answers is a list by its elements, and no later call takes values from it.
fn refuse_values_of_many(calls: &[Call]) -> Result<(), CompositionError> {
    for call in calls {
        let Some(many) = call.after.iter().map(|index| &calls[*index]).find(|earlier| earlier.each.is_some()) else {
            continue;
        };
        let what = format!("{:?} is made for each element of a list, so no call can take values from it", many.name);
        let taken = |hole: &&_| matches!(hole, super::template::Hole { source: Source::Call { name, .. }, .. } if *name == many.name);
        return Err(match call.template.holes().find(taken) {
            Some(hole) => CompositionError::new(Part::Get(call.name.to_string()), hole.place, what),
            None => CompositionError::new(Part::Each(call.name.to_string()), Place::START, what),
        });
    }
    Ok(())
}

/// The names in a path's pattern: `{id}`, or `{*rest}` at its end.
fn path_parameters(path: &str) -> Result<Vec<Box<str>>, Fault> {
    if !path.starts_with('/') {
        return Err(Fault::at(path, 0, "it does not begin with a slash"));
    }
    let (mut names, mut at): (Vec<Box<str>>, usize) = (Vec::new(), 0);
    while let Some(found) = path[at..].find(['{', '}']).map(|found| at + found) {
        let end = path[found..].find('}').map(|end| found + end).filter(|end| *end > found);
        let Some(end) = end else { return Err(Fault::at(path, found, "a brace without its other half")) };
        let name = path[found + 1..end].trim_start_matches('*');
        if !is_name(name) || names.iter().any(|its| **its == *name) {
            return Err(Fault::at(path, found + 1, format!("{name:?} is no parameter's name, or is there twice")));
        }
        names.push(name.into());
        at = end + 1;
    }
    Ok(names)
}
