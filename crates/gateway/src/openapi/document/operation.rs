//! Operations as they are asked about.

use serde_json::{Map, Value};

use super::{Document, base_of};

/// One operation of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Operation<'d> {
    pub(crate) document: &'d Document,
    /// As it stands in the document.
    pub(crate) path: &'d str,
    /// In lower case.
    pub(crate) method: &'static str,
    pub(crate) item: &'d Map<String, Value>,
    pub(crate) value: &'d Map<String, Value>,
}

/// One parameter, with what it refers to in its place.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Parameter<'d> {
    pub(crate) name: &'d str,
    /// `query`, `path`, `header` or `cookie`.
    pub(crate) place: &'d str,
    /// As it stands there, perhaps a reference.
    pub(crate) written: &'d Value,
    pub(crate) value: &'d Value,
}

impl<'d> Operation<'d> {
    /// The path that the service is asked for: with what its servers put before it.
    pub(crate) fn full_path(&self) -> String {
        let servers = [self.value.get("servers"), self.item.get("servers"), self.document.as_value().get("servers")];
        let base = servers.into_iter().find_map(base_of).unwrap_or_default();
        format!("{base}{}", self.path)
    }

    /// Its parameters, and those of its path that it does not say otherwise.
    pub(crate) fn parameters(&self) -> Vec<Parameter<'d>> {
        let mut parameters: Vec<Parameter<'d>> = Vec::new();
        let lists = [self.value.get("parameters"), self.item.get("parameters")];
        for written in lists.into_iter().flatten().filter_map(Value::as_array).flatten() {
            let value = self.document.resolve(written);
            let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default();
            let parameter = Parameter { name: text("name"), place: text("in"), written, value };
            let known = |known: &Parameter<'_>| known.name == parameter.name && known.place == parameter.place;
            if !parameters.iter().any(known) {
                parameters.push(parameter);
            }
        }
        parameters
    }

    /// Its responses by status, with what they refer to in their places.
    pub(crate) fn responses(&self) -> impl Iterator<Item = (&'d str, &'d Value)> + use<'d> {
        let (document, responses) = (self.document, self.value.get("responses").and_then(Value::as_object));
        responses.into_iter().flatten().map(|(status, response)| (&**status, document.resolve(response)))
    }

    /// What it answers when all goes well: the least status of success, or what it answers unless told otherwise.
    pub(crate) fn success(&self) -> Option<(&'d str, &'d Value)> {
        let least = self.responses().filter(|(status, _)| status.starts_with('2')).min_by_key(|(status, _)| *status);
        least.or_else(|| self.responses().find(|(status, _)| *status == "default"))
    }

    /// Its request's body.
    pub(crate) fn body(&self) -> Option<&'d Value> {
        self.value.get("requestBody").map(|body| self.document.resolve(body))
    }
}

impl<'d> Parameter<'d> {
    pub(crate) fn is_required(&self) -> bool {
        self.place == "path" || self.value.get("required").and_then(Value::as_bool).unwrap_or(false)
    }

    /// Its schema, or that of its content.
    pub(crate) fn schema(&self) -> Option<&'d Value> {
        let of_content = || self.value.get("content")?.as_object()?.values().next()?.get("schema");
        self.value.get("schema").or_else(of_content)
    }
}

/// The schema of a body or response as JSON, if it has one.
pub(crate) fn json_schema(part: &Value) -> Option<Option<&Value>> {
    let content = part.get("content")?.as_object()?;
    let is_json = |kind: &str| {
        let kind = kind.split(';').next().unwrap_or_default().trim();
        let problem = kind == "application/problem+json";
        !problem && (kind == "application/json" || kind.ends_with("+json") || kind == "*/*" || kind == "application/*")
    };
    content.iter().find(|(kind, _)| is_json(kind)).map(|(_, content)| content.get("schema"))
}
