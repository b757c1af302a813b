//! Bodies in JSON.

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{compiled, errors, refused};
use crate::openapi::Document;
use crate::problem::{Invalid, Problem};

/// The body that an operation expects.
pub(super) struct Expected {
    required: bool,
    /// By media type, or a range of such.
    kinds: Vec<(String, Option<Schema>)>,
}

/// A body's schema.
pub(super) struct Schema(jsonschema::Validator);

impl Expected {
    pub(super) fn compile(document: &Document, body: &Value) -> Result<Self, String> {
        let required = body.get("required").and_then(Value::as_bool).unwrap_or(false);
        let content = body.get("content").and_then(Value::as_object).into_iter().flatten();
        let kinds = content.map(|(kind, content)| {
            let schema = content.get("schema").filter(|_| is_json(kind));
            let schema = schema.map(|schema| compiled(document, schema)).transpose()?;
            Ok((kind.to_ascii_lowercase(), schema.map(Schema)))
        });
        Ok(Self { required, kinds: kinds.collect::<Result<_, String>>()? })
    }

    /// The schema by which a body is looked at; nothing, if it is not.
    pub(super) fn schema_for(&self, headers: &HeaderMap, is_there: bool) -> Result<Option<&Schema>, Problem> {
        if !is_there {
            return match self.required {
                true => Err(refused(StatusCode::BAD_REQUEST, "the operation needs a body", Vec::new())),
                false => Ok(None),
            };
        }
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let takes = |range: &str| {
            let range = range.split(';').next().unwrap_or_default().trim();
            let of = range.strip_suffix('*').unwrap_or("");
            range == kind || range == "*/*" || (of.len() > 1 && kind.starts_with(of))
        };
        match self.kinds.iter().find(|(range, _)| takes(range)) {
            Some((_, schema)) => Ok(schema.as_ref()),
            None => {
                let kinds: Vec<&str> = self.kinds.iter().map(|(kind, _)| &**kind).collect();
                let detail = format!("the body is to be {}", kinds.join(" or "));
                Err(refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, &detail, Vec::new()))
            }
        }
    }
}

impl Schema {
    pub(super) fn check(&self, bytes: &[u8]) -> Result<(), Problem> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let detail = error.to_string();
            let invalid = Invalid { r#in: "body", name: None, pointer: String::new(), detail };
            refused(StatusCode::BAD_REQUEST, "the body is not JSON", vec![invalid])
        })?;
        let errors = errors(&self.0, &value, "body", None);
        match errors.is_empty() {
            true => Ok(()),
            false => {
                let detail = "the body is not as the operation's schema says";
                Err(refused(StatusCode::UNPROCESSABLE_ENTITY, detail, errors))
            }
        }
    }
}

fn is_json(kind: &str) -> bool {
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || kind.ends_with("+json") || kind == "*/*" || kind == "application/*"
}
