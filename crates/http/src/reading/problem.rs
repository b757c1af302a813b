//! Errors as responses.

use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use tradewind_events::{AppendError, ErrorCode, Position, ReadError};

use crate::wire::problem::Problem;

/// A problem that answers a request, as `application/problem+json`.
#[derive(Debug, Clone)]
pub struct Failure(pub Box<Problem>);

impl Failure {
    /// The read is malformed.
    #[must_use]
    pub fn invalid_read(detail: impl Into<String>) -> Self {
        (&ReadError::Invalid(detail.into())).into()
    }

    /// There is no such thing.
    #[must_use]
    pub fn not_found(detail: impl Into<String>) -> Self {
        Problem::new(ErrorCode::NOT_FOUND, 404, "There is no such thing", detail).into()
    }

    /// The request is malformed before it is a read or an append.
    #[must_use]
    pub fn bad_request(status: StatusCode, detail: impl Into<String>) -> Self {
        Problem::new(ErrorCode::BAD_REQUEST, status.as_u16(), "The request is malformed", detail).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self(Box::new(problem))
    }
}

impl From<&AppendError> for Failure {
    fn from(error: &AppendError) -> Self {
        Problem::from(error).into()
    }
}

impl From<AppendError> for Failure {
    fn from(error: AppendError) -> Self {
        (&error).into()
    }
}

impl From<&ReadError> for Failure {
    fn from(error: &ReadError) -> Self {
        Problem::from(error).into()
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        (&error).into()
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response<Body> {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            tracing::error!(code = self.0.code, detail = self.0.detail, "the event store failed a request");
        }
        let body = serde_json::to_vec(&self.0).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // What tells of an event that was found reflects at least that one.
        if let Some(position) = self.0.members.get("position").and_then(serde_json::Value::as_u64) {
            let (name, value) = super::reflects(Position(position));
            headers.insert(name, value);
        }
        response
    }
}

/// Waits for a read, but not for ever.
///
/// # Errors
/// The read's own, or [`ReadError::Timeout`].
pub async fn read_within<T>(limit: Duration, read: impl Future<Output = Result<T, ReadError>>) -> Result<T, Failure> {
    match tokio::time::timeout(limit, read).await {
        Ok(outcome) => Ok(outcome?),
        Err(_) => Err(ReadError::Timeout.into()),
    }
}
