//! Whether compositions fit the services' documents.

use std::collections::BTreeSet;
use std::fmt;

use percent_encoding::percent_decode_str;
use serde_json::Value;

use super::document::{Operation, best, fits, json_schema};
use super::meant::closest;
use super::schema::{Found, Types, member_of, ways};
use super::{Document, Documents};
use crate::compose::{CallReads, Composed, Composition, FieldRead, Part, Place};

/// Something that a composition asks for and a service's document does not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// The call.
    pub call: String,
    /// The service that it asks.
    pub service: String,
    /// The text that asks for it.
    pub part: Part,
    /// Where in it.
    pub place: Place,
    /// What is wrong.
    pub what: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}: {}", self.part, self.place, self.what)?;
        self.meant.as_ref().map_or(Ok(()), |meant| write!(f, "; did you mean {meant:?}?"))
    }
}

impl Composition {
    /// What its calls ask, and take of each other, that the documents do not have. A service without a document may
    /// have anything.
    #[must_use]
    pub fn misfits(&self, documents: &Documents) -> Vec<Misfit> {
        let reads = self.reads();
        let mut misfits: Vec<Misfit> = reads.iter().flat_map(|call| Asking::of(call, documents)).collect();
        misfits.extend(reads.iter().flat_map(|call| Taking::of(call, documents)));
        misfits
    }
}

impl Composed {
    /// What it selects that the documents do not have. What its calls ask is looked at by [`Composition::misfits`].
    #[must_use]
    pub fn misfits(&self, documents: &Documents) -> Vec<Misfit> {
        self.reads().iter().flat_map(|call| Taking::of(call, documents)).collect()
    }
}

/// The operation that a call asks, if there is such a one.
pub(super) fn operation_of<'d>(document: &'d Document, path: &str) -> Option<Operation<'d>> {
    operations_at(document, path).into_iter().find(|operation| operation.method == "get")
}

/// All operations at the path that takes what is asked for.
fn operations_at<'d>(document: &'d Document, path: &str) -> Vec<Operation<'d>> {
    let all: Vec<(String, Operation<'d>)> =
        document.operations().map(|operation| (operation.full_path(), operation)).collect();
    let Some(found) = best(all.iter().map(|(path, _)| &**path), path).and_then(|found| fits(found, path)) else {
        return Vec::new();
    };
    let here = all.iter().filter(|(its, _)| fits(its, path).as_ref() == Some(&found));
    here.map(|(_, operation)| *operation).collect()
}

/// What a call asks for.
struct Asking;

impl Asking {
    fn of(call: &CallReads, documents: &Documents) -> Vec<Misfit> {
        let Some(document) = documents.get(&call.service) else { return Vec::new() };
        let misfit = |place: Place, what: String, meant: Option<String>| Misfit {
            call: call.call.clone(),
            service: call.service.clone(),
            part: Part::Get(call.call.clone()),
            place,
            what,
            meant,
        };
        let (service, path) = (&call.service, &call.path);
        let here = operations_at(document, path);
        let Some(operation) = here.iter().find(|operation| operation.method == "get") else {
            if here.is_empty() {
                let shapes: BTreeSet<String> = document.operations().map(|its| nameless(&its.full_path())).collect();
                let meant = closest(path, shapes.iter().map(|shape| &**shape));
                let meant =
                    meant.and_then(|shape| document.operations().find(|its| nameless(&its.full_path()) == shape));
                let meant = meant.map(|operation| operation.full_path());
                return vec![misfit(call.path_place, format!("{service} has no path {path}"), meant)];
            }
            let methods: Vec<String> = here.iter().map(|its| its.method.to_ascii_uppercase()).collect();
            let what = format!("{service} cannot be asked for {path} by GET, only by {}", methods.join(", "));
            return vec![misfit(call.path_place, what, None)];
        };
        let parameters = operation.parameters();
        let known = || parameters.iter().filter(|parameter| parameter.place == "query");
        let name_of = |name: &str| percent_decode_str(name).decode_utf8_lossy().into_owned();
        let names: Vec<String> = call.query.iter().map(|read| name_of(&read.name)).collect();
        let mut misfits = Vec::new();
        for (read, name) in call.query.iter().zip(&names) {
            // `filter[brand]`, `filter.brand`: an object's members, by the parameter's name.
            let of_object = |its: &str| name.strip_prefix(its).is_some_and(|rest| rest.starts_with('['));
            if known()
                .any(|parameter| parameter.name == name || of_object(parameter.name) || takes_any(parameter.value))
            {
                continue;
            }
            let what = format!("{service} knows no parameter {name:?} in the query of {path}");
            let meant = closest(name, known().map(|parameter| parameter.name));
            misfits.push(misfit(read.place, what, meant.map(str::to_owned)));
        }
        for parameter in known().filter(|parameter| parameter.is_required()) {
            if !names.iter().any(|name| name == parameter.name) {
                let what = format!("{service} needs the parameter {:?} in the query of {path}", parameter.name);
                misfits.push(misfit(call.path_place, what, None));
            }
        }
        misfits
    }
}

/// Whether a parameter is an object whose members are parameters by their own names.
fn takes_any(parameter: &Value) -> bool {
    let explodes = parameter.get("explode").and_then(Value::as_bool).unwrap_or(true);
    let form = parameter.get("style").and_then(Value::as_str).is_none_or(|style| style == "form");
    explodes && form && parameter.get("schema").is_some_and(|schema| schema.get("type") == Some(&"object".into()))
}

/// The path with `{}` for its parameters.
pub(super) fn nameless(path: &str) -> String {
    let mut shape = String::with_capacity(path.len());
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        shape.push_str(before);
        shape.push_str("{}");
        rest = after.split_once('}').map_or("", |(_, rest)| rest);
    }
    shape + rest
}

/// What is taken of a call's answer.
struct Taking<'a, 'd> {
    call: &'a CallReads,
    document: &'d Document,
}

impl<'d> Taking<'_, 'd> {
    fn of(call: &CallReads, documents: &Documents) -> Vec<Misfit> {
        let Some(document) = documents.get(&call.service) else { return Vec::new() };
        // An unknown path is told where it is asked for.
        let Some(operation) = operation_of(document, &call.path) else { return Vec::new() };
        let (Some(first), Some((_, response))) = (call.fields.first(), operation.success()) else { return Vec::new() };
        let taking = Taking { call, document };
        let Some(schema) = json_schema(response) else {
            let what = format!("{} does not answer JSON at {}", call.service, call.path);
            return vec![taking.misfit(first, what, None)];
        };
        // Without a schema, nothing is told.
        let Some(schema) = schema else { return Vec::new() };
        let mut misfits: Vec<Misfit> = Vec::new();
        for field in &call.fields {
            misfits.extend(taking.look(field, schema));
        }
        misfits
    }

    fn misfit(&self, field: &FieldRead, what: String, meant: Option<String>) -> Misfit {
        let (part, place) = (field.part.clone(), field.place);
        Misfit { call: self.call.call.clone(), service: self.call.service.clone(), part, place, what, meant }
    }

    /// Follows the way to a field.
    fn look(&self, field: &FieldRead, schema: &'d Value) -> Option<Misfit> {
        let mut alternatives = vec![vec![schema]];
        for (index, name) in field.path.iter().enumerate() {
            let found = match member_of(self.document, &alternatives, name) {
                Ok(Found::Here(further)) => {
                    alternatives = further;
                    continue;
                }
                Ok(found) => found,
                Err(error) => return Some(self.misfit(field, format!("{name:?} cannot be looked for: {error}"), None)),
            };
            // What is wrong with what it stands in is told there.
            let (way, here) = (&field.path[..index], &field.path[..=index]);
            if here.len() < field.path.len() && self.call.fields.iter().any(|other| other.path == here) {
                return None;
            }
            let whole = match way.is_empty() {
                true => format!("what {} answers at {}", self.call.service, self.call.path),
                false => format!("{:?} of what {} answers at {}", way.join("."), self.call.service, self.call.path),
            };
            return Some(match found {
                Found::Missing(known) => {
                    let meant = closest(name, known.iter().copied()).map(str::to_owned);
                    self.misfit(field, format!("{whole} has no field {name:?}"), meant)
                }
                Found::NoObject(types) => {
                    self.misfit(field, format!("{whole} is {types}, and has no field {name:?}"), None)
                }
                Found::Here(_) => return None,
            });
        }
        self.look_at_value(field, &alternatives)
    }

    /// A value that is put into a path or query is no object.
    fn look_at_value(&self, field: &FieldRead, alternatives: &[Vec<&'d Value>]) -> Option<Misfit> {
        if !matches!(field.part, Part::Get(_)) {
            return None;
        }
        let mut types = Types::NONE;
        for schemas in alternatives {
            for way in ways(self.document, schemas).ok()? {
                types = types.or(way.types());
            }
        }
        let plain = types.without(Types::OBJECT).without(Types::NULL);
        (plain.is_none() && !types.is_none()).then(|| {
            let what = format!("{:?} is {types}, and cannot be put into a path or query", field.path.join("."));
            self.misfit(field, what, None)
        })
    }
}

#[cfg(test)]
mod tests;
