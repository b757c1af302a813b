//! Errors as clients see them: RFC 9457 problem details with stable codes.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tradewind_events::{AppendError, ErrorCode, Position, ReadError};

use super::headers;
use crate::{CommandError, ControlError, DeadLetterError, LoadError, NoMoment, NotYet, PastError, QueryError};

/// A problem, as `application/problem+json`.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    code: ErrorCode,
    status: StatusCode,
    detail: String,
    /// Boxed, so that what may answer with a problem stays small.
    extras: Box<Map<String, Value>>,
    retry_after_seconds: Option<u32>,
    position: Option<Position>,
}

impl Problem {
    /// A problem with the status that belongs to its code.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let status = status_of(code);
        let retry_after_seconds = (status == StatusCode::SERVICE_UNAVAILABLE).then_some(1);
        Self { code, status, detail: detail.into(), extras: Box::default(), retry_after_seconds, position: None }
    }

    /// There is no such thing.
    pub fn not_found(what: impl std::fmt::Display) -> Self {
        Self::new(ErrorCode::NOT_FOUND, format!("there is no {what}"))
    }

    /// The request's body, path or a header is malformed.
    pub fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(ErrorCode::BAD_REQUEST, detail)
    }

    /// The same with another status.
    #[must_use]
    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// The same with one more member for programs.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.extras.insert(name.to_owned(), value.into());
        self
    }

    /// The same, and the answer tells that it reflects this position.
    #[must_use]
    pub fn reflecting(mut self, position: Position) -> Self {
        self.position = Some(position);
        self
    }

    /// Its stable code.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Its HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Its JSON.
    #[must_use]
    pub fn body(&self) -> Value {
        let mut body = json!({
            "type": format!("https://tradewind.dev/errors/{}", self.code),
            "title": title_of(self.code),
            "status": self.status.as_u16(),
            "detail": self.detail,
            "code": self.code,
        });
        if let Value::Object(members) = &mut body {
            members.extend(self.extras.as_ref().clone());
        }
        body
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        if self.status.is_server_error() {
            tracing::warn!(code = %self.code, status = self.status.as_u16(), detail = self.detail, "problem");
        }
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"))];
        let mut response = (self.status, kind, self.body().to_string()).into_response();
        // For caches: what there was not on another day there may be today, as with answers.
        response.headers_mut().insert(header::VARY, HeaderValue::from(headers::AS_OF));
        if let Some(seconds) = self.retry_after_seconds {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(position) = self.position {
            response.headers_mut().insert(headers::POSITION, HeaderValue::from(position.0));
        }
        response
    }
}

fn status_of(code: ErrorCode) -> StatusCode {
    match code {
        ErrorCode::BAD_REQUEST | ErrorCode::INVALID_READ | ErrorCode::IDEMPOTENCY_KEY_MISSING => {
            StatusCode::BAD_REQUEST
        }
        ErrorCode::NOT_FOUND => StatusCode::NOT_FOUND,
        ErrorCode::REJECTED
        | ErrorCode::CONDITION_FAILED
        | ErrorCode::WRONG_REVISION
        | ErrorCode::NOT_PARKED
        | ErrorCode::CANNOT_SEED => StatusCode::CONFLICT,
        ErrorCode::IDEMPOTENCY_KEY_REUSED => StatusCode::UNPROCESSABLE_ENTITY,
        ErrorCode::DISK_FULL => StatusCode::INSUFFICIENT_STORAGE,
        ErrorCode::TOO_MUCH_CONTENTION
        | ErrorCode::NOT_CAUGHT_UP
        | ErrorCode::DRAINING
        | ErrorCode::OUTCOME_UNKNOWN
        | ErrorCode::UNAVAILABLE
        | ErrorCode::TIMEOUT
        | ErrorCode::IO => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

fn title_of(code: ErrorCode) -> &'static str {
    match code {
        ErrorCode::BAD_REQUEST => "The request is malformed",
        ErrorCode::INVALID_READ => "The read is malformed or over a limit",
        ErrorCode::IDEMPOTENCY_KEY_MISSING => "An idempotency key is needed",
        ErrorCode::IDEMPOTENCY_KEY_REUSED => "The idempotency key was used for another request",
        ErrorCode::NOT_FOUND => "There is no such thing",
        ErrorCode::REJECTED => "The command was rejected",
        ErrorCode::CONDITION_FAILED => "Something has happened that the command's condition forbids",
        ErrorCode::WRONG_REVISION => "The stream was changed by another writer",
        ErrorCode::TOO_MUCH_CONTENTION => "Too many writers change the same entity",
        ErrorCode::NOT_CAUGHT_UP => "The read model has not come so far yet",
        ErrorCode::DRAINING => "The service is going down",
        ErrorCode::CANNOT_SEED => "The follower cannot be seeded",
        ErrorCode::DISK_FULL => "No space is left for the event store",
        ErrorCode::OUTCOME_UNKNOWN => "Whether the command took effect is unknown",
        ErrorCode::UNAVAILABLE => "The event store is unavailable",
        ErrorCode::TIMEOUT => "There was no answer in time",
        ErrorCode::POISON_EVENT => "An event cannot be handled",
        ErrorCode::READ_MODEL => "A read database cannot be used",
        ErrorCode::NOT_PARKED => "The key is not parked",
        ErrorCode::TRUNCATED => "The beginning of an entity's history is gone",
        _ => "Something went wrong",
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let problem = Self::new(error.code(), error.to_string());
        match error {
            CommandError::Rejected(rejection) => problem.with("reason", rejection.reason),
            CommandError::ConditionFailed { position } => problem.with("position", position.0).reflecting(position),
            CommandError::Append(AppendError::OutcomeUnknown(_)) => problem.with("outcome", "unknown"),
            _ => problem,
        }
    }
}

impl From<LoadError> for Problem {
    fn from(error: LoadError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<ReadError> for Problem {
    fn from(error: ReadError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<QueryError> for Problem {
    fn from(error: QueryError) -> Self {
        let problem = Self::new(error.code(), error.to_string());
        match error {
            QueryError::NotCaughtUp { wanted, reached, stopped, .. } => {
                let problem = problem.with("wanted", wanted.0).with("reached", reached.0).with("stopped", stopped);
                problem.reflecting(reached)
            }
            QueryError::Past(PastError::NotYet(NotYet::Position { head, .. })) => {
                problem.with("head", head.0).reflecting(head)
            }
            _ => problem,
        }
    }
}

impl From<ControlError> for Problem {
    fn from(error: ControlError) -> Self {
        let code = match error {
            ControlError::NotRunning | ControlError::Elsewhere(_) => ErrorCode::UNAVAILABLE,
            ControlError::Failed(_) => ErrorCode::INTERNAL,
            _ => ErrorCode::REJECTED,
        };
        Self::new(code, error.to_string())
    }
}

impl From<DeadLetterError> for Problem {
    fn from(error: DeadLetterError) -> Self {
        Self::new(error.code(), error.to_string())
    }
}

impl From<NoMoment> for Problem {
    fn from(error: NoMoment) -> Self {
        Self::bad_request(error.to_string())
    }
}
