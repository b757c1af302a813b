//! `GET /openapi.json`: the description of all this, kept beside it and checked against the router by a test.

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

pub(super) const DOCUMENT: &str = include_str!("openapi.json");

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT).into_response()
}
