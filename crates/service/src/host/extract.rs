//! What handlers take out of a request, and the answers that they give.

use axum::Json;
use axum::body::to_bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tradewind_events::Position;

use super::request::RequestId;
use crate::{Acknowledged, Answer, CommandContext, CommandError, IdempotencyKey, Problem, QueryContext};

/// Which position an answer reflects.
pub(crate) const POSITION_HEADER: HeaderName = HeaderName::from_static("tradewind-position");
const AFTER_HEADER: HeaderName = HeaderName::from_static("tradewind-after");
const AS_OF_HEADER: HeaderName = HeaderName::from_static("tradewind-as-of");
const KEY_HEADER: HeaderName = HeaderName::from_static("idempotency-key");
const ACTOR_HEADER: HeaderName = HeaderName::from_static("tradewind-actor");
const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");
const KEY_BYTES_MAX: usize = 255;
/// A command is a wish, not an upload.
const BODY_BYTES_MAX: usize = 2 << 20;

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim).filter(|value| !value.is_empty())
}

fn owned(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    text(headers, name).map(str::to_owned)
}

fn context_of(parts: &Parts, body: &[u8]) -> Result<CommandContext, Problem> {
    let headers = &parts.headers;
    let actor = owned(headers, &ACTOR_HEADER);
    let key = text(headers, &KEY_HEADER).map(|value| read_key(value, actor.as_deref(), parts, body)).transpose()?;
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.to_string());
    Ok(CommandContext {
        key,
        at: None,
        correlation_id: owned(headers, &CORRELATION_HEADER).or(request_id),
        causation_id: None,
        actor,
        traceparent: owned(headers, &HeaderName::from_static("traceparent")),
        tracestate: owned(headers, &HeaderName::from_static("tracestate")),
    })
}

/// The key is a string of structured fields (RFC 9651), and so in quotes; many clients send it bare. Keys of
/// different actors have nothing to do with each other.
fn read_key(value: &str, actor: Option<&str>, parts: &Parts, body: &[u8]) -> Result<IdempotencyKey, Problem> {
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    if bare.is_empty() || bare.len() > KEY_BYTES_MAX {
        return Err(Problem::bad_request(format!("Idempotency-Key is empty or longer than {KEY_BYTES_MAX} bytes")));
    }
    let key = actor.map_or_else(|| bare.to_owned(), |actor| format!("{actor}/{bare}"));
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let fingerprint = IdempotencyKey::fingerprint_of(&[parts.method.as_str().as_bytes(), path.as_bytes(), body]);
    Ok(IdempotencyKey { key, fingerprint: Some(fingerprint) })
}

impl CommandContext {
    /// Refuses a command that comes without a key.
    ///
    /// # Errors
    /// [`CommandError::KeyMissing`].
    pub fn require_key(&self) -> Result<(), CommandError> {
        if self.key.is_some() { Ok(()) } else { Err(CommandError::KeyMissing) }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CommandContext {
    type Rejection = Problem;

    /// For commands without a body.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        context_of(parts, &[])
    }
}

/// A command's JSON body, and what accompanies it in the headers.
#[derive(Debug, Clone)]
pub struct Submitted<T> {
    /// The body.
    pub body: T,
    /// From `Idempotency-Key`, `X-Correlation-Id`, `Tradewind-Actor`, `traceparent` and `tracestate`.
    pub context: CommandContext,
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Submitted<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body) = request.into_parts();
        let bytes = to_bytes(body, BODY_BYTES_MAX).await.map_err(|_| {
            let problem = Problem::bad_request(format!("the body is cut short or longer than {BODY_BYTES_MAX} bytes"));
            problem.with_status(StatusCode::PAYLOAD_TOO_LARGE)
        })?;
        let body = serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok(Self { body, context: context_of(&parts, &bytes)? })
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let after = match text(&parts.headers, &AFTER_HEADER) {
            None => None,
            Some(value) => {
                let parsed = value.parse::<Position>();
                Some(parsed.map_err(|_| Problem::bad_request("Tradewind-After is no position"))?)
            }
        };
        let as_of = text(&parts.headers, &AS_OF_HEADER).map(str::parse).transpose()?;
        Ok(Self { after, as_of })
    }
}

impl Acknowledged {
    /// `201 Created`, and where.
    #[must_use]
    pub fn created(self, location: &str) -> Response {
        let mut response = self.with_status(StatusCode::CREATED);
        if let Ok(location) = HeaderValue::from_str(location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }

    /// `202 Accepted`: what was asked for goes on.
    #[must_use]
    pub fn accepted(self) -> Response {
        self.with_status(StatusCode::ACCEPTED)
    }

    fn with_status(self, status: StatusCode) -> Response {
        (status, [(POSITION_HEADER, HeaderValue::from(self.position.0))]).into_response()
    }
}

/// `204 No Content`.
impl IntoResponse for Acknowledged {
    fn into_response(self) -> Response {
        self.with_status(StatusCode::NO_CONTENT)
    }
}

/// The value as JSON, and in the headers what it reflects.
impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = Json(self.value).into_response();
        response.headers_mut().insert(POSITION_HEADER, HeaderValue::from(self.position.0));
        if let Some(as_of) = self.as_of
            && let Ok(as_of) = HeaderValue::from_str(&as_of.to_string())
        {
            response.headers_mut().insert(AS_OF_HEADER, as_of);
        }
        response
    }
}

impl<T> Answer<Option<T>> {
    /// The same answer if there is one.
    ///
    /// # Errors
    /// A 404 problem if there is none; `what` follows "there is no".
    pub fn or_not_found(self, what: impl std::fmt::Display) -> Result<Answer<T>, Problem> {
        let Self { value, position, as_of } = self;
        match value {
            Some(value) => Ok(Answer { value, position, as_of }),
            None => Err(Problem::not_found(what).with("position", position.0)),
        }
    }
}
