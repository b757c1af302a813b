//! Schemas that are put together of others.

use serde_json::{Value, json};

/// What any of some schemas takes.
pub(super) fn any_of(schemas: impl IntoIterator<Item = Value>) -> Value {
    let mut all: Vec<Value> = Vec::new();
    let mut is_null = false;
    let mut schemas: Vec<Value> = schemas.into_iter().collect();
    schemas.reverse();
    while let Some(schema) = schemas.pop() {
        let within = schema.as_object().filter(|members| members.len() == 1);
        if let Some(within) = within.and_then(|members| members.get("anyOf")?.as_array()) {
            schemas.extend(within.iter().rev().cloned());
        } else if schema == json!({"type": "null"}) {
            is_null = true;
        } else if !all.contains(&schema) {
            all.push(schema);
        }
    }
    // What takes anything takes the rest.
    if all.contains(&json!({})) {
        return json!({});
    }
    match (all.len(), is_null) {
        (0, true) => json!({"type": "null"}),
        // Nothing can stand there.
        (0, false) => json!(false),
        (1, false) => all.remove(0),
        (1, true) if or_null(&mut all[0]) => all.remove(0),
        (_, is_null) => {
            all.extend(is_null.then(|| json!({"type": "null"})));
            json!({ "anyOf": all })
        }
    }
}

/// Lets a schema take null too; false if that cannot be said in it.
fn or_null(schema: &mut Value) -> bool {
    let Some(members) = schema.as_object_mut() else { return *schema == json!(true) };
    if ["$ref", "enum", "const", "allOf", "anyOf", "oneOf", "not", "if"].iter().any(|word| members.contains_key(*word))
    {
        return false;
    }
    match members.get_mut("type") {
        Some(Value::Array(types)) => {
            if !types.iter().any(|its| its == "null") {
                types.push("null".into());
            }
            true
        }
        Some(one @ Value::String(_)) => {
            *one = json!([one.take(), "null"]);
            true
        }
        _ => false,
    }
}

/// What all of some schemas take.
pub(super) fn all_of(mut schemas: Vec<Value>) -> Value {
    match schemas.len() {
        0 => json!({}),
        1 => schemas.remove(0),
        _ => json!({ "allOf": schemas }),
    }
}

/// What a schema takes but for null.
pub(super) fn without_null(mut schema: Value) -> Value {
    let is_null = |value: &Value| *value == json!({"type": "null"});
    let Some(members) = schema.as_object_mut() else { return json!({"not": {"type": "null"}}) };
    if let Some(types) = members.get_mut("type").and_then(Value::as_array_mut) {
        types.retain(|its| its != "null");
        if let [one] = &types[..] {
            let one = one.clone();
            members.insert("type".to_owned(), one);
        }
        if let Some(values) = members.get_mut("enum").and_then(Value::as_array_mut) {
            values.retain(|value| !value.is_null());
        }
        return schema;
    }
    if members.len() == 1
        && let Some(either) = members.get_mut("anyOf").and_then(Value::as_array_mut)
        && either.iter().any(is_null)
    {
        either.retain(|schema| !is_null(schema));
        // The others may take it too.
        let either = std::mem::take(either);
        return any_of(either.into_iter().map(without_null));
    }
    match members.get("type").and_then(Value::as_str) {
        Some("null") => json!(false),
        Some(_) => schema,
        None => json!({"allOf": [schema], "not": {"type": "null"}}),
    }
}

/// What a schema takes, or this value, which stands where nothing else does.
pub(super) fn or_default(mut schema: Value, default: &Value) -> Value {
    if schema == json!(false) {
        return json!({ "const": default });
    }
    if takes(&schema, default) {
        schema["default"] = default.clone();
        return schema;
    }
    any_of([schema, json!({ "const": default })])
}

/// Whether a schema that says little but a type takes a value; false where that would have to be thought about.
fn takes(schema: &Value, value: &Value) -> bool {
    let Some(members) = schema.as_object() else { return false };
    let known =
        ["type", "description", "title", "default", "example", "examples", "format", "minimum", "maximum", "items"];
    if !members.keys().all(|word| known.contains(&&**word)) || (members.contains_key("format") && value.is_string()) {
        return false;
    }
    let is_of_type = |name: &str| match name {
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.as_array().is_some_and(Vec::is_empty),
        _ => false,
    };
    let bound = |word: &str, fits: fn(f64, f64) -> bool| {
        let bound = members.get(word).and_then(Value::as_f64);
        bound.is_none_or(|bound| value.as_f64().is_none_or(|value| fits(value, bound)))
    };
    let types = match members.get("type") {
        Some(Value::String(one)) => vec![&**one],
        Some(Value::Array(some)) => some.iter().filter_map(Value::as_str).collect(),
        _ => return false,
    };
    types.into_iter().any(is_of_type)
        && bound("minimum", |value, least| value >= least)
        && bound("maximum", |value, most| value <= most)
}
