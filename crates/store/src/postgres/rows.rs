//! Rows as events.

use bytes::Bytes;
use tokio_postgres::Row;
use tradewind_events::{EventId, Position, ReadError, Recorded, RecordedParts, Revision, Timestamp};
use uuid::Uuid;

use super::failure::Failure;

/// The events in rows whose columns begin at `at`, without those that were given up.
pub(super) struct Found {
    pub(super) events: Vec<Recorded>,
    /// How many rows were looked at, those that were given up included.
    pub(super) rows: usize,
    /// The position of the last of them; none if there is no row.
    pub(super) last: Option<Position>,
    /// Whether there were more, which are too long for one page.
    pub(super) cut: bool,
}

/// Reads what one of the statements with `{columns}` in it answered.
pub(super) fn found(rows: &[Row], at: usize) -> Result<Found, Failure> {
    let mut found = Found { events: Vec::with_capacity(rows.len()), rows: 0, last: None, cut: false };
    for row in rows {
        // A left join without a right side: there is nothing.
        let Some(position) = row.try_get::<_, Option<i64>>(at)? else { break };
        if !row.try_get::<_, bool>(at + 10)? {
            found.cut = true;
            break;
        }
        let position = Position(position.unsigned_abs());
        found.rows += 1;
        found.last = Some(position);
        if let Some(data) = row.try_get::<_, Option<&[u8]>>(at + 9)? {
            found.events.push(recorded(row, at, position, data)?);
        }
    }
    Ok(found)
}

pub(super) fn recorded(row: &Row, at: usize, position: Position, data: &[u8]) -> Result<Recorded, Failure> {
    let stream: &str = row.try_get(at + 5)?;
    let kind: &str = row.try_get(at + 6)?;
    let tags: &str = row.try_get(at + 7)?;
    let metadata: &[u8] = row.try_get(at + 8)?;
    let texts = [stream.as_bytes(), kind.as_bytes(), tags.as_bytes(), metadata, data];
    let mut block = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
    let [stream, event_type, tags, metadata, data] = texts.map(|text| {
        let start = block.len() as u32;
        block.extend_from_slice(text);
        start..block.len() as u32
    });
    let parts = RecordedParts {
        position,
        revision: Revision(row.try_get::<_, i64>(at + 1)?.unsigned_abs()),
        id: EventId(row.try_get::<_, Uuid>(at + 2)?),
        time: Timestamp::from_micros(row.try_get(at + 3)?),
        recorded_at: Timestamp::from_micros(row.try_get(at + 4)?),
        block: Bytes::from(block),
        stream,
        event_type,
        tags,
        metadata,
        data,
    };
    Recorded::from_parts(parts).ok_or_else(|| Failure::Refused(format!("position {position} is no event")))
}

/// What a reader is told when trying has not helped.
pub(super) fn read_error(failed: super::pool::Failed) -> ReadError {
    failed.failure.into_read_error()
}
