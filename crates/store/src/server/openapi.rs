//! `GET /openapi.json`: the description of all this, kept beside it and checked against the router by a test. What
//! concerns reading is kept beside that.

use std::sync::LazyLock;

use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tradewind_http::reading::{Description, described};

pub(super) static DOCUMENT: LazyLock<String> = LazyLock::new(|| {
    // A test sees to it that it can be read.
    let mut document: Value = serde_json::from_str(include_str!("openapi.json")).unwrap_or_default();
    let Description { paths, schemas } = described("", "/feed");
    if let Some(own) = document["paths"].as_object_mut() {
        own.extend(paths);
    }
    if let Some(own) = document["components"]["schemas"].as_object_mut() {
        own.extend(schemas);
    }
    document.to_string()
});

pub(super) async fn document() -> Response {
    ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], DOCUMENT.as_str()).into_response()
}
