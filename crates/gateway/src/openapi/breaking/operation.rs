//! One operation, before and now.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::Change;
use super::schema::{Comparison, Side};
use crate::openapi::document::{Operation, Parameter, names_in};

/// Tells what has changed.
pub(super) fn compare<'d>(at: &str, old: &Operation<'d>, new: &Operation<'d>, changes: &mut Vec<Change>) {
    let mut comparing = Comparing { at, old, new, changes };
    comparing.parameters();
    comparing.body();
    comparing.responses();
    comparing.security();
}

struct Comparing<'c, 'd> {
    at: &'c str,
    old: &'c Operation<'d>,
    new: &'c Operation<'d>,
    changes: &'c mut Vec<Change>,
}

impl<'d> Comparing<'_, 'd> {
    fn tell(&mut self, place: &str, kind: &'static str, what: impl Into<String>) {
        let at = if place.is_empty() { self.at.to_owned() } else { format!("{}, {place}", self.at) };
        self.changes.push(Change { at, what: what.into(), kind });
    }

    fn schemas(&mut self, side: Side, place: &str, old: Option<&'d Value>, new: Option<&'d Value>) {
        let at = format!("{}, {place}", self.at);
        Comparison::of(side, (self.old.document, old), (self.new.document, new), self.changes).run(&at);
    }

    fn parameters(&mut self) {
        let (before, now) = (by_name(self.old), by_name(self.new));
        for (key, old) in &before {
            let place = format!("parameter {:?} in {}", old.name, old.place);
            let Some(new) = now.get(key) else {
                self.tell(&place, "request-parameter-removed", "it is there no more");
                continue;
            };
            if new.is_required() && !old.is_required() {
                self.tell(&place, "request-parameter-became-required", "it must be said now");
            }
            self.schemas(Side::Request, &place, old.schema(), new.schema());
        }
        for new in now.iter().filter(|(key, new)| new.is_required() && !before.contains_key(*key)).map(|(_, new)| new) {
            let place = format!("parameter {:?} in {}", new.name, new.place);
            self.tell(&place, "new-required-request-parameter", "it must be said now");
        }
    }

    fn body(&mut self) {
        let required = |body: &Value| body.get("required").and_then(Value::as_bool).unwrap_or(false);
        match (self.old.body(), self.new.body()) {
            (None, Some(new)) if required(new) => {
                self.tell("request", "request-body-added-required", "a body must be sent now");
            }
            (Some(_), None) => self.tell("request", "request-body-removed", "no body is taken any more"),
            (Some(old), Some(new)) => {
                if required(new) && !required(old) {
                    self.tell("request", "request-body-became-required", "a body must be sent now");
                }
                for (kind, old) in contents(old) {
                    match contents(new).find(|(its, _)| takes(its, kind)) {
                        Some((_, new)) => self.schemas(Side::Request, "request", old.get("schema"), new.get("schema")),
                        None => {
                            self.tell(
                                "request",
                                "request-body-media-type-removed",
                                format!("{kind} is not taken any more"),
                            );
                        }
                    }
                }
            }
            (None, _) => {}
        }
    }

    fn responses(&mut self) {
        let before: BTreeMap<&str, &Value> = self.old.responses().collect();
        let now: BTreeMap<&str, &Value> = self.new.responses().collect();
        for (status, old) in &before {
            let place = format!("answer {status}");
            let answers = in_place_of(status, &before, &now);
            if answers.is_empty() && status.starts_with(['2', '3']) {
                self.tell(&place, "response-success-status-removed", "it is answered no more");
            }
            for (kind, old) in contents(old).filter(|_| !answers.is_empty()) {
                let of_kind = |new: &&'d Value| contents(new).find(|(its, _)| *its == kind).map(|(_, content)| content);
                let contents: Vec<&Value> = answers.iter().filter_map(of_kind).collect();
                if contents.is_empty() && !status.starts_with(['4', '5']) {
                    self.tell(&place, "response-media-type-removed", format!("it is never {kind} any more"));
                }
                for new in contents {
                    self.schemas(Side::Response, &place, old.get("schema"), new.get("schema"));
                }
            }
            for new in answers {
                self.headers(&place, old, new);
            }
        }
    }

    fn headers(&mut self, place: &str, old: &'d Value, new: &'d Value) {
        let headers = |response: &'d Value| response.get("headers").and_then(Value::as_object);
        let lower = |name: &str| name.to_ascii_lowercase();
        for (name, old) in headers(old).into_iter().flatten() {
            let old = self.old.document.resolve(old);
            let is_required = |header: &Value| header.get("required").and_then(Value::as_bool).unwrap_or(false);
            let new = headers(new).into_iter().flatten().find(|(its, _)| lower(its) == lower(name));
            let new = new.map(|(_, header)| self.new.document.resolve(header));
            let place = format!("{place}, header {name}");
            match new {
                None if is_required(old) => {
                    self.tell(&place, "required-response-header-removed", "it is there no more");
                }
                Some(new) if is_required(old) && !is_required(new) => {
                    self.tell(&place, "response-header-became-optional", "it may be missing now");
                }
                _ => {}
            }
            if let Some(new) = new {
                self.schemas(Side::Response, &place, old.get("schema"), new.get("schema"));
            }
        }
    }

    fn security(&mut self) {
        let (before, now) = (requirements(self.old), requirements(self.new));
        if now.is_empty() {
            return;
        }
        let nothing = [Map::new()];
        let before = if before.is_empty() { nothing.iter().collect() } else { before };
        for had in before {
            if !now.iter().any(|wanted| is_enough(had, wanted)) {
                let names: Vec<&str> = now.iter().flat_map(|wanted| wanted.keys()).map(String::as_str).collect();
                let had = match had.is_empty() {
                    true => "nothing".to_owned(),
                    false => had.keys().map(String::as_str).collect::<Vec<_>>().join(" and "),
                };
                let what = format!("{had} is not enough any more to be let in; asked for: {}", names.join(", "));
                self.tell("", "api-security-added", what);
            }
        }
    }
}

/// By place and name, but those of a path by their order: what they are called makes no difference to who asks.
fn by_name<'d>(operation: &Operation<'d>) -> BTreeMap<(String, String), Parameter<'d>> {
    let path = operation.full_path();
    let names = names_in(&path).unwrap_or_default();
    let key = |parameter: &Parameter<'d>| match parameter.place {
        "path" => names.iter().position(|name| *name == parameter.name).map(|index| index.to_string()),
        "header" => Some(parameter.name.to_ascii_lowercase()),
        _ => Some(parameter.name.to_owned()),
    };
    let parameters = operation.parameters().into_iter();
    parameters.filter_map(|parameter| Some(((parameter.place.to_owned(), key(&parameter)?), parameter))).collect()
}

/// What is answered now where a status, or one of a range, was. Of a range each status has its own answer, but for those
/// that had one before; and of what is told nowhere, what is answered otherwise.
fn in_place_of<'d>(
    status: &str,
    before: &BTreeMap<&str, &'d Value>,
    now: &BTreeMap<&str, &'d Value>,
) -> Vec<&'d Value> {
    let mut found = Vec::new();
    if let Some(class) = status.strip_suffix("XX") {
        let within = now.iter().filter(|(its, _)| its.starts_with(class) && !before.contains_key(**its));
        found.extend(within.map(|(_, answer)| *answer));
    }
    let range = format!("{}XX", status.get(..1).unwrap_or_default());
    let whole = [status, &range].into_iter().find_map(|status| now.get(status));
    found.extend(whole);
    if found.is_empty() {
        found.extend(now.get("default"));
    }
    found
}

fn contents(part: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let content = part.get("content").and_then(Value::as_object);
    content.into_iter().flatten().map(|(kind, content)| (&**kind, content))
}

/// Whether a range of media types has another in it.
fn takes(range: &str, kind: &str) -> bool {
    range == kind
        || range == "*/*"
        || range.strip_suffix('*').is_some_and(|of| of.ends_with('/') && kind.starts_with(of))
}

/// What an operation asks for: any of these. Empty, if it asks for nothing.
fn requirements<'d>(operation: &Operation<'d>) -> Vec<&'d Map<String, Value>> {
    let document = operation.document.as_value();
    let said = operation.value.get("security").or_else(|| document.get("security"));
    said.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_object).collect()
}

/// Whether who fulfilled one requirement fulfils the other.
fn is_enough(had: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    wanted.iter().all(|(scheme, scopes)| {
        let list = |scopes: &Value| scopes.as_array().cloned().unwrap_or_default();
        had.get(scheme).is_some_and(|had| list(scopes).iter().all(|scope| list(had).contains(scope)))
    })
}
