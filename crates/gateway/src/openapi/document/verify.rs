//! What a document must be, so that everything behind this can rely on it.

use std::collections::HashMap;
use std::ops::ControlFlow;

use serde_json::Value;

use super::kind::{Kind, Member};
use super::path::names_in;
use super::pointer::within;
use super::walk::walk;
use super::{Document, DocumentError, Pointer};

pub(super) fn verify(document: &Value) -> Result<(), DocumentError> {
    if deeper(document, Document::DEPTH_MAX) {
        let what = format!("objects and lists stand in each other deeper than {}", Document::DEPTH_MAX);
        return Err(DocumentError::new(&Pointer::default(), what));
    }
    let start = Pointer::default();
    let version = document.get("openapi").and_then(Value::as_str);
    if !version.is_some_and(|version| version == "3.1" || version.starts_with("3.1.")) {
        let what = match version {
            Some(other) => format!("it is of version {other:?}; 3.1 is read here"),
            None => "it does not say that it is an OpenAPI document: `\"openapi\": \"3.1.0\"`".to_owned(),
        };
        return Err(DocumentError::new(&start.at("openapi"), what));
    }
    let mut ids = HashMap::new();
    let walked = walk(document, Kind::Document, &mut Pointer::default(), &mut |part, kind, at| {
        let checked = shape(part, kind, at)
            .and_then(|()| reference(document, part, kind, at))
            .and_then(|()| words(part, kind, at))
            .and_then(|()| operation_id(part, kind, at, &mut ids));
        checked.map_or_else(ControlFlow::Break, ControlFlow::Continue)
    });
    match walked {
        ControlFlow::Break(error) => Err(error),
        ControlFlow::Continue(()) => Ok(()),
    }
}

/// Whether it is deeper than allowed; it looks no deeper than that.
fn deeper(value: &Value, allowed: usize) -> bool {
    match value {
        Value::Array(list) => allowed == 0 || list.iter().any(|element| deeper(element, allowed - 1)),
        Value::Object(map) => allowed == 0 || map.values().any(|member| deeper(member, allowed - 1)),
        _ => false,
    }
}

/// Objects where there are to be objects, lists where there are to be lists.
fn shape(part: &Value, kind: Kind, at: &Pointer) -> Result<(), DocumentError> {
    let members = match part {
        Value::Object(members) => members,
        Value::Bool(_) if kind == Kind::Schema => return Ok(()),
        _ if kind == Kind::Schema => return Err(DocumentError::new(at, "a schema is an object, `true` or `false`")),
        _ => return Err(DocumentError::new(at, "an object is to stand here")),
    };
    for (name, member) in members {
        let wanted = match kind.member(name) {
            Member::List(_) if !member.is_array() => "a list is to stand here",
            Member::Map(_) if !member.is_object() => "an object is to stand here",
            _ => continue,
        };
        return Err(DocumentError::new(&at.at(name), wanted));
    }
    if kind == Kind::Document
        && let Some(path) = members.get("paths").and_then(Value::as_object).and_then(|paths| {
            paths.keys().find(|path| !path.starts_with("x-") && (!path.starts_with('/') || names_in(path).is_none()))
        })
    {
        let what = "a path begins with a slash, and its parameters stand in braces, none twice";
        return Err(DocumentError::new(&at.at("paths").at(path), what));
    }
    Ok(())
}

/// A reference leads to a part of this document, and not round in a circle.
fn reference(document: &Value, part: &Value, kind: Kind, at: &Pointer) -> Result<(), DocumentError> {
    let Some(said) = part.get("$ref").filter(|_| kind.may_refer()) else { return Ok(()) };
    let refused = |what: String| Err(DocumentError::new(&at.at("$ref"), what));
    let (mut next, mut hops) = (said, 0);
    loop {
        let Some(reference) = next.as_str() else { return refused("a reference is a text".to_owned()) };
        let Some(pointer) = within(reference) else {
            return refused(format!("{reference:?} leads out of the document; only what begins with `#/` is followed"));
        };
        let Some(target) = document.pointer(&pointer) else {
            return refused(format!("{reference:?} leads nowhere"));
        };
        if !(target.is_object() || (kind == Kind::Schema && target.is_boolean())) {
            return refused(format!("{reference:?} leads to what is no object"));
        }
        hops += 1;
        match target.get("$ref") {
            Some(_) if hops >= Document::REFERENCES_MAX => {
                return refused(format!("{reference:?} leads round in a circle, or over too many others"));
            }
            Some(further) => next = further,
            None => return Ok(()),
        }
    }
}

/// The words that are relied on are of the right type.
fn words(part: &Value, kind: Kind, at: &Pointer) -> Result<(), DocumentError> {
    let is_text_list = |value: &Value| value.as_array().is_some_and(|list| list.iter().all(Value::is_string));
    let wrong = |name: &str, wanted: &str| Err(DocumentError::new(&at.at(name), wanted.to_owned()));
    match kind {
        Kind::Schema => {
            let types = part.get("type");
            if types.is_some_and(|types| !(types.is_string() || is_text_list(types))) {
                return wrong("type", "a type is a text, or a list of texts");
            }
            if part.get("required").is_some_and(|required| !is_text_list(required)) {
                return wrong("required", "a list of names is to stand here");
            }
            if part.get("enum").is_some_and(|values| !values.is_array()) {
                return wrong("enum", "a list is to stand here");
            }
            Ok(())
        }
        Kind::Parameter if part.get("$ref").is_none() => {
            if !part.get("name").is_some_and(Value::is_string) {
                return wrong("name", "a parameter has a name");
            }
            let place = part.get("in").and_then(Value::as_str);
            match place {
                Some("query" | "path" | "header" | "cookie") => Ok(()),
                _ => wrong("in", "a parameter is in `query`, `path`, `header` or `cookie`"),
            }
        }
        _ => Ok(()),
    }
}

fn operation_id<'d>(
    part: &'d Value,
    kind: Kind,
    at: &Pointer,
    ids: &mut HashMap<&'d str, Pointer>,
) -> Result<(), DocumentError> {
    let Some(id) = part.get("operationId").filter(|_| kind == Kind::Operation) else { return Ok(()) };
    let place = at.at("operationId");
    let Some(id) = id.as_str() else { return Err(DocumentError::new(&place, "an operation's id is a text")) };
    match ids.insert(id, place.clone()) {
        None => Ok(()),
        Some(other) => {
            Err(DocumentError::new(&place, format!("{id:?} is the id of another operation too, at {other}")))
        }
    }
}
