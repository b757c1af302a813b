//! The AsyncAPI 3.0 document of a service: what it tells others, by the contracts that it publishes.

use serde_json::{Map, Value, json};

use crate::feed::ContractType;

const CONTENT_TYPE: &str = "application/cloudevents+json";

/// The document. One channel has the service's name: its feed, and the topic on a broker; what travels there are
/// CloudEvents whose `data` keeps to the contract's schema.
///
/// # Errors
/// Says which contract's schema is no JSON object.
pub(super) fn document(service: &str, version: &str, contracts: &[ContractType]) -> Result<Value, String> {
    let (mut messages, mut on_channel) = (Map::new(), Map::new());
    let mut schemas = Map::from_iter([("CloudEvent".to_owned(), cloud_event())]);
    for ContractType { event_type, schema } in contracts {
        let no_object = || format!("the JSON Schema of {event_type} is no object");
        let mut schema: Value = serde_json::from_str(schema).map_err(|error| format!("{}: {error}", no_object()))?;
        hoist(event_type, &mut schema, &mut schemas).ok_or_else(no_object)?;
        let data = format!("#/components/schemas/{event_type}");
        let message = json!({
            "name": event_type,
            "title": event_type,
            "summary": schema["description"],
            "contentType": CONTENT_TYPE,
            "payload": {"allOf": [
                {"$ref": "#/components/schemas/CloudEvent"},
                {"type": "object", "properties": {"type": {"const": event_type}, "data": {"$ref": data}}},
            ]},
        });
        schemas.insert((*event_type).to_owned(), schema);
        messages.insert((*event_type).to_owned(), message);
        on_channel.insert((*event_type).to_owned(), reference(&format!("#/components/messages/{event_type}")));
    }
    let all = contracts.iter().map(|it| reference(&format!("#/channels/{service}/messages/{}", it.event_type)));
    let operation = json!({
        "action": "send",
        "channel": reference(&format!("#/channels/{service}")),
        "summary": format!("What {service} tells of what has happened in it"),
        "messages": all.collect::<Vec<_>>(),
    });
    let channel = json!({
        "address": service,
        "description": "In order within a subject, at least once; `position` tells repeats from news",
        "messages": on_channel,
    });
    Ok(json!({
        "asyncapi": "3.0.0",
        "info": {"title": service, "version": version},
        "defaultContentType": CONTENT_TYPE,
        "channels": Map::from_iter([(service.to_owned(), channel)]),
        "operations": Map::from_iter([(format!("{service}.tell"), operation)]),
        "components": {"messages": messages, "schemas": schemas},
    }))
}

fn reference(to: &str) -> Value {
    json!({"$ref": to})
}

/// References in AsyncAPI start at the document: definitions inside a schema go beside it, under names of their own.
fn hoist(event_type: &str, schema: &mut Value, schemas: &mut Map<String, Value>) -> Option<()> {
    let object = schema.as_object_mut()?;
    object.remove("$schema");
    let definitions = object.remove("$defs");
    point_beside(event_type, schema);
    for (name, mut definition) in definitions.as_ref().and_then(Value::as_object).cloned().unwrap_or_default() {
        point_beside(event_type, &mut definition);
        schemas.insert(format!("{event_type}.{name}"), definition);
    }
    Some(())
}

fn point_beside(event_type: &str, schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if let Some(Value::String(to)) = members.get_mut("$ref")
                && let Some(name) = to.strip_prefix("#/$defs/")
            {
                *to = format!("#/components/schemas/{event_type}.{name}");
            }
            members.values_mut().for_each(|member| point_beside(event_type, member));
        }
        Value::Array(items) => items.iter_mut().for_each(|item| point_beside(event_type, item)),
        _ => {}
    }
}

/// What is around every contract.
fn cloud_event() -> Value {
    let text = json!({"type": "string"});
    let count = json!({"type": "integer", "minimum": 0});
    let moment = json!({"type": "string", "format": "date-time"});
    json!({
        "type": "object",
        "description": "CloudEvents 1.0, in the JSON format",
        "required": ["specversion", "id", "source", "type", "subject", "time", "position", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": text,
            "source": text,
            "type": text,
            "subject": {"type": "string", "description": "The stream: what it is about"},
            "time": moment,
            "recordedtime": moment,
            "position": {"type": "integer", "minimum": 1, "description": "In the order of all that the service tells"},
            "revision": count,
            "tags": text,
            "schemaversion": count,
            "correlationid": text,
            "causationid": text,
            "traceparent": text,
            "deliverafter": {
                "type": "string", "format": "date-time", "description": "When to act on it at the earliest",
            },
            "datacontenttype": text,
            "data": {"type": "object"},
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_go_beside_their_contract_and_what_means_them_follows() {
        let schema = r##"{"$schema": "x", "type": "object", "$defs": {
            "Line": {"type": "object", "properties": {"unit": {"$ref": "#/$defs/Unit"}}}, "Unit": {"type": "string"}},
            "properties": {"lines": {"type": "array", "items": {"$ref": "#/$defs/Line"}}}}"##;
        let document = document("shop", "1", &[ContractType { event_type: "Sold", schema }]).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Sold"]["properties"]["lines"]["items"]["$ref"], "#/components/schemas/Sold.Line");
        assert_eq!(schemas["Sold.Line"]["properties"]["unit"]["$ref"], "#/components/schemas/Sold.Unit");
        assert_eq!((&schemas["Sold"]["$defs"], &schemas["Sold"]["$schema"]), (&Value::Null, &Value::Null));
        assert_eq!(schemas["Sold.Unit"]["type"], "string");
    }

    #[test]
    fn a_schema_that_is_none_is_named() {
        let broken = |schema| document("shop", "1", &[ContractType { event_type: "Sold", schema }]).unwrap_err();
        assert!(broken("true").contains("Sold"));
        assert!(broken("{").contains("Sold"));
    }
}
