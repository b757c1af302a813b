//! Bodies of commands: JSON, within the limit, and in time.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use serde::de::DeserializeOwned;

use super::{extract, headers};
use crate::{CommandContext, Problem};

/// A command is a wish, not an upload.
const BODY_BYTES_MAX: usize = 2 << 20;

/// How long a body may take, as the host says it to the extractors.
#[derive(Debug, Clone, Copy)]
pub(super) struct BodyWithin(pub(super) Duration);

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
        headers::require_json(&parts.headers)?;
        let within = parts.extensions.get::<BodyWithin>().map_or(super::options::BODY_WITHIN, |it| it.0);
        let bytes = whole(body, BODY_BYTES_MAX, within).await?;
        let body = serde_json::from_slice(&bytes).map_err(|error| Problem::bad_request(error.to_string()))?;
        Ok(Self { body, context: extract::context_of(&parts, &bytes)? })
    }
}

/// The whole of a body of at most so many bytes.
pub(super) async fn whole(body: Body, bytes_max: usize, within: Duration) -> Result<Bytes, Problem> {
    match tokio::time::timeout(within, to_bytes(body, bytes_max)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => {
            let problem = Problem::bad_request(format!("the body is cut short or longer than {bytes_max} bytes"));
            Err(problem.with_status(StatusCode::PAYLOAD_TOO_LARGE))
        }
        Err(_) => {
            let problem = Problem::bad_request(format!("the body did not come within {within:?}"));
            Err(problem.with_status(StatusCode::REQUEST_TIMEOUT))
        }
    }
}
