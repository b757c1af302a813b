//! Moving a store to another engine: the port of those that can be filled and emptied, and the move itself.
//!
//! What readers see is not enough for that: [`Kept`] events tell which of them were appended together, by which a
//! repeated append is recognised, and what was given up by truncations, without which positions would not be the same.
//! `docs/internals/moving.md` tells the order of things.

mod digest;
mod relocate;

use futures_core::future::BoxFuture;
use tradewind_events::{
    AppendError, EventId, EventStore, Position, ReadError, Recorded, RecordedParts, Revision, StreamId, Timestamp,
};

pub use relocate::{MoveError, Moved, Progress, relocate};

/// An event as an engine keeps it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The event; of one that was given up only its place, stream, id and times.
    pub event: Recorded,
    /// It is the first of its append.
    pub first: bool,
    /// It is the last of its append.
    pub last: bool,
    /// It was given up with the beginning of its stream.
    pub given_up: bool,
}

impl Kept {
    /// What an engine keeps of an event that was given up.
    pub(crate) fn given_up(
        place: (Position, Revision),
        id: EventId,
        times: (Timestamp, Timestamp),
        stream: &str,
        edges: (bool, bool),
    ) -> Option<Self> {
        let stream_end = stream.len() as u32;
        let empty = || stream_end..stream_end;
        let event = Recorded::from_parts(RecordedParts {
            position: place.0,
            revision: place.1,
            id,
            time: times.0,
            recorded_at: times.1,
            block: stream.as_bytes().to_vec().into(),
            stream: 0..stream_end,
            event_type: empty(),
            tags: empty(),
            metadata: empty(),
            data: empty(),
        })?;
        Some(Self { event, first: edges.0, last: edges.1, given_up: true })
    }
}

/// A store that can be moved, from here or to here.
pub trait Movable: EventStore {
    /// Which store it is, by whatever URL it was opened.
    fn identity(&self) -> BoxFuture<'_, Result<String, ReadError>>;

    /// Events after a position as they are kept, without a gap, at most `limit`; fewer if they are long, none only at
    /// the end.
    fn kept(&self, after: Position, limit: usize) -> BoxFuture<'_, Result<Vec<Kept>, ReadError>>;

    /// Keeps events exactly as they were elsewhere: whole appends that follow the store's last position.
    fn restore<'a>(&'a self, events: &'a [Kept]) -> BoxFuture<'a, Result<(), AppendError>>;

    /// The streams that were truncated, with the first revision that is left of each.
    fn truncations(&self) -> BoxFuture<'_, Result<Vec<(StreamId, Revision)>, ReadError>>;

    /// The streams that have a snapshot.
    fn snapshot_streams(&self) -> BoxFuture<'_, Result<Vec<StreamId>, ReadError>>;

    /// Stops everyone who writes, in other processes too, for as long as the answer lives. They wait; if the store
    /// has moved by then, they are told where to.
    fn stop_writers<'a>(&'a self, to: &'a str) -> BoxFuture<'a, Result<Box<dyn StoppedWriters>, AppendError>>;
}

/// Nobody writes while this lives. Dropped, writers go on as if nothing had been.
pub trait StoppedWriters: Send {
    /// Ends it for good: from here on the store takes nothing and tells where it has moved, after a restart too.
    fn moved(self: Box<Self>) -> BoxFuture<'static, Result<(), AppendError>>;
}
