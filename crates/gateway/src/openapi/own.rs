//! What the gateway itself adds to what services say: what its policies ask for, and what it answers in their place.

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::document::Kind;
use super::parts::Parts;
use crate::{HeaderMatch, Policies};

/// Under which name the gateway's own components stand.
const PROBLEM: &str = "gateway.Problem";
/// A bearer token, which a route asks for.
const BEARER: &str = "gateway.bearer";

/// The problem details of the gateway (RFC 9457).
pub(super) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457 problem details of the gateway",
        "required": ["type", "title", "status", "detail", "code", "request_id"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string", "pattern": "^TW-[0-9]{4}$"},
            "request_id": {"type": "string"},
        },
    })
}

/// Adds a status that the gateway answers by itself, unless the operation tells it already.
pub(super) fn add_problem(operation: &mut Map<String, Value>, parts: &mut Parts<'_>, status: &str, why: &str) {
    let responses = operation.entry("responses").or_insert_with(|| json!({}));
    let Some(responses) = responses.as_object_mut() else { return };
    if responses.contains_key(status) {
        return;
    }
    parts.add(Kind::Schema, PROBLEM, problem_schema());
    let schema = json!({"$ref": format!("#/components/schemas/{PROBLEM}")});
    let content = json!({"application/problem+json": {"schema": schema}});
    responses.insert(status.to_owned(), json!({"description": why, "content": content}));
}

/// What any operation may answer, since there is a gateway before it.
pub(super) fn add_usual(operation: &mut Map<String, Value>, parts: &mut Parts<'_>) {
    for (status, why) in [
        ("400", "The request is malformed"),
        ("431", "The request's headers are too large"),
        ("502", "The service behind it did not answer as it should"),
        ("503", "The service behind it cannot be reached now"),
        ("504", "The service behind it did not answer in time"),
    ] {
        add_problem(operation, parts, status, why);
    }
}

/// What a route's policies ask for and answer.
pub(super) fn add_policies(policies: &Policies, operation: &mut Map<String, Value>, parts: &mut Parts<'_>) {
    add_usual(operation, parts);
    if policies.sizes.body_bytes_max.is_some() && operation.contains_key("requestBody") {
        add_problem(operation, parts, "413", "The request's body is too large");
    }
    #[cfg(feature = "validate")]
    if policies.validate.is_some() {
        add_problem(operation, parts, "422", "The body is not as its schema says");
        add_problem(operation, parts, "415", "The body is of another media type");
    }
    if policies.rate.is_some() {
        add_problem(operation, parts, "429", "More was asked than may be in so short a time");
    }
    if let Some(rule) = &policies.auth {
        add_problem(operation, parts, "401", "A bearer token is needed");
        add_problem(operation, parts, "403", "The token does not allow it");
        parts.add(Kind::SecurityScheme, BEARER, json!({"type": "http", "scheme": "bearer"}));
        let before = operation.remove("security").and_then(|security| security.as_array().cloned());
        // Besides what the service asks for itself, whichever of that it is.
        let mut either = before.filter(|either| !either.is_empty()).unwrap_or_else(|| vec![json!({})]);
        for requirement in &mut either {
            requirement[BEARER] = json!(rule.scopes);
        }
        operation.insert("security".to_owned(), either.into());
    }
}

/// A header without which a route does not take a request.
pub(super) fn header_parameter(header: &HeaderMatch) -> Value {
    let mut schema = json!({"type": "string"});
    if let Some(value) = header.value().and_then(|value| value.to_str().ok()) {
        schema["const"] = value.into();
    }
    let name: &HeaderName = header.name();
    let why = "The route is chosen by it";
    json!({"name": name.as_str(), "in": "header", "required": true, "description": why, "schema": schema})
}

/// Where a route is reached that takes one host only, or all names under one.
pub(super) fn server_of(host: &str) -> Value {
    match host.strip_prefix("*.") {
        None => json!({"url": format!("//{host}")}),
        Some(end) => json!({
            "url": format!("//{{name}}.{end}"),
            "variables": {"name": {"default": "www", "description": format!("Any name under {end}")}},
        }),
    }
}
