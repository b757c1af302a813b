//! Bodies, which have to come in time and within the limit.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::StatusCode;
use bytes::Bytes;
use tradewind_http::is_json;
use tradewind_http::reading::Failure;

use super::Writing;

/// The whole body, said to be JSON.
pub(super) struct Json(pub(super) Bytes);

impl FromRequest<Arc<Writing>> for Json {
    type Rejection = Failure;
    async fn from_request(request: Request, it: &Arc<Writing>) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            let why = "the body must be sent as Content-Type: application/json";
            return Err(Failure::bad_request(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
        }
        Ok(Self(Whole::from_request(request, it).await?.0))
    }
}

/// The whole body, whatever it is.
pub(super) struct Whole(pub(super) Bytes);

impl FromRequest<Arc<Writing>> for Whole {
    type Rejection = Failure;
    async fn from_request(request: Request, it: &Arc<Writing>) -> Result<Self, Failure> {
        match tokio::time::timeout(it.options.reading.answer_within, Bytes::from_request(request, it)).await {
            Ok(Ok(body)) => Ok(Self(body)),
            Ok(Err(rejection)) => Err(Failure::bad_request(rejection.status(), rejection.body_text())),
            Err(_) => Err(Failure::bad_request(StatusCode::REQUEST_TIMEOUT, "the body did not come in time")),
        }
    }
}
