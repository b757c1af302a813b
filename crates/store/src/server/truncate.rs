//! `POST /streams/{stream}/truncate`: the beginning of a stream is needed no more.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use serde::Deserialize;
use tradewind_events::{AppendError, Revision};
use tradewind_http::reading::{Failure, StreamPath};

use super::Writing;
use super::body::Json;
use super::within::write_within;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Truncate {
    before: Revision,
}

pub(super) async fn truncate(
    State(it): State<Arc<Writing>>,
    StreamPath(stream): StreamPath,
    Json(body): Json,
) -> Result<StatusCode, Failure> {
    let Truncate { before } = serde_json::from_slice(&body).map_err(|error| AppendError::Invalid(error.to_string()))?;
    write_within(it.options.reading.answer_within, it.store.truncate(&stream, before)).await?;
    Ok(StatusCode::NO_CONTENT)
}
