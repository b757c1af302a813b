//! Reads: a request each, repeated while the connection is at fault.

use std::fmt::Write as _;
use std::io;

use http::StatusCode;
use tradewind_events::{Direction, Page, Position, Query, ReadError, Revision, StreamId, StreamSlice, Timestamp};

use super::transport::{Answer, Call, CallError, TARGET_BYTES_MAX, Transport};
use crate::limits::check_query;
use tradewind_http::percent_encoded;
use tradewind_http::wire::page::{AtPosition, read_page, read_slice};

pub(super) async fn head(transport: &Transport) -> Result<Position, ReadError> {
    position(&get(transport, "/head".to_owned()).await?)
}

pub(super) async fn position_at(transport: &Transport, moment: Timestamp) -> Result<Position, ReadError> {
    let time = percent_encoded(&moment.to_string());
    position(&get(transport, format!("/position-at?time={time}")).await?)
}

fn position(answer: &Answer) -> Result<Position, ReadError> {
    serde_json::from_slice::<AtPosition>(&answer.body).map(|at| at.position).map_err(|error| garbled(&error))
}

/// The target of a page's request, made before the query's borrow ends.
pub(super) fn page_target(after: Position, query: &Query, limit: usize) -> Result<String, ReadError> {
    let mut target = events_target("/events", after, query)?;
    if limit == 0 {
        return Err(ReadError::Invalid("limit is zero".to_owned()));
    }
    let _ = write!(target, "&limit={limit}");
    Ok(target)
}

/// `path?after=…&query=…`, with the query only if it asks for less than everything.
pub(super) fn events_target(path: &str, after: Position, query: &Query) -> Result<String, ReadError> {
    check_query(query)?;
    let mut target = format!("{path}?after={after}");
    if !query.is_all() {
        let json = serde_json::to_string(query).map_err(|error| ReadError::Invalid(error.to_string()))?;
        let _ = write!(target, "&query={}", percent_encoded(&json));
    }
    if target.len() > TARGET_BYTES_MAX {
        return Err(ReadError::Invalid(format!("the query has more than {TARGET_BYTES_MAX} bytes as a URL")));
    }
    Ok(target)
}

pub(super) async fn page(transport: &Transport, target: Result<String, ReadError>) -> Result<Page, ReadError> {
    let answer = get(transport, target?).await?;
    read_page(&answer.body).map_err(|error| garbled(&error))
}

pub(super) fn stream_target(
    stream: &StreamId,
    from: Revision,
    direction: Direction,
    limit: usize,
) -> Result<String, ReadError> {
    if limit == 0 {
        return Err(ReadError::Invalid("limit is zero".to_owned()));
    }
    let direction = match direction {
        Direction::Forward => "forward",
        Direction::Backward => "backward",
    };
    let stream = percent_encoded(stream.as_str());
    Ok(format!("/streams/{stream}?from={from}&direction={direction}&limit={limit}"))
}

pub(super) async fn stream(transport: &Transport, target: Result<String, ReadError>) -> Result<StreamSlice, ReadError> {
    let answer = get(transport, target?).await?;
    read_slice(&answer.body).map_err(|error| garbled(&error))
}

pub(super) async fn get(transport: &Transport, target: String) -> Result<Answer, ReadError> {
    let answer = again(transport, Call::get(target)).await?;
    match answer.status {
        StatusCode::OK => Ok(answer),
        _ => Err(answer.problem().into_read_error()),
    }
}

/// A call whose failure is a reader's.
pub(super) async fn again(transport: &Transport, call: Call) -> Result<Answer, ReadError> {
    transport.call_again(call).await.map_err(|(failure, _)| read_error(&failure))
}

/// A failure as a reader sees it.
pub(super) fn read_error(failure: &CallError) -> ReadError {
    match failure {
        CallError::Late(_) => ReadError::Timeout,
        other => ReadError::Unavailable(other.to_string()),
    }
}

/// An answer that is not what the server should send.
pub(super) fn garbled(error: &serde_json::Error) -> ReadError {
    ReadError::Io(io::Error::new(io::ErrorKind::InvalidData, format!("the server's answer is not understood: {error}")))
}
