//! What handlers take out of a request's head, and the answers that they give.

use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use tradewind_events::{Position, Timestamp};

use super::headers;
use super::request::RequestId;
use crate::{Acknowledged, Answer, AsOf, CommandContext, CommandError, IdempotencyKey, Problem, QueryContext};

const KEY_BYTES_MAX: usize = 255;

pub(super) fn context_of(parts: &Parts, body: &[u8]) -> Result<CommandContext, Problem> {
    let told = &parts.headers;
    let actor = headers::text(told, &headers::ACTOR)?;
    let key = headers::text(told, &headers::KEY)?.map(|value| read_key(value, actor, parts, body)).transpose()?;
    let request_id = parts.extensions.get::<RequestId>().map(|id| id.0.to_string());
    let correlation_id = headers::text(told, &headers::CORRELATION)?.map(str::to_owned).or(request_id);
    Ok(CommandContext {
        key,
        // No client can say this: it is there if something before the routes has let the request in as from the past.
        at: parts.extensions.get::<Timestamp>().copied(),
        correlation_id,
        causation_id: None,
        actor: actor.map(str::to_owned),
        traceparent: headers::if_readable(told, &HeaderName::from_static("traceparent")),
        tracestate: headers::if_readable(told, &HeaderName::from_static("tracestate")),
    })
}

/// The key is a string of structured fields (RFC 9651), and so in quotes; many clients send it bare.
fn read_key(value: &str, actor: Option<&str>, parts: &Parts, body: &[u8]) -> Result<IdempotencyKey, Problem> {
    let bare = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(value);
    if bare.is_empty() || bare.len() > KEY_BYTES_MAX {
        return Err(Problem::bad_request(format!("Idempotency-Key is empty or longer than {KEY_BYTES_MAX} bytes")));
    }
    let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
    let fingerprint = IdempotencyKey::fingerprint_of(&[parts.method.as_str().as_bytes(), path.as_bytes(), body]);
    Ok(IdempotencyKey { key: key_of(actor, bare), fingerprint: Some(fingerprint) })
}

/// Keys of different actors have nothing to do with each other, nor with those that a service gives to its own
/// commands: so they have a prefix of their own, and the actor's length says where the actor ends.
fn key_of(actor: Option<&str>, bare: &str) -> String {
    match actor {
        Some(actor) => format!("http/{}/{actor}/{bare}", actor.len()),
        None => format!("http/-/{bare}"),
    }
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

    /// For commands without a body. A command from the past happens at the [`Timestamp`] that the request brings as
    /// an extension; whoever puts it there answers for it.
    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        headers::require_deliberate(&parts.method, &parts.headers)?;
        context_of(parts, &[])
    }
}

impl<S: Send + Sync> FromRequestParts<S> for QueryContext {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let after = headers::text(&parts.headers, &headers::AFTER)?.map(str::parse::<Position>).transpose();
        let after = after.map_err(|_| Problem::bad_request("Tradewind-After is no position"))?;
        Ok(Self { after, as_of: as_of(parts)? })
    }
}

/// The moment of the past that is asked for: in the header, in the URL, or the same in both.
fn as_of(parts: &Parts) -> Result<Option<AsOf>, Problem> {
    let header = headers::text(&parts.headers, &headers::AS_OF)?.map(str::parse::<AsOf>).transpose()?;
    let parameter = headers::parameter(&parts.uri, headers::AS_OF_PARAMETER)?;
    let parameter = parameter.map(|text| text.parse::<AsOf>()).transpose()?;
    match (header, parameter) {
        (Some(header), Some(parameter)) if header != parameter => Err(Problem::bad_request(format!(
            "Tradewind-As-Of says {header}, and {} in the URL says {parameter}: say one of them",
            headers::AS_OF_PARAMETER
        ))),
        (header, parameter) => Ok(header.or(parameter)),
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

    /// Every acknowledgement tells its position, and whether the command had taken effect before.
    fn with_status(self, status: StatusCode) -> Response {
        let mut response = (status, [(headers::POSITION, HeaderValue::from(self.position.0))]).into_response();
        if self.duplicate {
            response.headers_mut().insert(headers::DUPLICATE, HeaderValue::from_static("true"));
        }
        response
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
        response.headers_mut().insert(headers::POSITION, HeaderValue::from(self.position.0));
        // For caches: today's answer is not that of another day (RFC 9110, 12.5.5).
        response.headers_mut().insert(header::VARY, HeaderValue::from(headers::AS_OF));
        if let Some(as_of) = self.as_of
            && let Ok(as_of) = HeaderValue::from_str(&as_of.to_string())
        {
            response.headers_mut().insert(headers::AS_OF, as_of);
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
            None => Err(Problem::not_found(what).with("position", position.0).reflecting(position)),
        }
    }
}
