//! `GET /streams/{stream}`: one stream, from either end.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use tradewind_events::{Direction, Revision};

use super::params::{Params, StreamPath};
use super::problem::read_within;
use super::{Failure, Reading, reflects};
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
    let read = async {
        // Before the stream itself, so that the answer reflects at least this position.
        let head = it.events.head().await?;
        Ok((head, it.events.read_stream(&stream, from, direction, limit).await?))
    };
    let (head, slice) = read_within(it.options.answer_within, read).await?;
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), reflects(head)];
    Ok((headers, write_slice(&slice, &it.options.source)).into_response())
}
