//! The schema of a composed answer. It follows what `compose/splice` does, case by case.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::Called;
use super::join::{all_of, any_of, or_default, without_null};
use crate::compose::{FieldOutline, Instead, Origin};
use crate::openapi::document::{Document, Kind};
use crate::openapi::parts::Parts;
use crate::openapi::schema::{Types, Way, ways};

/// Lists within lists that are taken apart.
const LISTS_MAX: usize = 16;

/// Alternatives of what a value can be, of each of which all hold.
type Alternatives<'d> = Vec<Vec<&'d Value>>;

/// A member of an object.
struct Property {
    schema: Value,
    /// Whether it is always there.
    required: bool,
}

/// The members of an object, in the selection's order.
type Properties = Vec<(String, Property)>;

/// Shapes schemas.
pub(super) struct Shaping<'a, 'p, 'd> {
    called: &'a BTreeMap<String, Called<'d>>,
    parts: &'a mut Parts<'p>,
}

/// Where a value is taken from.
#[derive(Clone, Copy)]
struct From<'c, 'd> {
    service: &'c str,
    document: Option<&'d Document>,
}

impl<'a, 'p, 'd> Shaping<'a, 'p, 'd> {
    pub(super) fn new(called: &'a BTreeMap<String, Called<'d>>, parts: &'a mut Parts<'p>) -> Self {
        Self { called, parts }
    }

    /// The whole answer.
    pub(super) fn answer(&mut self, fields: &[FieldOutline]) -> Value {
        let mut properties = Properties::new();
        for field in fields {
            self.call(field, false, &mut properties);
        }
        object(properties)
    }

    /// The answer of a call, as a member of the whole or of the element that it was made for.
    fn call(&mut self, field: &FieldOutline, in_element: bool, to: &mut Properties) {
        let Origin::Call(name, selected) = &field.origin else { return };
        let called = self.called;
        let Some(Called { outline, .. }) = called.get(name) else { return };
        let from = From { service: &outline.service, document: called[name].operation.map(|its| its.document) };
        let answer: Alternatives<'d> = vec![called[name].schema().into_iter().collect()];
        if let Some(most) = outline.each.filter(|_| !in_element) {
            return self.list_of_answers(field, from, &answer, most, to);
        }
        let may_be_missing = match outline.instead {
            Instead::Error | Instead::Default(_) => false,
            Instead::Omit => true,
        } || (outline.may_be_idle && !in_element && selected.is_none());
        if field.flatten {
            let mut lists = self.flattened(from, &answer, field);
            if let Some(Value::Object(members)) = selected {
                let constant = |(name, value): (&String, &Value)| {
                    (name.clone(), Property { schema: json!({ "const": value }), required: true })
                };
                lists.push(members.iter().map(constant).collect());
            }
            lists.extend(may_be_missing.then(|| absent(field.below.as_deref().unwrap_or_default())));
            return to.extend(either(lists));
        }
        let mut schema = self.value(from, &answer, field);
        if let Some(selected) = selected {
            schema = or_default(schema, selected);
        }
        let required = !may_be_missing || field.default.is_some();
        to.push((field.name.clone(), Property { schema, required }));
    }

    /// The answers of a call that is made for each element, as a list by itself.
    fn list_of_answers(
        &mut self,
        field: &FieldOutline,
        from: From<'_, 'd>,
        answer: &Alternatives<'d>,
        most: usize,
        to: &mut Properties,
    ) {
        let Origin::Call(name, selected) = &field.origin else { return };
        let mut element = self.value(from, answer, &FieldOutline { first: None, ..field.clone() });
        match (&self.called[name].outline.instead, selected) {
            (Instead::Error, _) => {}
            (Instead::Default(_), Some(selected)) => element = or_default(element, selected),
            // So that the others stay where they are.
            (Instead::Default(_) | Instead::Omit, _) if field.default.is_none() => {
                element = any_of([element, json!({"type": "null"})]);
            }
            _ => {}
        }
        let most = field.first.map_or(most, |first| first.min(most));
        let mut schema = json!({"type": "array", "items": element, "maxItems": most});
        // Without elements it is empty, and not there if it is not known of what it would be a list.
        let is_always_there = self.called[name].outline.instead == Instead::Error;
        if let Some(default) = field.default.as_ref().filter(|_| !is_always_there) {
            schema = or_default(schema, default);
        }
        to.push((field.name.clone(), Property { schema, required: is_always_there || field.default.is_some() }));
    }

    /// What a field takes of a value.
    fn value(&mut self, from: From<'_, 'd>, alternatives: &Alternatives<'d>, field: &FieldOutline) -> Value {
        let schema = match (&field.below, field.first) {
            (None, None) => self.whole(from, alternatives),
            (None, Some(first)) => self.first(from, alternatives, first),
            (Some(below), first) => self.apart(from, alternatives, below, first, LISTS_MAX),
        };
        match &field.default {
            Some(default) => or_default(without_null(schema), default),
            None => schema,
        }
    }

    /// A value as it stands.
    fn whole(&mut self, from: From<'_, 'd>, alternatives: &Alternatives<'d>) -> Value {
        let adopt = |parts: &mut Parts<'_>, schemas: &Vec<&Value>| {
            all_of(schemas.iter().map(|schema| parts.adopt(from.service, schema, Kind::Schema)).collect())
        };
        let parts = &mut *self.parts;
        any_of(alternatives.iter().map(|schemas| adopt(parts, schemas)).collect::<Vec<_>>())
    }

    /// A value as it stands, but of a list its first elements only.
    fn first(&mut self, from: From<'_, 'd>, alternatives: &Alternatives<'d>, most: usize) -> Value {
        let Some(ways) = all_ways(from, alternatives) else { return json!({}) };
        let mut either = Vec::new();
        for way in ways {
            let types = way.types();
            if types.has(Types::ARRAY) {
                let items = self.whole(from, &way.elements());
                either.push(json!({"type": "array", "items": items, "maxItems": most}));
            }
            let others = types.without(Types::ARRAY);
            if !others.is_none() {
                let plain = |schema: &&Map<String, Value>| Value::Object((**schema).clone());
                let schemas: Vec<Value> = way.0.iter().map(plain).collect();
                let mut all: Vec<Value> =
                    schemas.iter().map(|schema| self.parts.adopt(from.service, schema, Kind::Schema)).collect();
                all.push(json!({"type": others.names()}));
                either.push(if way.0.iter().all(|its| its.keys().all(|word| word == "type")) {
                    json!({"type": others.names()})
                } else {
                    all_of(all)
                });
            }
        }
        any_of(either)
    }

    /// A value that is taken apart: an object, or a list of such; all else but null is none of that, and a failure.
    fn apart(
        &mut self,
        from: From<'_, 'd>,
        alternatives: &Alternatives<'d>,
        below: &[FieldOutline],
        first: Option<usize>,
        lists: usize,
    ) -> Value {
        let Some(ways) = all_ways(from, alternatives) else { return json!({}) };
        let mut either = Vec::new();
        for way in ways {
            let types = way.types();
            if types.has(Types::OBJECT) {
                let mut schema = object(self.members(from, &way, below));
                if let Some(described) = way.0.iter().find_map(|schema| schema.get("description")) {
                    schema["description"] = described.clone();
                }
                either.push(schema);
            }
            if types == Types::ALL {
                either.push(json!({"type": "array"}));
            } else if types.has(Types::ARRAY) && lists > 0 {
                let items = self.apart(from, &way.elements(), below, None, lists - 1);
                let mut schema = json!({"type": "array", "items": items});
                let most = way.0.iter().filter_map(|schema| schema.get("maxItems")?.as_u64()).min();
                let most = first.map(|first| first as u64).into_iter().chain(most).min();
                if let Some(most) = most {
                    schema["maxItems"] = most.into();
                }
                either.push(schema);
            }
            if types.has(Types::NULL) {
                either.push(json!({"type": "null"}));
            }
        }
        any_of(either)
    }

    /// What is taken of an object.
    fn members(&mut self, from: From<'_, 'd>, way: &Way<'d>, below: &[FieldOutline]) -> Properties {
        let mut properties = Properties::new();
        for field in below {
            let Origin::Member(name) = &field.origin else {
                self.call(field, true, &mut properties);
                continue;
            };
            let Some(schemas) = way.member(name) else {
                properties.extend(absent(std::slice::from_ref(field)));
                continue;
            };
            let (alternatives, required) = (vec![schemas], way.requires(name));
            if field.flatten {
                let mut lists = self.flattened(from, &alternatives, field);
                lists.extend((!required).then(|| absent(field.below.as_deref().unwrap_or_default())));
                properties.extend(either(lists));
                continue;
            }
            let schema = self.value(from, &alternatives, field);
            properties.push((field.name.clone(), Property { schema, required: required || field.default.is_some() }));
        }
        properties
    }

    /// The members of an object that stand where it would, in each way in which it can look.
    fn flattened(
        &mut self,
        from: From<'_, 'd>,
        alternatives: &Alternatives<'d>,
        field: &FieldOutline,
    ) -> Vec<Properties> {
        let below = field.below.as_deref().unwrap_or_default();
        let unknown = Way(Vec::new());
        let ways = all_ways(from, alternatives).unwrap_or_else(|| vec![unknown]);
        let mut lists = Vec::new();
        for way in ways {
            if way.types().has(Types::OBJECT) {
                lists.push(self.members(from, &way, below));
            }
            if way.types().has(Types::NULL) {
                lists.push(absent(below));
            }
        }
        lists
    }
}

/// The ways in which a value can look; nothing, if nothing is known of it.
fn all_ways<'d>(from: From<'_, 'd>, alternatives: &Alternatives<'d>) -> Option<Vec<Way<'d>>> {
    let document = from.document?;
    let mut all = Vec::new();
    for schemas in alternatives {
        all.extend(ways(document, schemas).ok()?);
    }
    Some(all)
}

/// What stands there of fields that are not there: their defaults.
fn absent(fields: &[FieldOutline]) -> Properties {
    let mut properties = Properties::new();
    for field in fields {
        match (&field.default, &field.below) {
            (Some(default), _) => {
                let property = Property { schema: json!({ "const": default }), required: true };
                properties.push((field.name.clone(), property));
            }
            (None, Some(below)) if field.flatten => properties.extend(absent(below)),
            (None, _) => {}
        }
    }
    properties
}

/// The members of an object that has any of these lists of them.
fn either(lists: Vec<Properties>) -> Properties {
    let count = lists.len();
    let mut found: Vec<(String, Vec<Property>)> = Vec::new();
    for (name, property) in lists.into_iter().flatten() {
        match found.iter_mut().find(|(its, _)| *its == name) {
            Some((_, properties)) => properties.push(property),
            None => found.push((name, vec![property])),
        }
    }
    let joined = found.into_iter().map(|(name, properties)| {
        let required = properties.len() == count && properties.iter().all(|property| property.required);
        (name, Property { schema: any_of(properties.into_iter().map(|property| property.schema)), required })
    });
    joined.collect()
}

fn object(properties: Properties) -> Value {
    let required: Vec<&str> =
        properties.iter().filter(|(_, property)| property.required).map(|(name, _)| &**name).collect();
    let required = (!required.is_empty()).then(|| json!(required));
    let properties: Map<String, Value> =
        properties.into_iter().map(|(name, property)| (name, property.schema)).collect();
    let mut object = json!({"type": "object", "properties": properties});
    if let Some(required) = required {
        object["required"] = required;
    }
    object
}
