//! `GET /streams/{stream}` and `POST /streams/{stream}/truncate`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tradewind_events::{AppendError, Direction, Revision};

use super::params::{Params, StreamPath, Whole};
use super::problem::{read_within, write_within};
use super::{Failure, Reading, Writing};
use crate::wire::page::write_slice;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StreamParams {
    from: Option<Revision>,
    #[serde(default)]
    direction: WireDirection,
    limit: Option<usize>,
}

#[derive(Deserialize, Default, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum WireDirection {
    #[default]
    Forward,
    Backward,
}

pub(super) async fn read(
    State(it): State<Arc<Reading>>,
    StreamPath(stream): StreamPath,
    Params(params): Params<StreamParams>,
) -> Result<Response, Failure> {
    let (direction, start) = match params.direction {
        WireDirection::Forward => (Direction::Forward, Revision::FIRST),
        WireDirection::Backward => (Direction::Backward, Revision::END),
    };
    let limit = params.limit.unwrap_or(it.options.page_events_default).min(it.options.page_events_max);
    if limit == 0 {
        return Err(Failure::invalid_read("limit is zero"));
    }
    let from = params.from.unwrap_or(start);
    let slice = read_within(it.options.answer_within, it.events.read_stream(&stream, from, direction, limit)).await?;
    let json = write_slice(&slice, &it.options.source);
    Ok(([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], json).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Truncate {
    before: Revision,
}

pub(super) async fn truncate(
    State(it): State<Arc<Writing>>,
    StreamPath(stream): StreamPath,
    Whole(body): Whole,
) -> Result<StatusCode, Failure> {
    let Truncate { before } = serde_json::from_slice(&body).map_err(|error| AppendError::Invalid(error.to_string()))?;
    write_within(it.options.answer_within, it.store.truncate(&stream, before)).await?;
    Ok(StatusCode::NO_CONTENT)
}
