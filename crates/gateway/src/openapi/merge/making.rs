//! A document in the making: operations of services, where routes lead to them, each once.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::way::{Reached, reached};
use super::{About, LeftOut};
use crate::openapi::check::nameless;
use crate::openapi::document::{Document, Kind, Operation, Parameter, names_in, walk_mut};
use crate::openapi::parts::Parts;
use crate::openapi::{Documents, own};
use crate::{HostPattern, Route, RouteTable};

/// A document in the making.
pub(in crate::openapi) struct Making<'a> {
    documents: &'a Documents,
    /// What operations refer to.
    pub(in crate::openapi) parts: Parts<'a>,
    paths: BTreeMap<String, Map<String, Value>>,
    /// The path that has a shape: two that differ in the names of parameters are one.
    by_shape: HashMap<String, String>,
    /// Which service an operation is of.
    taken: HashMap<(String, &'static str), String>,
    ids: HashSet<String>,
    /// The tags that operations have, in the services' words.
    tags: BTreeMap<String, Value>,
    left_out: Vec<LeftOut>,
}

impl<'a> Making<'a> {
    pub(in crate::openapi) fn new(documents: &'a Documents) -> Self {
        Self {
            documents,
            parts: Parts::new(documents),
            paths: BTreeMap::new(),
            by_shape: HashMap::new(),
            taken: HashMap::new(),
            ids: HashSet::new(),
            tags: BTreeMap::new(),
            left_out: Vec::new(),
        }
    }

    /// Adds an operation that no service has, with a tag of its own name.
    pub(in crate::openapi) fn add_own(&mut self, path: String, name: &str, operation: Value) {
        self.by_shape.insert(nameless(&path), path.clone());
        self.taken.insert((path.clone(), "get"), name.to_owned());
        self.ids.insert(name.to_owned());
        self.tags.insert(name.to_owned(), tag(name, None));
        self.paths.entry(path).or_default().insert("get".to_owned(), operation);
    }

    /// Adds what these routes lead clients of these hosts to, of any if there are none.
    pub(in crate::openapi) fn add_routes(
        &mut self,
        routes: &RouteTable,
        hosts: &[HostPattern],
        wanted: impl Fn(&Route) -> bool,
    ) {
        let documents = self.documents;
        // Whoever takes any host, and needs no header, comes first.
        let mut order: Vec<&Arc<Route>> = routes.routes().iter().filter(|route| wanted(route)).collect();
        order.sort_by_key(|route| (!route.hosts.is_empty(), !route.headers.is_empty()));
        for route in order {
            let service = &**route.to.service();
            let Some(document) = documents.get(service) else { continue };
            let operations: Vec<Operation<'_>> = document.operations().collect();
            let templates: Vec<String> = operations.iter().map(Operation::full_path).collect();
            for operation in &operations {
                if let Some(reached) = reached(routes, hosts, route, operation, &templates) {
                    self.add(service, route, operation, reached);
                }
            }
        }
    }

    fn add(&mut self, service: &str, route: &Route, operation: &Operation<'_>, mut reached: Reached) {
        let known = self.by_shape.entry(nameless(&reached.path)).or_insert_with(|| reached.path.clone()).clone();
        if known != reached.path {
            rename(&mut reached, &known);
        }
        let place = (known.clone(), operation.method);
        if let Some(other) = self.taken.get(&place) {
            self.left_out.push(LeftOut {
                service: service.to_owned(),
                route: route.name.to_string(),
                method: operation.method.to_ascii_uppercase(),
                path: reached.path,
                other: other.clone(),
            });
            return;
        }
        self.taken.insert(place, service.to_owned());
        let merged = self.operation(service, route, operation, &reached);
        self.paths.entry(known).or_default().insert(operation.method.to_owned(), merged);
    }

    fn operation(&mut self, service: &str, route: &Route, operation: &Operation<'_>, reached: &Reached) -> Value {
        let adopted = self.parts.adopt(service, &Value::Object(operation.value.clone()), Kind::Operation);
        let Value::Object(mut merged) = adopted else { return adopted };
        if let Some(Value::String(id)) = merged.get_mut("operationId") {
            // The same operation, reached by another route too.
            let (plain, mut number) = (id.clone(), 2);
            while !self.ids.insert(id.clone()) {
                *id = format!("{plain}.{number}");
                number += 1;
            }
        }
        let parameters = self.parameters(service, route, operation, reached);
        merged.remove("parameters");
        if !parameters.is_empty() {
            merged.insert("parameters".to_owned(), parameters.into());
        }
        let general = operation.document.as_value().get("security").filter(|_| !merged.contains_key("security"));
        if let Some(general) = general {
            let security = self.parts.security(service, general);
            merged.insert("security".to_owned(), security);
        }
        self.tag(service, operation, &mut merged);
        if !route.hosts.is_empty() {
            merged.insert(
                "servers".to_owned(),
                route.hosts.iter().map(|host| own::server_of(&host.to_string())).collect(),
            );
        }
        own::add_policies(&route.policies, &mut merged, &mut self.parts);
        Value::Object(merged)
    }

    /// Those of the operation that clients have to say, and what the route asks for.
    fn parameters(&mut self, service: &str, route: &Route, operation: &Operation<'_>, reached: &Reached) -> Vec<Value> {
        let mut missing = names_in(&reached.path).unwrap_or_default();
        let mut parameters = Vec::new();
        for Parameter { name, place, written, value } in operation.parameters() {
            if place != "path" {
                parameters.push(self.parts.adopt(service, written, Kind::Parameter));
                continue;
            }
            let renamed = reached.renamed.iter().find(|(its, _)| its == name).map(|(_, called)| &**called);
            let called = renamed.unwrap_or(name);
            // What a route says itself, clients cannot.
            if !missing.contains(&called) {
                continue;
            }
            missing.retain(|its| *its != called);
            parameters.push(match renamed {
                None => self.parts.adopt(service, written, Kind::Parameter),
                Some(called) => {
                    let mut parameter = self.parts.adopt(service, value, Kind::Parameter);
                    parameter["name"] = called.into();
                    parameter
                }
            });
        }
        parameters.extend(
            missing
                .iter()
                .map(|name| json!({"name": name, "in": "path", "required": true, "schema": {"type": "string"}})),
        );
        parameters.extend(route.headers.iter().map(own::header_parameter));
        parameters
    }

    /// By the service, and by its own words if it has some.
    fn tag(&mut self, service: &str, operation: &Operation<'_>, merged: &mut Map<String, Value>) {
        let document = operation.document.as_value();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let named: Vec<String> = match operation.value.get("tags").and_then(Value::as_array) {
            Some(tags) if !tags.is_empty() => tags.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => {
                merged.insert("tags".to_owned(), json!([service]));
                let info = document.get("info");
                let described = text(info.and_then(|info| info.get("description").or_else(|| info.get("summary"))));
                self.tags.entry(service.to_owned()).or_insert_with(|| tag(service, described));
                return;
            }
        };
        for name in named {
            let known = document.get("tags").and_then(Value::as_array).into_iter().flatten();
            let known = known.into_iter().find(|tag| tag.get("name").is_some_and(|its| *its == *name));
            let described = text(known.and_then(|tag| tag.get("description")));
            let called = format!("{service}.{name}");
            self.tags.entry(called.clone()).or_insert_with(|| tag(&called, described));
        }
    }

    /// The document, and what has no place in it.
    pub(in crate::openapi) fn finish(self, about: &About<'_>, description: &str) -> (Document, Vec<LeftOut>) {
        let Self { parts, paths, tags, ids, left_out, .. } = self;
        let paths: Map<String, Value> = paths.into_iter().map(|(path, item)| (path, Value::Object(item))).collect();
        let mut merged = json!({
            "openapi": "3.1.0",
            "info": {
                "title": about.title,
                "version": about.version,
                "description": description,
            },
            "servers": [{"url": about.server}],
            "tags": tags.into_values().collect::<Vec<_>>(),
            "paths": paths,
            "components": parts.finish(),
        });
        walk_mut(&mut merged, Kind::Document, &mut |members, kind| {
            let links = members.get_mut("links").filter(|_| kind == Kind::Response);
            if let Some(links) = links.and_then(Value::as_object_mut) {
                let leads = |link: &Value| match link.get("operationId").and_then(Value::as_str) {
                    Some(id) => ids.contains(id),
                    None => link.get("$ref").is_some(),
                };
                links.retain(|_, link| leads(link));
            }
        });
        (Document::made(merged), left_out)
    }
}

fn tag(name: &str, described: Option<String>) -> Value {
    match described {
        Some(described) => json!({"name": name, "description": described}),
        None => json!({"name": name}),
    }
}

/// Calls the parameters as another path of the same shape does.
fn rename(reached: &mut Reached, path: &str) {
    let pairs: Vec<(String, String)> = {
        let (ours, theirs) = (names_in(&reached.path).unwrap_or_default(), names_in(path).unwrap_or_default());
        ours.into_iter().map(str::to_owned).zip(theirs.into_iter().map(str::to_owned)).collect()
    };
    for (ours, theirs) in pairs.into_iter().filter(|(ours, theirs)| ours != theirs) {
        match reached.renamed.iter_mut().find(|(_, called)| *called == ours) {
            Some((_, called)) => *called = theirs,
            None => reached.renamed.push((ours, theirs)),
        }
    }
    path.clone_into(&mut reached.path);
}
