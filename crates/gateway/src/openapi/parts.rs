//! What is taken over from services' documents into another: copies, whose references lead to components of that other
//! one, under their service's name: `catalog.Product`.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use serde_json::{Map, Value, json};

use super::Documents;
use super::document::{Document, Kind, walk_mut, within};

/// The components of a document in the making.
pub(super) struct Parts<'a> {
    documents: &'a Documents,
    components: BTreeMap<&'static str, Map<String, Value>>,
    /// What is referred to, by service, section and pointer, and what it is called here.
    names: HashMap<(String, &'static str, String), String>,
    taken: BTreeSet<(&'static str, String)>,
    /// What is referred to and not copied yet.
    wanted: VecDeque<(String, Kind, String, String)>,
}

impl<'a> Parts<'a> {
    pub(super) fn new(documents: &'a Documents) -> Self {
        let (components, names, taken) = (BTreeMap::new(), HashMap::new(), BTreeSet::new());
        Self { documents, components, names, taken, wanted: VecDeque::new() }
    }

    /// A copy of a part of a service's document, at home in this one.
    pub(super) fn adopt(&mut self, service: &str, part: &Value, kind: Kind) -> Value {
        let Some(document) = self.documents.get(service) else { return part.clone() };
        let mut copy = part.clone();
        walk_mut(&mut copy, kind, &mut |members, kind| {
            match kind {
                Kind::Operation => self.adopt_operation(service, members),
                Kind::PathItem => drop(members.remove("servers")),
                Kind::Link => adopt_link(service, document, members),
                Kind::Schema => self.adopt_discriminator(service, members),
                _ => {}
            }
            if let Some(Value::String(reference)) = members.get_mut("$ref").filter(|_| kind.may_refer())
                && let Some(adopted) = self.reference(service, kind, reference)
            {
                *reference = adopted;
            }
        });
        copy
    }

    fn adopt_operation(&mut self, service: &str, members: &mut Map<String, Value>) {
        members.remove("servers");
        if let Some(Value::String(id)) = members.get_mut("operationId") {
            *id = format!("{service}.{id}");
        }
        if let Some(tags) = members.get_mut("tags").and_then(Value::as_array_mut) {
            for tag in tags {
                if let Value::String(tag) = tag {
                    *tag = format!("{service}.{tag}");
                }
            }
        }
        if let Some(security) = members.get_mut("security") {
            *security = self.security(service, security);
        }
    }

    /// Requirements of a service, by the names that its schemes have here.
    pub(super) fn security(&mut self, service: &str, requirements: &Value) -> Value {
        let mut adopted = Vec::new();
        for requirement in requirements.as_array().into_iter().flatten().filter_map(Value::as_object) {
            let mut schemes = Map::new();
            for (scheme, scopes) in requirement {
                let reference = format!("#/components/securitySchemes/{}", escaped(scheme));
                let named = self.reference(service, Kind::SecurityScheme, &reference);
                let name = named.as_deref().and_then(|reference| reference.rsplit('/').next());
                schemes.insert(name.unwrap_or(scheme).to_owned(), scopes.clone());
            }
            adopted.push(Value::Object(schemes));
        }
        Value::Array(adopted)
    }

    /// A discriminator names schemas by reference, or by the last part of one.
    fn adopt_discriminator(&mut self, service: &str, members: &mut Map<String, Value>) {
        let mapping = members.get_mut("discriminator").and_then(|it| it.get_mut("mapping")?.as_object_mut());
        for schema in mapping.into_iter().flat_map(|mapping| mapping.values_mut()) {
            let Some(named) = schema.as_str() else { continue };
            let reference = match named.starts_with('#') {
                true => named.to_owned(),
                false => format!("#/components/schemas/{}", escaped(named)),
            };
            if let Some(adopted) = self.reference(service, Kind::Schema, &reference) {
                *schema = adopted.into();
            }
        }
    }

    /// What a reference of a service's document is here; nothing, if it leads nowhere.
    fn reference(&mut self, service: &str, kind: Kind, reference: &str) -> Option<String> {
        let pointer = within(reference)?.into_owned();
        self.documents.get(service)?.as_value().pointer(&pointer)?;
        let mut tokens = pointer.split('/').skip(1);
        let component = match (tokens.next(), tokens.next(), tokens.next()) {
            (Some("components"), Some(section), Some(name)) => Kind::of_section(section).map(|kind| (kind, name)),
            _ => None,
        };
        let Some((of, name)) = component else {
            // Not among the components there, and among them here.
            let called = pointer.trim_start_matches('/').to_owned();
            let (section, name) = (kind.section()?, self.name(service, kind, &pointer, &called)?);
            return Some(format!("#/components/{section}/{name}"));
        };
        let section = of.section()?;
        let whole = format!("/components/{section}/{name}");
        let rest = pointer.strip_prefix(&whole).unwrap_or_default();
        let name = self.name(service, of, &whole, name)?;
        Some(format!("#/components/{section}/{name}{rest}"))
    }

    /// The name of a component, which is copied later.
    fn name(&mut self, service: &str, kind: Kind, pointer: &str, called: &str) -> Option<String> {
        let section = kind.section()?;
        let key = (service.to_owned(), section, pointer.to_owned());
        if let Some(name) = self.names.get(&key) {
            return Some(name.clone());
        }
        let plain = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
        let plain: String = called.chars().map(plain).collect();
        let mut name = format!("{service}.{plain}");
        let mut number = 2;
        while !self.taken.insert((section, name.clone())) {
            name = format!("{service}.{plain}.{number}");
            number += 1;
        }
        self.names.insert(key, name.clone());
        self.wanted.push_back((service.to_owned(), kind, pointer.to_owned(), name.clone()));
        Some(name)
    }

    /// Adds a component of nobody's but this document.
    pub(super) fn add(&mut self, kind: Kind, name: &str, part: Value) {
        if let Some(section) = kind.section() {
            self.components.entry(section).or_default().insert(name.to_owned(), part);
        }
    }

    /// All components that something refers to.
    pub(super) fn finish(mut self) -> Value {
        while let Some((service, kind, pointer, name)) = self.wanted.pop_front() {
            let document = self.documents.get(&service);
            let Some(part) = document.and_then(|document| document.as_value().pointer(&pointer)).cloned() else {
                continue;
            };
            let part = self.adopt(&service, &part, kind);
            self.add(kind, &name, part);
        }
        self.components.into_iter().map(|(section, parts)| (section.to_owned(), Value::Object(parts))).collect()
    }
}

/// A link leads to an operation by its id or by a reference; here it is by its id. One that leads nowhere is left with
/// nothing, and taken out by whoever knows all operations.
fn adopt_link(service: &str, document: &Document, members: &mut Map<String, Value>) {
    if let Some(reference) = members.remove("operationRef") {
        let operation = reference.as_str().and_then(|reference| document.target(reference));
        let id = operation.and_then(|operation| operation.get("operationId")?.as_str());
        if let Some(id) = id {
            members.insert("operationId".to_owned(), json!(id));
        }
    }
    members.remove("server");
    if let Some(Value::String(id)) = members.get_mut("operationId") {
        *id = format!("{service}.{id}");
    }
}

/// A name as it stands in a pointer.
fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
