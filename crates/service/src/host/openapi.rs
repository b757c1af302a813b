//! The OpenAPI 3.1 document of a service, from the operations that its context registers.

use serde_json::{Map, Value, json};
use tradewind_http::reading::{Description, described};

/// One operation of a service's API.
#[derive(Debug, Clone)]
pub struct Operation {
    method: &'static str,
    path: String,
    id: String,
    summary: String,
    parameters: Vec<Value>,
    body: Option<Value>,
    responses: Map<String, Value>,
}

impl Operation {
    fn new(method: &'static str, path: &str, id: &str) -> Self {
        let in_path = path
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}}));
        Self {
            method,
            path: path.to_owned(),
            id: id.to_owned(),
            summary: String::new(),
            parameters: in_path.collect(),
            body: None,
            responses: Map::new(),
        }
    }

    /// A query: `GET path`. It takes `Tradewind-After` and `Tradewind-As-Of` (or `as_of`), and tells its position.
    #[must_use]
    pub fn query(path: &str, id: &str) -> Self {
        let after = "Wait, within bounds, until the answer reflects this position";
        let as_of = "Answer as of this position, the end of this day in UTC, or this time (RFC 3339)";
        Self::new("get", path, id)
            .header("Tradewind-After", after, json!({"type": "integer"}))
            .header("Tradewind-As-Of", as_of, json!({"type": "string"}))
            .parameter("as_of", "The same as Tradewind-As-Of", json!({"type": "string"}))
            .problem(400, "The request is malformed, or asks for what has not been yet")
            .problem(503, "The read model has not come so far yet")
    }

    /// A command: `POST path`. It takes an `Idempotency-Key`, and answers nothing but its position.
    #[must_use]
    pub fn command(path: &str, id: &str) -> Self {
        Self::commanding("post", path, id)
    }

    /// A command without a body: `DELETE path`.
    #[must_use]
    pub fn delete(path: &str, id: &str) -> Self {
        Self::commanding("delete", path, id)
    }

    /// A command that says what something shall be from now on: `PUT path`, and otherwise as any other.
    #[must_use]
    pub fn put(path: &str, id: &str) -> Self {
        Self::commanding("put", path, id)
    }

    fn commanding(method: &'static str, path: &str, id: &str) -> Self {
        let key = "Sending the same request again under the same key has the effect of sending it once";
        Self::new(method, path, id)
            .header("Idempotency-Key", key, json!({"type": "string", "maxLength": 255}))
            .problem(400, "The request is malformed")
            .problem(409, "The rules say no; `reason` says which")
            .problem(422, "The idempotency key was used for another request")
            .problem(503, "Try again later, under the same key")
    }

    /// What it does, in a sentence.
    #[must_use]
    pub fn summary(mut self, text: &str) -> Self {
        text.clone_into(&mut self.summary);
        self
    }

    /// A parameter in the URL's query.
    #[must_use]
    pub fn parameter(mut self, name: &str, description: &str, schema: Value) -> Self {
        let parameter = json!({"name": name, "in": "query", "description": description});
        self.parameters.push(with(parameter, "schema", schema));
        self
    }

    /// The query parameter `limit`, of which any number is taken, and no more given than this.
    #[must_use]
    pub fn limit(self, description: &str, most: u64) -> Self {
        let description = format!("{description}: 1 to {most}, of which another number stands for the nearest");
        self.parameter("limit", &description, json!({"type": "integer", "minimum": 0}))
    }

    fn header(mut self, name: &str, description: &str, schema: Value) -> Self {
        let parameter = json!({"name": name, "in": "header", "description": description});
        self.parameters.push(with(parameter, "schema", schema));
        self
    }

    /// The JSON schema of the request's body.
    #[must_use]
    pub fn body(mut self, schema: Value) -> Self {
        self.body = Some(with(json!({"required": true}), "content", json_content(schema)));
        self.problem(408, "The body did not come in time")
            .problem(413, "The body is too long")
            .problem(415, "The body is not said to be JSON")
    }

    /// An answer that reflects no position of the log: of the process, or for an operator.
    fn says(self, status: u16, description: &str) -> Self {
        let response = json!({"description": description});
        self.response(status, with(response, "content", json_content(json!({"type": "object"}))))
    }

    /// An answer with a JSON body.
    #[must_use]
    pub fn returns(self, status: u16, description: &str, schema: Value) -> Self {
        let response = json!({"description": description, "headers": position()});
        self.response(status, with(response, "content", json_content(schema)))
    }

    /// An answer without a body.
    #[must_use]
    pub fn acknowledges(self, status: u16, description: &str) -> Self {
        self.response(status, json!({"description": description, "headers": position()}))
    }

    /// An answer as server-sent events.
    #[must_use]
    pub fn streams(self, description: &str) -> Self {
        let content = json!({"text/event-stream": {"schema": {"type": "string"}}});
        self.response(200, json!({"description": description, "content": content}))
    }

    /// A problem that it may answer.
    #[must_use]
    pub fn problem(self, status: u16, description: &str) -> Self {
        let content = json!({"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}});
        self.response(status, json!({"description": description, "content": content}))
    }

    fn response(mut self, status: u16, response: Value) -> Self {
        self.responses.insert(status.to_string(), response);
        self
    }

    fn to_value(&self) -> Value {
        let mut value = json!({
            "operationId": self.id,
            "summary": self.summary,
            "parameters": self.parameters,
            "responses": self.responses,
        });
        if let Some(body) = &self.body {
            value["requestBody"] = body.clone();
        }
        value
    }
}

fn with(mut object: Value, name: &str, value: Value) -> Value {
    object[name] = value;
    object
}

fn json_content(schema: Value) -> Value {
    with(json!({}), "application/json", with(json!({}), "schema", schema))
}

fn position() -> Value {
    json!({"Tradewind-Position": {
        "description": "The position that the answer reflects", "schema": {"type": "integer"}}})
}

/// The whole document; with the feed, if the service has one.
pub(crate) fn document(service: &str, version: &str, operations: &[Operation], has_feed: bool) -> Value {
    let mut paths = Map::new();
    for operation in operations.iter().chain(&own_operations()) {
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.method] = operation.to_value();
    }
    let feed = if has_feed { described("/feed", "/atom") } else { Description::default() };
    paths.extend(feed.paths);
    let mut schemas = feed.schemas;
    schemas.insert("Problem".to_owned(), problem_schema());
    json!({
        "openapi": "3.1.0",
        "info": {"title": service, "version": version},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457 problem details",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": {"type": "string", "format": "uri"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "code": {"type": "string", "pattern": "^TW-[0-9]{4}$"},
            "reason": {"type": "string"},
        },
    })
}

/// What every service offers.
fn own_operations() -> Vec<Operation> {
    let get = |path, id, summary| Operation::new("get", path, id).summary(summary);
    let metrics = json!({"application/openmetrics-text": {"schema": {"type": "string"}}});
    vec![
        get("/health/live", "isLive", "Whether the process works").says(200, "It does"),
        get("/health/ready", "isReady", "Whether it can take requests")
            .says(200, "It can")
            .problem(503, "It is starting or going down, or a part of it has fallen"),
        get("/metrics", "metrics", "Figures for Prometheus")
            .response(200, json!({"description": "All of them", "content": metrics})),
        get("/openapi.json", "describe", "This document").says(200, "It"),
        get("/asyncapi.json", "describeEvents", "What the service tells others, in AsyncAPI 3.0")
            .says(200, "It")
            .problem(404, "It tells them nothing"),
        get("/admin/projections", "listFollowers", "How projections, reactions and processes are doing")
            .says(200, "All of them"),
        get("/admin/projections/{name}", "follower", "How one of them is doing")
            .says(200, "It")
            .problem(404, "There is no such one"),
        for_operators("retry", "Try the event again at which it stopped", "It goes on"),
        for_operators("skip", "Pass over the event at which it stopped, and record that", "It goes on"),
        for_operators("rebuild", "Build it anew beside the one that answers", "It has begun"),
    ]
    .into_iter()
    .chain(dead_letters())
    .collect()
}

/// What is done with keys that are parked.
fn dead_letters() -> Vec<Operation> {
    let text = || json!({"type": "string"});
    let number = || json!({"type": "integer"});
    let wish = json!({
        "type": "object",
        "description": "One of key (with its follower), failure, and all: true",
        "properties": {
            "follower": text(), "key": text(), "failure": text(),
            "all": {"type": "boolean"}, "dry_run": {"type": "boolean"}, "whole_queue": {"type": "boolean"},
        },
    });
    let key = "/admin/deadletters/{follower}/{key}";
    vec![
        Operation::new("get", "/admin/deadletters", "listParked")
            .summary("Keys that are parked, or set aside in another state, each with the event at which it is")
            .parameter("follower", "Of this reaction or process manager alone", text())
            .parameter("state", "parked (unless told), waiting, delayed, or all", text())
            .parameter("failure", "Those that failed so: poison, unreadable, panic, exhausted", text())
            .parameter("after", "The next of an earlier answer", text())
            .parameter("limit", "At most so many, up to 1,000; 100 unless told", number())
            .says(200, "They, and where to go on")
            .problem(400, "There is no such state"),
        Operation::new("get", key, "showParked")
            .summary("A key with its events, in the order in which they are to be met")
            .parameter("after", "Events behind this position", number())
            .parameter("limit", "At most so many, up to 1,000; 100 unless told", number())
            .says(200, "It")
            .problem(404, "Nothing of that key is set aside"),
        Operation::new("put", "/admin/deadletters/{follower}/{key}/{position}", "fixParked")
            .summary("Let an event of a parked key say something else, and record that")
            .header("Tradewind-Actor", "On whose behalf", text())
            .body(json!({}))
            .response(204, json!({"description": "It will, when it is met"}))
            .problem(404, "There is no such event")
            .problem(409, "The key is not parked"),
        Operation::new("post", "/admin/deadletters/redrive", "redriveParked")
            .summary("Meet the events of parked keys again, each key's in their order, and record that")
            .header("Tradewind-Actor", "On whose behalf", text())
            .body(wish.clone())
            .says(200, "Which")
            .problem(409, "The key is not parked"),
        Operation::new("post", "/admin/deadletters/drop", "dropParked")
            .summary("Give up the event at which a key is parked, or all that are there, and record that")
            .header("Tradewind-Actor", "On whose behalf", text())
            .body(wish)
            .says(200, "Which")
            .problem(409, "The key is not parked"),
    ]
}

fn for_operators(verb: &'static str, summary: &str, done: &str) -> Operation {
    let actor =
        "On whose behalf. It, Idempotency-Key or a JSON content type is needed: no web page can send them unasked";
    Operation::new("post", &format!("/admin/projections/{{name}}/{verb}"), verb)
        .summary(summary)
        .header("Tradewind-Actor", actor, json!({"type": "string"}))
        .response(202, json!({"description": done}))
        .problem(404, "There is no such one")
        .problem(409, "There is no need")
        .problem(415, "It may have been sent unasked")
}
