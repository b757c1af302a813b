//! A composition's parameters, by what the services say of those that they become.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::Called;
use super::join::all_of;
use crate::compose::{AS_OF_PARAMETER, Composed, ParameterOutline, ParameterUse, Put};
use crate::openapi::document::{Kind, Parameter};
use crate::openapi::parts::Parts;

pub(super) fn described(
    parameter: &ParameterOutline,
    called: &BTreeMap<String, Called<'_>>,
    parts: &mut Parts<'_>,
) -> Value {
    let mut schemas: Vec<Value> = Vec::new();
    let mut description = None;
    for used in &parameter.uses {
        let Some(call) = called.get(&used.call) else { continue };
        let Some(found) = put_into(call, used) else { continue };
        let schema = found.schema().map(|schema| parts.adopt(&call.outline.service, schema, Kind::Schema));
        schemas.extend(schema.filter(|schema| !schemas.contains(schema)));
        description = description.or_else(|| found.value.get("description").cloned());
    }
    if schemas.is_empty() {
        schemas.push(json!({"type": "string"}));
    }
    let mut schema = all_of(schemas);
    if let Some(default) = &parameter.default {
        let default = typed(default, &schema);
        match &mut schema {
            Value::Object(members) => drop(members.insert("default".to_owned(), default)),
            // One that takes anything says nothing that could be kept.
            _ => schema = json!({ "default": default }),
        }
    }
    let place = if parameter.in_path { "path" } else { "query" };
    let mut described = json!({"name": parameter.name, "in": place, "required": parameter.required, "schema": schema});
    if let Some(description) = description {
        described["description"] = description;
    }
    described
}

/// What a request can say to the gateway itself, whatever is composed.
pub(super) fn of_the_gateway(composed: &Composed) -> Vec<Value> {
    let moment = match composed.services().len() {
        0 | 1 => "Answer as of this position, the end of this day in UTC, or this time (RFC 3339)",
        // Each counts its own positions.
        _ => "Answer as of the end of this day in UTC, or this time (RFC 3339)",
    };
    let parameter = |name: &str, place: &str, description: &str| json!({"name": name, "in": place, "description": description, "schema": {"type": "string"}});
    let mut parameters = vec![after(), parameter("Tradewind-As-Of", "header", moment)];
    // Calls that take one of this name have it for themselves.
    if !composed.composition().has_parameter(AS_OF_PARAMETER) {
        parameters.push(parameter(AS_OF_PARAMETER, "query", "The same as Tradewind-As-Of"));
    }
    parameters
}

/// What a client says that it has seen.
fn after() -> Value {
    json!({
        "name": "Tradewind-After",
        "in": "header",
        "description": "Positions that the answer must reflect, as an answer has told them: a dictionary (RFC 9651), \
            as catalog=42, ordering=7",
        "schema": {"type": "string", "pattern": "^[a-z][a-z0-9_-]*=[0-9]{1,15}(, ?[a-z][a-z0-9_-]*=[0-9]{1,15})*$"},
    })
}

/// The parameter of the service's operation that it becomes.
fn put_into<'d>(call: &Called<'d>, used: &ParameterUse) -> Option<Parameter<'d>> {
    let operation = call.operation?;
    let (place, name) = match &used.put {
        Put::Query(name) => ("query", name.clone()),
        Put::Segment(index) => {
            let path = operation.full_path();
            let segment = path.split('/').nth(index + 1)?;
            ("path", segment.strip_prefix('{')?.strip_suffix('}')?.to_owned())
        }
        Put::Within => return None,
    };
    operation.parameters().into_iter().find(|its| its.place == place && its.name == name)
}

/// A default, which is written as a text, as what the schema says.
fn typed(text: &str, schema: &Value) -> Value {
    let is = |name: &str| schema.get("type").is_some_and(|its| *its == *name);
    let parsed = match () {
        () if is("integer") => text.parse::<i64>().map(Value::from).ok(),
        () if is("number") => text.parse::<f64>().map(Value::from).ok(),
        () if is("boolean") => text.parse::<bool>().map(Value::from).ok(),
        () => None,
    };
    parsed.unwrap_or_else(|| text.into())
}
