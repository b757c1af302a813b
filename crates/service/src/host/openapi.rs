//! The OpenAPI 3.1 document of a service, from the operations that its context registers.

use serde_json::{Map, Value, json};

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

    /// A query: `GET path`. It takes `Tradewind-After` and `Tradewind-As-Of`, and tells its position.
    #[must_use]
    pub fn query(path: &str, id: &str) -> Self {
        let after = "Wait, within bounds, until the answer reflects this position";
        let as_of = "Answer as of this position, or this moment (RFC 3339)";
        Self::new("get", path, id)
            .header("Tradewind-After", after, json!({"type": "integer"}))
            .header("Tradewind-As-Of", as_of, json!({"type": "string"}))
            .problem(503, "The read model has not come so far yet")
    }

    /// A command: `POST path`. It takes an `Idempotency-Key`, and answers nothing but its position.
    #[must_use]
    pub fn command(path: &str, id: &str) -> Self {
        let key = "Sending the same request again under the same key has the effect of sending it once";
        Self::new("post", path, id)
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

    fn header(mut self, name: &str, description: &str, schema: Value) -> Self {
        let parameter = json!({"name": name, "in": "header", "description": description});
        self.parameters.push(with(parameter, "schema", schema));
        self
    }

    /// The JSON schema of the request's body.
    #[must_use]
    pub fn body(mut self, schema: Value) -> Self {
        self.body = Some(with(json!({"required": true}), "content", json_content(schema)));
        self
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

/// The whole document.
pub(crate) fn document(service: &str, version: &str, operations: &[Operation]) -> Value {
    let mut paths = Map::new();
    for operation in operations.iter().chain(&own_operations()) {
        let path = paths.entry(operation.path.clone()).or_insert_with(|| json!({}));
        path[operation.method] = operation.to_value();
    }
    json!({
        "openapi": "3.1.0",
        "info": {"title": service, "version": version},
        "paths": paths,
        "components": {"schemas": {"Problem": problem_schema()}},
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
    let any = || json!({"type": "object"});
    let get = |path, id, summary| Operation::new("get", path, id).summary(summary);
    let post = |path, id, summary| Operation::new("post", path, id).summary(summary).problem(409, "There is no need");
    vec![
        get("/health/live", "isLive", "Whether the process works").returns(200, "It does", any()),
        get("/health/ready", "isReady", "Whether it can take requests")
            .returns(200, "It can", any())
            .problem(503, "It is starting or going down"),
        get("/admin/projections", "listFollowers", "How projections, reactions and processes are doing").returns(
            200,
            "All of them",
            any(),
        ),
        post("/admin/projections/{name}/retry", "retry", "Try the event again at which it stopped")
            .acknowledges(202, "It goes on"),
        post("/admin/projections/{name}/skip", "skip", "Pass over the event at which it stopped, and record that")
            .acknowledges(202, "It goes on"),
        post("/admin/projections/{name}/rebuild", "rebuild", "Build it anew beside the one that answers")
            .acknowledges(202, "It has begun"),
    ]
}
