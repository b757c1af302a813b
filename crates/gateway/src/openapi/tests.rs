//! Services' documents as the tests have them.

use serde_json::{Value, json};

use super::{Document, Documents};

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
