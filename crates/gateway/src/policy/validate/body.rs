//! Bodies in JSON.

use http::{HeaderMap, StatusCode, header};
use serde_json::Value;

use super::{compiled, errors, refused};
use crate::openapi::Document;
use crate::problem::{Invalid, Problem};

/// The body that an operation expects.
pub(super) struct Expected {
    required: bool,
    /// The most specific first: of several that a body is of, that one counts (OpenAPI 3.1 §4.8.13).
    kinds: Vec<Kind>,
}

/// A media type, or a range of such.
struct Kind {
    /// As it stands in the document, without parameters.
    range: String,
    /// Nothing, if whatever is of it passes.
    schema: Option<Schema>,
}

/// A body's schema.
pub(super) struct Schema(jsonschema::Validator);

impl Expected {
    pub(super) fn compile(document: &Document, body: &Value) -> Result<Self, String> {
        let required = body.get("required").and_then(Value::as_bool).unwrap_or(false);
        let content = body.get("content").and_then(Value::as_object).into_iter().flatten();
        let kinds = content.map(|(kind, content)| {
            let range = essence(kind);
            let is_looked_at = |schema: &&Value| (is_json(&range) || range.ends_with("/*")) && !is_of_any_bytes(schema);
            let schema = content.get("schema").filter(is_looked_at);
            let schema = schema.map(|schema| compiled(document, schema)).transpose()?;
            Ok(Kind { range, schema: schema.map(Schema) })
        });
        let mut kinds = kinds.collect::<Result<Vec<_>, String>>()?;
        kinds.sort_by_key(|kind| (kind.range == "*/*", kind.range.ends_with("/*")));
        Ok(Self { required, kinds })
    }

    /// The schema by which a body is looked at; nothing, if it is not.
    pub(super) fn schema_for(&self, headers: &HeaderMap, is_there: bool) -> Result<Option<&Schema>, Problem> {
        if !is_there {
            return match self.required {
                true => Err(refused(StatusCode::BAD_REQUEST, "the operation needs a body", Vec::new())),
                false => Ok(None),
            };
        }
        let mut told = headers.get_all(header::CONTENT_TYPE).iter();
        let kind = told.next().and_then(|kind| kind.to_str().ok()).map(essence).unwrap_or_default();
        if told.next().is_some() {
            // The service could take it for the other.
            return Err(refused(StatusCode::BAD_REQUEST, "the request has several Content-Type headers", Vec::new()));
        }
        match self.kinds.iter().find(|expected| takes(&expected.range, &kind)) {
            Some(expected) => match expected.schema.as_ref().filter(|_| is_json(&kind)) {
                Some(_) if is_packed(headers) => {
                    let detail = "the body is to be as it is, without a content coding, since it is looked at";
                    let refused = refused(StatusCode::UNSUPPORTED_MEDIA_TYPE, detail, Vec::new());
                    // By this a client knows what is wrong: the coding, and not the kind (RFC 9110 §15.5.16).
                    Err(refused.with(header::ACCEPT_ENCODING, "identity"))
                }
                schema => Ok(schema),
            },
            None => {
                let kinds: Vec<&str> = self.kinds.iter().map(|kind| &*kind.range).collect();
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

/// Whether a body is in a content coding. What says `identity` is in none.
fn is_packed(headers: &HeaderMap) -> bool {
    let mut codings = headers.get_all(header::CONTENT_ENCODING).iter();
    codings.any(|coding| !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"))
}

/// A media type without its parameters.
fn essence(kind: &str) -> String {
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a media type lies in a range.
fn takes(range: &str, kind: &str) -> bool {
    match range.strip_suffix('*').filter(|of| of.ends_with('/')) {
        Some("*/") => true,
        Some(of) => kind.starts_with(of),
        None => range == kind,
    }
}

fn is_json(kind: &str) -> bool {
    kind == "application/json" || kind.ends_with("+json")
}

/// How OpenAPI 3.0 says that a body is no text but a file, which may be one of JSON.
fn is_of_any_bytes(schema: &Value) -> bool {
    schema.get("format").and_then(Value::as_str) == Some("binary")
}
