//! Snapshots of a store that is elsewhere.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use tradewind_events::{Position, ReadError, Revision, Snapshot, StreamId};

use super::reads::again;
use super::transport::{Call, Transport};
use tradewind_http::percent_encoded;
use tradewind_http::wire::{SNAPSHOT_POSITION_HEADER, SNAPSHOT_REVISION_HEADER, SNAPSHOT_SCHEMA_HEADER};

fn target(stream: &StreamId) -> String {
    format!("/streams/{}/snapshot", percent_encoded(stream.as_str()))
}

pub(super) async fn load(transport: &Transport, stream: StreamId) -> Result<Option<Snapshot>, ReadError> {
    let answer = again(transport, Call::get(target(&stream))).await?;
    match answer.status {
        StatusCode::NOT_FOUND => Ok(None),
        // A snapshot whose headers are not understood is as good as none: it can be made again.
        StatusCode::OK => Ok(told(&answer.headers).map(|(revision, position, schema)| Snapshot {
            stream,
            revision: Revision(revision),
            position: Position(position),
            schema,
            state: answer.body.clone(),
        })),
        _ => Err(answer.problem().into_read_error()),
    }
}

fn told(headers: &HeaderMap) -> Option<(u64, u64, String)> {
    let text = |name: &str| headers.get(name)?.to_str().ok();
    Some((
        text(SNAPSHOT_REVISION_HEADER)?.parse().ok()?,
        text(SNAPSHOT_POSITION_HEADER)?.parse().ok()?,
        text(SNAPSHOT_SCHEMA_HEADER)?.to_owned(),
    ))
}

pub(super) async fn save(transport: &Transport, snapshot: Snapshot) -> Result<(), ReadError> {
    let schema = HeaderValue::from_str(&snapshot.schema)
        .map_err(|_| ReadError::Invalid("a snapshot's schema must be printable ASCII".to_owned()))?;
    let headers = HeaderMap::from_iter([
        (HeaderName::from_static(SNAPSHOT_REVISION_HEADER), HeaderValue::from(snapshot.revision.0)),
        (HeaderName::from_static(SNAPSHOT_POSITION_HEADER), HeaderValue::from(snapshot.position.0)),
        (HeaderName::from_static(SNAPSHOT_SCHEMA_HEADER), schema),
    ]);
    let call = Call { method: Method::PUT, target: target(&snapshot.stream), headers, body: snapshot.state };
    let answer = again(transport, call).await?;
    if answer.status.is_success() { Ok(()) } else { Err(answer.problem().into_read_error()) }
}
