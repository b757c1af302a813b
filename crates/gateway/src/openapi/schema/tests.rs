use serde_json::{Value, json};

use super::*;
use crate::openapi::Document;

fn document(schemas: &Value) -> Document {
    Document::new(json!({"openapi": "3.1.0", "components": {"schemas": schemas}})).unwrap()
}

/// What there is at a way of members, in a word.
fn found(document: &Document, schema: &Value, way: &[&str]) -> String {
    let mut alternatives = vec![vec![schema]];
    for name in way {
        alternatives = match member_of(document, &alternatives, name) {
            Ok(Found::Here(further)) => further,
            Ok(Found::Missing(known)) => {
                return format!("no {name} in {}", known.into_iter().collect::<Vec<_>>().join(","));
            }
            Ok(Found::NoObject(types)) => return format!("no {name} of {types}"),
            Err(error) => return error.to_string(),
        };
    }
    let types = alternatives.iter().flat_map(|schemas| ways(document, schemas).unwrap());
    types.map(|way| way.types()).fold(Types::NONE, Types::or).to_string()
}

#[test]
fn members_are_found_through_whatever_schemas_are_made_of() {
    let document = document(&json!({
        "Named": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}},
        "Priced": {"properties": {"cents": {"type": ["integer", "null"]}}},
        "Product": {"allOf": [{"$ref": "#/components/schemas/Named"}, {"$ref": "#/components/schemas/Priced"}],
                    "properties": {"tags": {"type": "array", "items": {"type": "string"}}}},
        "Tree": {"type": "object", "properties": {
            "value": {"type": "number"},
            "children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}}},
        "Nest": {"type": "array", "items": {"oneOf": [{"$ref": "#/components/schemas/Nest"}, {"$ref": "#/components/schemas/Nest"}]}},
        "Either": {"oneOf": [{"$ref": "#/components/schemas/Named"}, {"type": "null"},
                             {"type": "object", "properties": {"cents": {"type": "integer"}}}]},
        "Sized": {"if": {"properties": {"kind": {"const": "a"}}}, "then": {"properties": {"a": {"type": "boolean"}}},
                  "else": {"properties": {"b": {"enum": ["x", null]}}}},
    }));
    let named = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    for (schema, way, wanted) in [
        (named("Product"), vec!["name"], "string"),
        (named("Product"), vec!["cents"], "null or integer"),
        (named("Product"), vec!["nam"], "no nam in cents,name,tags"),
        (named("Product"), vec!["tags", "x"], "no x of string or array"),
        (named("Product"), vec!["name", "first"], "no first of string"),
        (named("Tree"), vec!["children", "children", "value"], "number"),
        (named("Nest"), vec!["x"], "no x of array"),
        (named("Either"), vec!["cents"], "integer"),
        (named("Either"), vec!["no"], "no no in cents,name"),
        (named("Sized"), vec!["b"], "null or string"),
        (json!({"type": "array", "items": {"type": "array", "items": named("Named")}}), vec!["name"], "string"),
        (json!({"type": ["array", "null"], "prefixItems": [named("Named")]}), vec!["name"], "anything"),
        (json!({}), vec!["a", "b"], "anything"),
        (json!({"type": "object"}), vec!["a"], "anything"),
        (json!({"type": "object", "additionalProperties": {"type": "integer"}}), vec!["a"], "integer"),
        (json!({"properties": {"a": {}}, "additionalProperties": false}), vec!["b"], "no b in a"),
        (json!({"properties": {"a": {}}, "additionalProperties": true}), vec!["b"], "anything"),
        (json!({"patternProperties": {"^x-": {"type": "string"}}}), vec!["b"], "anything"),
        (json!({"properties": {"a": false}}), vec!["a"], "nothing"),
    ] {
        assert_eq!(found(&document, &schema, &way), wanted, "{schema} {way:?}");
    }
}

#[test]
fn schemas_of_themselves_and_of_very_many_ways_have_an_end() {
    let mut schemas = json!({});
    for level in 0..40 {
        let next = json!({"$ref": format!("#/components/schemas/L{}", level + 1)});
        schemas[format!("L{level}")] = json!({"allOf": [next, next]});
    }
    schemas["L40"] = json!({"type": "object", "properties": {"deep": {"type": "string"}}});
    schemas["Own"] =
        json!({"allOf": [{"$ref": "#/components/schemas/Own"}, {"properties": {"a": {"type": "string"}}}]});
    let many: Vec<Value> = (0..20).map(|n| json!({"properties": {n.to_string(): {}}})).collect();
    schemas["Many"] = json!({"allOf": [{"oneOf": many}, {"anyOf": many}]});
    let document = document(&schemas);
    let named = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    assert_eq!(found(&document, &named("Own"), &["a"]), "string");
    assert_eq!(found(&document, &named("Own"), &["b"]), "no b in a");
    assert!(found(&document, &named("L0"), &["deep"]).contains("too long to be taken apart"));
    assert_eq!(found(&document, &named("L37"), &["deep"]), "string");
    assert!(found(&document, &named("Many"), &["0"]).contains("more than 64 alternatives"));
}
