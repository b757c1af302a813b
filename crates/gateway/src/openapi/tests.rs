//! Services' documents as the tests have them.

use serde_json::{Value, json};

use super::{About, Document, Documents, breaking};
use crate::{Route, RouteTable, Upstream};

pub(super) fn document(value: &Value) -> Document {
    Document::new(value.clone()).unwrap_or_else(|error| panic!("{error}: {value}"))
}

/// A catalog that says most of what a document can say, and a service for stock.
pub(super) fn documents() -> Documents {
    let catalog = json!({
        "openapi": "3.1.0",
        "info": {"title": "catalog", "version": "1", "description": "What there is to buy"},
        "paths": {
            "/api/catalog/products": {
                "get": {
                    "operationId": "findProducts",
                    "parameters": [
                        {"name": "ids", "in": "query", "schema": {"type": "string"}},
                        {"name": "limit", "in": "query", "description": "How many at most",
                         "schema": {"type": "integer", "maximum": 100}}],
                    "responses": {"200": {"description": "They", "content": {"application/json": {"schema": {
                        "type": "object",
                        "required": ["items"],
                        "properties": {
                            "items": {"type": "array", "items": {"$ref": "#/components/schemas/Product"}},
                            "next": {"type": ["string", "null"]}}}}},
                        "links": {
                            "one": {"operationId": "getProduct"},
                            "same": {"operationRef": "#/paths/~1api~1catalog~1products~1{id}/get"},
                            "gone": {"operationId": "isLive"}}}},
                },
                "post": {"operationId": "listProduct", "security": [{"key": []}],
                    "requestBody": {"$ref": "#/components/requestBodies/Product"},
                    "responses": {"201": {"description": "It is there"}}},
            },
            "/api/catalog/products/{id}": {
                "parameters": [{"$ref": "#/components/parameters/Id"}],
                "get": {
                    "operationId": "getProduct",
                    "tags": ["one"],
                    "responses": {
                        "200": {"description": "It", "content": {"application/json": {
                            "schema": {"$ref": "#/components/schemas/Product"}}}},
                        "404": {"$ref": "#/components/responses/Missing"}},
                },
            },
            "/api/catalog/products/{id}/reviews": {"get": {
                "operationId": "listReviews",
                "parameters": [
                    {"$ref": "#/components/parameters/Id"},
                    {"name": "limit", "in": "query", "schema": {"type": "integer", "minimum": 1}}],
                "responses": {"200": {"description": "They", "content": {"application/json": {"schema": {
                    "type": "object",
                    "required": ["items"],
                    "properties": {
                        "items": {"type": "array", "items": {"type": "object", "required": ["stars"], "properties": {
                            "stars": {"type": "integer", "minimum": 1, "maximum": 5},
                            "text": {"type": ["string", "null"]}}}},
                        "average": {"type": ["number", "null"]}}}}}}},
            }},
            "/health/live": {"get": {"operationId": "isLive", "responses": {"200": {"description": "It does"}}}},
        },
        "tags": [{"name": "one", "description": "A single product"}],
        "components": {
            "parameters": {"Id": {"name": "id", "in": "path", "required": true, "schema": {"type": "string", "maxLength": 40}}},
            "requestBodies": {"Product": {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Product"}}}}},
            "responses": {"Missing": {"description": "No such one", "content": {"application/problem+json": {
                "schema": {"$ref": "#/components/schemas/Problem"}}}}},
            "schemas": {
                "Product": {
                    "type": "object",
                    "required": ["id", "name", "price_cents"],
                    "properties": {
                        "id": {"type": "string"},
                        "name": {"type": "string"},
                        "brand": {"type": ["string", "null"]},
                        "price_cents": {"type": "integer", "minimum": 1},
                        "maker": {"anyOf": [{"$ref": "#/components/schemas/Maker"}, {"type": "null"}]},
                        "similar": {"type": "array", "items": {"$ref": "#/components/schemas/Product"}}}},
                "Maker": {"type": "object", "required": ["name"], "properties": {
                    "name": {"type": "string"}, "country": {"type": "string"}}},
                "Problem": {"type": "object", "properties": {"code": {"type": "string"}}},
                "Unused": {"type": "object"}},
            "securitySchemes": {"key": {"type": "apiKey", "in": "header", "name": "x-key"}},
        },
    });
    let stock = json!({
        "openapi": "3.1.0",
        "info": {"title": "stock", "version": "1"},
        "servers": [{"url": "/v1"}],
        "security": [{"basic": []}],
        "paths": {"/stock/{product}": {"get": {
            "operationId": "getStock",
            "parameters": [{"name": "product", "in": "path", "required": true, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "It", "content": {"application/json": {"schema": {
                "type": "object", "required": ["available", "expected"], "properties": {
                    "available": {"type": "integer", "minimum": 0},
                    "expected": {"type": ["string", "null"], "format": "date"}}}}}}},
        }}},
        "components": {"securitySchemes": {"basic": {"type": "http", "scheme": "basic"}}},
    });
    [("catalog".to_owned(), document(&catalog)), ("stock".to_owned(), document(&stock))].into()
}

/// All values in a document, by their pointers.
fn pointers(value: &Value, at: &str, all: &mut Vec<String>) {
    all.push(at.to_owned());
    match value {
        Value::Object(members) => members.iter().for_each(|(name, member)| {
            pointers(member, &format!("{at}/{}", name.replace('~', "~0").replace('/', "~1")), all);
        }),
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(index, element)| pointers(element, &format!("{at}/{index}"), all));
        }
        _ => {}
    }
}

#[test]
fn whatever_is_read_as_a_document_can_be_worked_with() {
    let documents = documents();
    let good = documents["catalog"].as_value();
    let (mut all, mut schemas) = (Vec::new(), Vec::new());
    pointers(good, "", &mut all);
    schemas.extend(all.iter().filter(|pointer| pointer.starts_with("/components/schemas/")).cloned());
    let mut random = fastrand::Rng::with_seed(5);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..800 {
        let mut changed = good.clone();
        for _ in 0..random.usize(1..4) {
            let to = random.choice(&all).unwrap();
            let value = match random.u8(..8) {
                0 => json!({"$ref": format!("#{}", random.choice(&schemas).unwrap())}),
                1 => json!({"oneOf": [{"$ref": "#/components/schemas/Product"}, true, {"type": ["array", "null"]}]}),
                2 => json!(["string", 3]),
                3 => json!(random.bool()),
                4 => json!("x"),
                5 => json!({}),
                _ => good.pointer(random.choice(&all).unwrap()).unwrap().clone(),
            };
            if let Some(place) = changed.pointer_mut(to) {
                *place = value;
            }
        }
        let Ok(document) = Document::new(changed) else {
            refused += 1;
            continue;
        };
        read += 1;
        let itself = breaking(&document, &document);
        assert!(itself.iter().all(|change| change.kind == "schema-not-compared"), "{itself:?} {}", document.as_value());
        let _ = breaking(&documents["catalog"], &document);
        let routes = RouteTable::new(vec![Route::new("/", Upstream::new("catalog", [])).unwrap()]).unwrap();
        let all = [("catalog".to_owned(), document)].into();
        let merged = About { title: "all", version: "1", server: "/" }.merge(&routes, &all);
        let made = Document::new(merged.document.as_value().clone());
        made.unwrap_or_else(|error| {
            panic!("{error}\n{:#}\n{:#}", all["catalog"].as_value(), merged.document.as_value())
        });
    }
    assert!(read > 50 && refused > 50, "{read} {refused}: chance met too little");
}
