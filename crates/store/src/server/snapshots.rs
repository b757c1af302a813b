//! `GET` and `PUT /streams/{stream}/snapshot`: the state as it is, in the body; what belongs to it, in headers.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tradewind_events::{Position, Revision, Snapshot};
use tradewind_http::reading::{Failure, StreamPath, read_within};
use tradewind_http::wire::{SNAPSHOT_POSITION_HEADER, SNAPSHOT_REVISION_HEADER, SNAPSHOT_SCHEMA_HEADER};

use super::Writing;
use super::body::Whole;

pub(super) async fn load(State(it): State<Arc<Writing>>, StreamPath(stream): StreamPath) -> Result<Response, Failure> {
    let Some(snapshot) = read_within(it.options.reading.answer_within, it.store.load_snapshot(&stream)).await? else {
        return Err(Failure::not_found(format!("stream {stream} has no snapshot")));
    };
    // A schema that no header can carry is one that nobody could have sent.
    let schema = HeaderValue::from_str(&snapshot.schema)
        .map_err(|_| Failure::not_found("the snapshot's schema cannot be told in a header"))?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream")),
        (HeaderName::from_static(SNAPSHOT_REVISION_HEADER), HeaderValue::from(snapshot.revision.0)),
        (HeaderName::from_static(SNAPSHOT_POSITION_HEADER), HeaderValue::from(snapshot.position.0)),
        (HeaderName::from_static(SNAPSHOT_SCHEMA_HEADER), schema),
    ];
    Ok((headers, snapshot.state).into_response())
}

pub(super) async fn save(
    State(it): State<Arc<Writing>>,
    StreamPath(stream): StreamPath,
    headers: HeaderMap,
    Whole(body): Whole,
) -> Result<StatusCode, Failure> {
    let snapshot = Snapshot {
        stream,
        revision: Revision(number(&headers, SNAPSHOT_REVISION_HEADER)?),
        position: Position(number(&headers, SNAPSHOT_POSITION_HEADER)?),
        schema: text(&headers, SNAPSHOT_SCHEMA_HEADER)?.to_owned(),
        state: body,
    };
    read_within(it.options.reading.answer_within, it.store.save_snapshot(snapshot)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Failure> {
    let value = headers.get(name).ok_or_else(|| Failure::invalid_read(format!("the header {name} is missing")))?;
    value.to_str().map_err(|_| Failure::invalid_read(format!("the header {name} is not ASCII")))
}

fn number(headers: &HeaderMap, name: &str) -> Result<u64, Failure> {
    text(headers, name)?.parse().map_err(|_| Failure::invalid_read(format!("the header {name} is no number")))
}
