//! Taking a schema apart into ways in which a value can look.

use serde_json::{Map, Value};

use super::Types;
use crate::openapi::document::Document;

/// One way: all of these plain schemas hold. None of them says anything by `$ref` or by a combination of others.
#[derive(Debug, Clone)]
pub(crate) struct Way<'d>(pub(crate) Vec<&'d Map<String, Value>>);

/// A schema has more ways than anybody would read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("its schema has more than {WAYS_MAX} alternatives, or takes too long to be taken apart")]
pub(crate) struct TooManyWays;

/// Alternatives of one schema, and plain schemas of one alternative.
pub(super) const WAYS_MAX: usize = 64;
/// Schemas that are looked at to find them: by references a small document can have very many.
const STEPS_MAX: usize = 10_000;

/// The ways in which a value can look of which all of `schemas` hold. None at all, if there can be no such value.
///
/// # Errors
/// [`TooManyWays`].
pub(crate) fn ways<'d>(document: &'d Document, schemas: &[&'d Value]) -> Result<Vec<Way<'d>>, TooManyWays> {
    let mut expanding = Expanding { document, way: Vec::new(), steps: 0 };
    let mut ways = vec![Way(Vec::new())];
    for schema in schemas {
        ways = both(&ways, &expanding.one(schema)?)?;
    }
    ways.retain(|way| !way.types().is_none());
    Ok(ways)
}

struct Expanding<'d> {
    document: &'d Document,
    /// The schemas that are being taken apart, the outermost first: one that contains itself says nothing more.
    way: Vec<*const Value>,
    steps: usize,
}

impl<'d> Expanding<'d> {
    fn one(&mut self, schema: &'d Value) -> Result<Vec<Way<'d>>, TooManyWays> {
        let members = match schema {
            Value::Bool(false) => return Ok(Vec::new()),
            Value::Object(members) => members,
            _ => return Ok(vec![Way(Vec::new())]),
        };
        if self.way.contains(&std::ptr::from_ref(schema)) {
            return Ok(vec![Way(Vec::new())]);
        }
        self.steps += 1;
        if self.steps > STEPS_MAX {
            return Err(TooManyWays);
        }
        self.way.push(schema);
        let ways = self.object(members);
        self.way.pop();
        ways
    }

    fn object(&mut self, members: &'d Map<String, Value>) -> Result<Vec<Way<'d>>, TooManyWays> {
        let mut ways = vec![Way(vec![members])];
        if let Some(target) = members.get("$ref").and_then(Value::as_str).and_then(|to| self.document.target(to)) {
            ways = both(&ways, &self.one(target)?)?;
        }
        for schema in members.get("allOf").and_then(Value::as_array).into_iter().flatten() {
            ways = both(&ways, &self.one(schema)?)?;
        }
        for word in ["oneOf", "anyOf"] {
            if let Some(schemas) = members.get(word).and_then(Value::as_array) {
                ways = both(&ways, &self.any(schemas.iter())?)?;
            }
        }
        if members.contains_key("if") {
            let mut either = self.any(["then", "else"].iter().filter_map(|word| members.get(*word)))?;
            if !(members.contains_key("then") && members.contains_key("else")) {
                either.push(Way(Vec::new()));
            }
            ways = both(&ways, &either)?;
        }
        for schema in members.get("dependentSchemas").and_then(Value::as_object).into_iter().flat_map(Map::values) {
            let mut either = self.one(schema)?;
            either.push(Way(Vec::new()));
            ways = both(&ways, &either)?;
        }
        Ok(ways)
    }

    fn any(&mut self, schemas: impl Iterator<Item = &'d Value>) -> Result<Vec<Way<'d>>, TooManyWays> {
        let mut all = Vec::new();
        for schema in schemas {
            all.extend(self.one(schema)?);
            if all.len() > WAYS_MAX {
                return Err(TooManyWays);
            }
        }
        Ok(all)
    }
}

/// Each of the ones with each of the others.
fn both<'d>(ones: &[Way<'d>], others: &[Way<'d>]) -> Result<Vec<Way<'d>>, TooManyWays> {
    if ones.len() * others.len() > WAYS_MAX {
        return Err(TooManyWays);
    }
    let mut both = Vec::with_capacity(ones.len() * others.len());
    for one in ones {
        for other in others {
            let mut way = one.0.clone();
            for schema in &other.0 {
                if !way.iter().any(|known| std::ptr::eq(*known, *schema)) {
                    way.push(schema);
                }
            }
            if way.len() > WAYS_MAX {
                return Err(TooManyWays);
            }
            both.push(Way(way));
        }
    }
    Ok(both)
}

impl<'d> Way<'d> {
    /// The types that a value can be of.
    pub(crate) fn types(&self) -> Types {
        self.0.iter().map(|schema| Types::of(schema)).fold(Types::ALL, Types::and)
    }

    /// Whether a member is always there.
    pub(crate) fn requires(&self, name: &str) -> bool {
        let required = |schema: &&Map<String, Value>| {
            schema.get("required").and_then(Value::as_array).is_some_and(|names| names.iter().any(|its| its == name))
        };
        self.0.iter().any(required)
    }

    /// The names of the members that are always there.
    pub(crate) fn required(&self) -> impl Iterator<Item = &'d str> {
        let lists = self.0.iter().filter_map(|schema| schema.get("required")?.as_array());
        lists.flatten().filter_map(Value::as_str)
    }

    /// The names of the members that are told.
    pub(crate) fn members(&self) -> impl Iterator<Item = &'d str> {
        let properties = self.0.iter().filter_map(|schema| schema.get("properties")?.as_object());
        properties.flat_map(|properties| properties.keys().map(String::as_str))
    }

    /// What is told of a member: all of these hold. Nothing, if it is told nowhere that there can be such a one.
    pub(crate) fn member(&self, name: &str) -> Option<Vec<&'d Value>> {
        let (mut told, mut schemas) = (false, Vec::new());
        for schema in &self.0 {
            if let Some(member) = schema.get("properties").and_then(|properties| properties.get(name)) {
                told = true;
                schemas.push(member);
            } else if let Some(others) = schema.get("additionalProperties").filter(|others| **others != false) {
                told = true;
                schemas.push(others);
            }
        }
        (told || self.is_open()).then_some(schemas)
    }

    /// Whether it says of objects nothing but that they are such, or gives members by patterns of their names.
    fn is_open(&self) -> bool {
        let words = ["properties", "additionalProperties", "unevaluatedProperties", "maxProperties"];
        let by_pattern = self.0.iter().any(|schema| schema.contains_key("patternProperties"));
        by_pattern || !self.0.iter().any(|schema| words.iter().any(|word| schema.contains_key(*word)))
    }

    /// What elements can be: any of these, of each of which all hold.
    pub(crate) fn elements(&self) -> Vec<Vec<&'d Value>> {
        let all: Vec<&'d Value> = self.0.iter().filter_map(|schema| schema.get("items")).collect();
        let first = self.0.iter().filter_map(|schema| schema.get("prefixItems")?.as_array()).flatten();
        let mut elements: Vec<Vec<&'d Value>> = first.map(|schema| vec![schema]).collect();
        elements.push(all);
        elements
    }
}
