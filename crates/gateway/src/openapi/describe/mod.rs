//! The document of a profile: what its compositions answer, by the schemas of the services that they ask, in the shape
//! that is selected of them; and what its plain routes lead to, as in the document of all services.

mod answer;
mod join;
mod parameters;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::check::operation_of;
use super::document::{Kind, Operation, json_schema};
use super::merge::Making;
use super::parts::Parts;
use super::{About, Document, Documents, own};
use crate::compose::{CallOutline, Composed, Instead, Outline};
use crate::route::covers;
use crate::{HostPattern, Policies, Route, RouteTable};

use answer::Shaping;

impl About<'_> {
    /// Writes the document of a profile: of its compositions, and of what its plain routes lead to.
    #[must_use]
    pub fn describe(&self, profile: &ProfileRoutes<'_>, documents: &Documents) -> Document {
        let mut making = Making::new(documents);
        for route in &profile.composed {
            let operation = operation(route, documents, &mut making.parts);
            // The rest of a path is a parameter here like any other.
            let path = route.pattern.replace("{*", "{");
            making.add_own(path, route.composed.composition().name(), operation);
        }
        making.add_routes(profile.routes, profile.hosts, |route| profile.has(route));
        making.finish(self, &format!("What the profile {} answers.", profile.name)).0
    }
}

/// What a profile's clients can ask.
#[derive(Debug)]
pub struct ProfileRoutes<'a> {
    /// The profile's name.
    pub name: &'a str,
    /// What its paths begin with.
    pub prefix: &'a str,
    /// The hosts that it has to itself; any, if there are none.
    pub hosts: &'a [HostPattern],
    /// What is composed for it.
    pub composed: Vec<ComposedRoute<'a>>,
    /// All routes, of which those under its prefix that its hosts lead to are the profile's too.
    pub routes: &'a RouteTable,
}

impl ProfileRoutes<'_> {
    /// One that has neither a prefix nor a host of its own has no other routes to itself; and what is there for some hosts
    /// alone is not for clients that may ask any. Whether its own hosts lead to a route is for the table to say.
    fn has(&self, route: &Route) -> bool {
        let is_own = !self.prefix.is_empty() || !self.hosts.is_empty();
        let may_be_asked = route.hosts.is_empty() || !self.hosts.is_empty();
        is_own && may_be_asked && covers(self.prefix, route.path.as_str())
    }
}

/// A composition as a profile serves it.
#[derive(Debug, Clone, Copy)]
pub struct ComposedRoute<'a> {
    /// The path's pattern.
    pub pattern: &'a str,
    /// What is answered there.
    pub composed: &'a Composed,
    /// What is done with requests and answers on the way.
    pub policies: &'a Policies,
}

/// A call, and the operation that it asks, if that is known.
struct Called<'d> {
    outline: CallOutline,
    operation: Option<Operation<'d>>,
}

impl<'d> Called<'d> {
    fn all(outline: &Outline, documents: &'d Documents) -> BTreeMap<String, Self> {
        let called = |call: &CallOutline| {
            let operation = documents.get(&call.service).and_then(|document| operation_of(document, &call.path));
            (call.call.clone(), Self { outline: call.clone(), operation })
        };
        outline.calls.iter().map(called).collect()
    }

    /// The schema of what it answers; nothing, if that is not told.
    fn schema(&self) -> Option<&'d Value> {
        json_schema(self.operation?.success()?.1)?
    }
}

fn operation(route: &ComposedRoute<'_>, documents: &Documents, parts: &mut Parts<'_>) -> Value {
    let ComposedRoute { composed, policies, .. } = *route;
    let outline = composed.outline();
    let called = Called::all(&outline, documents);
    let name = composed.composition().name();
    let mut answer = Shaping::new(&called, parts).answer(&outline.fields);
    if outline.reports {
        add_report(&mut answer, &outline.calls);
    }
    parts.add(Kind::Schema, name, answer);
    let schema = json!({"$ref": format!("#/components/schemas/{name}")});
    let parameters = outline.parameters.iter().map(|parameter| parameters::described(parameter, &called, parts));
    let parameters: Vec<Value> = parameters.chain(parameters::of_the_gateway(composed)).collect();
    let mut operation = json!({
        "operationId": name,
        "tags": [name],
        "description": sentences(&outline),
        "parameters": parameters,
        "responses": {
            "200": {
                "description": "What is selected of the answers",
                "headers": headers(),
                "content": {"application/json": {"schema": schema}},
            },
            "304": {"description": "The client has it already"},
        },
    });
    let Some(members) = operation.as_object_mut() else { return operation };
    own::add_problem(members, parts, "400", "The request is malformed, or a service does not answer as of the moment");
    own::add_policies(policies, members, parts);
    if outline.calls.iter().any(|call| call.instead == Instead::Error) {
        for (status, why) in [
            ("401", "A service asks who asks"),
            ("403", "A service does not allow it"),
            ("404", "A service has no such thing"),
            ("410", "A service has no such thing any more"),
            ("429", "A service is asked too often"),
        ] {
            own::add_problem(members, parts, status, why);
        }
    }
    operation
}

/// Which calls it is made of, and what happens when one fails.
fn sentences(outline: &Outline) -> String {
    let mut text = "Made of\n".to_owned();
    for CallOutline { call, service, path, instead, each, .. } in &outline.calls {
        let each = if each.is_some() { ", for each element" } else { "" };
        let instead = match instead {
            Instead::Error => "without it there is no answer",
            Instead::Omit => "may be missing",
            Instead::Default(_) => "with a default",
        };
        text.push_str(&format!("- `{call}`: {service}, `{path}`{each}; {instead}\n"));
    }
    text
}

/// What a composed answer tells of itself.
fn headers() -> Value {
    let header = |why: &str, schema: Value| json!({"description": why, "schema": schema});
    let text = || json!({"type": "string"});
    json!({
        "Tradewind-Fragments": {
            "description": "Which calls are complete, stale (and how old, in seconds) or missing, and why: a list (RFC 9651)",
            "required": true,
            "schema": text(),
            "example": "product, reviews;stale=42, stock;missing=unavailable",
        },
        "Tradewind-Position": header("The position that each service's answers reflect: a dictionary (RFC 9651)", text()),
        "Tradewind-As-Of": header("The moment as of which all parts are, if not as of now", text()),
        "Age": header("The age of the oldest part, in seconds", json!({"type": "integer", "minimum": 0})),
        "Cache-Control": header("How long all parts are fresh", text()),
        "ETag": header("A hash of the answer", text()),
        "Vary": header("What the parts depend on", text()),
    })
}

/// The member that tells what the header `Tradewind-Fragments` tells.
fn add_report(answer: &mut Value, calls: &[CallOutline]) {
    let count = |why: &str| json!({"type": "integer", "minimum": 0, "description": why});
    let call = json!({
        "type": "object",
        "description": "Empty for what is complete",
        "properties": {
            "stale": count("Its age in seconds"),
            "missing": {"type": "string", "description": "Why it is not there"},
            "lacking": count("How many elements have no answer"),
            "of": count("How many elements there are"),
        },
    });
    let names: Vec<&str> = calls.iter().map(|call| &*call.call).collect();
    let properties: Map<String, Value> = names.iter().map(|name| ((*name).to_owned(), call.clone())).collect();
    answer["properties"]["_fragments"] = json!({"type": "object", "required": names, "properties": properties});
    match answer.get_mut("required").and_then(Value::as_array_mut) {
        Some(required) => required.push("_fragments".into()),
        None => answer["required"] = json!(["_fragments"]),
    }
}

#[cfg(test)]
mod tests;
