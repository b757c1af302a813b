//! What a table has of an event, as an event.

use bytes::Bytes;
use tradewind_events::{
    Direction, Event, EventId, Position, Recorded, RecordedParts, Revision, StreamSlice, Tag, Timestamp,
};
use uuid::Uuid;

/// One row's columns.
pub(crate) struct Row<'a> {
    pub(crate) position: i64,
    pub(crate) at: i64,
    pub(crate) event: Uuid,
    pub(crate) event_type: &'a str,
    pub(crate) stream: &'a str,
    pub(crate) time: i64,
    pub(crate) tags: &'a str,
    pub(crate) metadata: &'a [u8],
    pub(crate) data: &'a [u8],
}

impl Row<'_> {
    /// The event. Revisions are not counted in an outbox: they grow within a stream, with gaps.
    pub(crate) fn recorded(self) -> Recorded {
        let texts =
            [self.stream.as_bytes(), self.event_type.as_bytes(), self.tags.as_bytes(), self.metadata, self.data];
        let mut block = Vec::with_capacity(texts.iter().map(|text| text.len()).sum());
        let [stream, event_type, tags, metadata, data] = texts.map(|text| {
            let start = block.len() as u32;
            block.extend_from_slice(text);
            start..block.len() as u32
        });
        let position = Position(self.position.unsigned_abs());
        let parts = RecordedParts {
            position,
            revision: Revision(position.0.saturating_sub(1)),
            id: EventId(self.event),
            time: Timestamp::from_micros(self.time),
            recorded_at: Timestamp::from_micros(self.at),
            block: Bytes::from(block),
            stream,
            event_type,
            tags,
            metadata,
            data,
        };
        // The ranges are of this block, and the names were text.
        #[expect(clippy::expect_used, reason = "it cannot be otherwise")]
        Recorded::from_parts(parts).expect("ranges within the block")
    }
}

/// An event's tags as they are kept.
pub(crate) fn tags(event: &Event) -> String {
    event.tags.iter().map(Tag::as_str).collect::<Vec<_>>().join(",")
}

/// Part of one stream, of all of its events that are kept, oldest first.
pub(crate) fn slice(mut all: Vec<Recorded>, from: Revision, direction: Direction, limit: usize) -> StreamSlice {
    let first = all.first().map_or(Revision(0), Recorded::revision);
    let last = all.last().map(Recorded::revision);
    match direction {
        Direction::Forward => all.retain(|event| event.revision() >= from),
        Direction::Backward => {
            all.retain(|event| event.revision() <= from);
            all.reverse();
        }
    }
    let end = all.len() <= limit;
    all.truncate(limit);
    StreamSlice { events: all, last, first, end }
}
