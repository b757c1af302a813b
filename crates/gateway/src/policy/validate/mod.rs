//! Whether a request is as the description of its operation says: parameters, and a body in JSON.
//!
//! What is looked at is what the service is asked for, so a route's rewrite makes no difference. Schemas are compiled
//! once, when a plan is made; a body that is looked at is kept in memory, within a bound for each and one for all
//! ([`room`]). What a description does not tell of, as other parameters and other kinds of bodies than JSON, is passed
//! on.

mod body;
mod parameter;
mod room;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::BodyExt;
use hyper::body::Body;
use serde_json::{Value, json};
use tradewind_http::ClientBody;

use crate::openapi::{Document, Operation, fits};
use crate::policy::Sizes;
use crate::policy::sizes::body_too_large;
use crate::problem::{Invalid, Problem};
use crate::upstream::RequestBody;

use body::Expected;
use parameter::Compiled;
pub(crate) use room::Room;

/// A service's operations, against which requests are held.
pub struct Validation {
    operations: Vec<Checked>,
}

/// An operation whose schemas cannot be compiled.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{method} {path}, {part}: {why}")]
pub struct ValidationError {
    /// In capitals.
    pub method: String,
    /// As it stands in the document.
    pub path: String,
    /// The parameter, or the body.
    pub part: String,
    /// What is wrong with its schema.
    pub why: String,
}

struct Checked {
    /// As the service is asked for it.
    path: String,
    method: Method,
    parameters: Vec<Compiled>,
    body: Option<Expected>,
}

/// What is told of one request at most.
const ERRORS_MAX: usize = 10;
/// Characters of what is wrong, which may have a part of the request in it.
const DETAIL_CHARS_MAX: usize = 200;
/// Bytes of a body that is looked at, if its route has no limit of its own.
const BODY_BYTES_MAX: u64 = 1 << 20;
/// How long a client may take to send it.
const BODY_WITHIN: Duration = Duration::from_secs(30);

impl Validation {
    /// Compiles the schemas of a service's document.
    ///
    /// # Errors
    /// [`ValidationError`] names the operation of which one is wrong.
    pub fn compile(document: &Document) -> Result<Self, ValidationError> {
        let operations = document.operations().map(|operation| Checked::compile(document, &operation));
        Ok(Self { operations: operations.collect::<Result<_, _>>()? })
    }

    /// Looks at a request, which goes to the service as it is here.
    ///
    /// # Errors
    /// What is not as described: 400, 404, 405, 415 or 422; 408 or 413 for a body that is too slow or too large; 503 if
    /// there is no room for it among the others.
    pub(crate) async fn check(
        &self,
        request: Request<ClientBody>,
        sizes: Sizes,
        room: &Room,
    ) -> Result<Request<RequestBody>, Problem> {
        let (parts, body) = request.into_parts();
        let operation = self.find(&parts.method, parts.uri.path())?;
        let mut invalid = Vec::new();
        for parameter in &operation.parameters {
            invalid.extend(parameter.check(&parts, &operation.path));
        }
        if !invalid.is_empty() {
            return Err(refused(StatusCode::BAD_REQUEST, "a parameter is not as the operation says", invalid));
        }
        let schema = match &operation.body {
            Some(expected) => expected.schema_for(&parts.headers, !body.is_end_stream())?,
            None => None,
        };
        let Some(schema) = schema else {
            return Ok(Request::from_parts(parts, RequestBody::passing(body, sizes.body_bytes_max)));
        };
        let bytes = read(body, sizes.body_bytes_max.unwrap_or(BODY_BYTES_MAX), room).await?;
        schema.check(&bytes)?;
        Ok(Request::from_parts(parts, RequestBody::bytes(bytes)))
    }

    fn find(&self, method: &Method, path: &str) -> Result<&Checked, Problem> {
        let method = if *method == Method::HEAD { &Method::GET } else { method };
        let there = self.operations.iter().filter_map(|operation| Some((fits(&operation.path, path)?, operation)));
        let there: Vec<_> = there.collect();
        let Some(best) = there.iter().map(|(rank, _)| rank).min() else {
            return Err(refused(StatusCode::NOT_FOUND, "the service has no such path", Vec::new()));
        };
        let here: Vec<&Checked> = there.iter().filter(|(rank, _)| rank == best).map(|(_, its)| *its).collect();
        here.iter().find(|operation| operation.method == *method).copied().ok_or_else(|| {
            let methods: Vec<Method> = here.iter().map(|operation| operation.method.clone()).collect();
            let other = Problem::other_methods(&methods);
            Problem { headers: other.headers, ..refused(other.status, &other.detail, Vec::new()) }
        })
    }
}

impl Checked {
    fn compile(document: &Document, operation: &Operation<'_>) -> Result<Self, ValidationError> {
        let method = operation.method.to_ascii_uppercase();
        let wrong = |part: String, why: String| ValidationError {
            method: method.clone(),
            path: operation.path.to_owned(),
            part,
            why,
        };
        let mut parameters = Vec::new();
        for parameter in operation.parameters() {
            let compiled = Compiled::compile(document, &parameter);
            let part = || format!("parameter {:?} in {}", parameter.name, parameter.place);
            parameters.extend(compiled.map_err(|why| wrong(part(), why))?);
        }
        let body = operation.body().map(|body| Expected::compile(document, body)).transpose();
        let body = body.map_err(|why| wrong("body".to_owned(), why))?;
        let known = Method::from_bytes(method.as_bytes()).unwrap_or_default();
        Ok(Self { path: operation.full_path(), method: known, parameters, body })
    }
}

/// A schema, compiled with all that it may refer to.
fn compiled(document: &Document, schema: &Value) -> Result<jsonschema::Validator, String> {
    let components = document.as_value().get("components").cloned().unwrap_or_else(|| json!({}));
    let whole = json!({"allOf": [schema], "components": components});
    jsonschema::draft202012::new(&whole).map_err(|error| error.to_string())
}

/// What a value has against a schema.
fn errors(validator: &jsonschema::Validator, value: &Value, place: &'static str, name: Option<&str>) -> Vec<Invalid> {
    let told = validator.iter_errors(value).take(ERRORS_MAX).map(|error| Invalid {
        r#in: place,
        name: name.map(str::to_owned),
        pointer: error.instance_path().to_string(),
        detail: error.to_string().chars().take(DETAIL_CHARS_MAX).collect(),
    });
    told.collect()
}

async fn read(mut body: ClientBody, bytes_max: u64, room: &Room) -> Result<Bytes, Problem> {
    if body.size_hint().lower() > bytes_max {
        return Err(body_too_large(bytes_max));
    }
    let reading = async {
        let mut held = room.begin();
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|_| {
                Problem::refused(StatusCode::BAD_REQUEST, "the request's body broke off or is malformed")
            })?;
            let Ok(piece) = frame.into_data() else { continue };
            if held.len() + piece.len() as u64 > bytes_max {
                return Err(body_too_large(bytes_max));
            }
            held.add(&piece).map_err(|full| Problem::no_room(&full.to_string()))?;
        }
        Ok(held.into_bytes())
    };
    let read = tokio::time::timeout(BODY_WITHIN, reading).await;
    read.unwrap_or_else(|_| Err(Problem::refused(StatusCode::REQUEST_TIMEOUT, "the request's body came too slowly")))
}

fn refused(status: StatusCode, detail: &str, errors: Vec<Invalid>) -> Problem {
    Problem::invalid(status, detail, errors)
}

/// Schemas say little when they are printed.
impl fmt::Debug for Validation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validation").field("operations", &self.operations.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
