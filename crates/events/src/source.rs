//! The reading port: whatever can be read and followed, be it a whole event store or another service's feed.

use std::io;
use std::pin::Pin;

use futures_core::Stream;
use futures_core::future::BoxFuture;

use crate::{ErrorCode, Position, Query, Recorded, Revision, StreamId, Timestamp};

/// In which order a stream is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// From older to newer.
    #[default]
    Forward,
    /// From newer to older.
    Backward,
}

/// Part of one stream.
#[derive(Debug, Clone, Default)]
pub struct StreamSlice {
    /// The events, in the order that was asked for.
    pub events: Vec<Recorded>,
    /// The revision of the stream's last event; none if the stream does not exist.
    pub last: Option<Revision>,
    /// The first revision that can still be read: what was before has been truncated.
    pub first: Revision,
    /// Whether there is nothing behind these events in this direction.
    pub end: bool,
}

/// Part of everything.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The matching events, by position.
    pub events: Vec<Recorded>,
    /// Up to where this page tells all: every matching event after the position asked for and up to this one is
    /// in it. Go on from here.
    pub through: Position,
    /// The store's last position when the page was read.
    pub head: Position,
}

/// What a subscription delivers: at once, a page of events; it may be empty and only tell how far it has come.
#[derive(Debug, Clone, Default)]
pub struct Delivery {
    /// The next matching events, by position.
    pub events: Vec<Recorded>,
    /// Up to where the subscriber now has everything.
    pub through: Position,
    /// Whether it has caught up: nothing was behind `through` when this was sent. It goes on live, and may fall
    /// behind and catch up again.
    pub caught_up: bool,
}

/// Deliveries without a gap or a repeat, for as long as it is polled. It ends with an error, and otherwise never.
pub type Subscription = Pin<Box<dyn Stream<Item = Result<Delivery, ReadError>> + Send>>;

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is stored is damaged, and where.
    #[error("damaged data at {place}: {problem}")]
    Damaged {
        /// The file and offset, or the position.
        place: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The request is malformed or over a limit.
    #[error("invalid read: {0}")]
    Invalid(String),
    /// The store is closing or cannot be reached.
    #[error("the event store cannot be read: {0}")]
    Unavailable(String),
    /// No answer in time.
    #[error("the event store did not answer in time")]
    Timeout,
    /// Another input or output error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ReadError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Damaged { .. } => ErrorCode::DAMAGED,
            Self::Invalid(_) => ErrorCode::INVALID_READ,
            Self::Unavailable(_) => ErrorCode::UNAVAILABLE,
            Self::Timeout => ErrorCode::TIMEOUT,
            Self::Io(_) => ErrorCode::IO,
        }
    }
}

/// Whatever can be read by position and followed live.
pub trait EventSource: Send + Sync + 'static {
    /// The last position that can be read; [`Position::START`] if there is no event.
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>>;

    /// Under which URL others can read it too; none if it is only in this process.
    fn url(&self) -> Option<&str> {
        None
    }

    /// Up to `limit` events that match, after a position. The page's `through` tells how far it looked; it may
    /// have looked at a bounded part only and found nothing.
    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>>;

    /// All events that match, after a position: first those that are there, then new ones as they come.
    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>>;

    /// The same for a follower that has a name and comes back under it: a source may keep for it what it has not yet
    /// handled, until [`EventSource::handled`] says that it has. One follower of a name at a time.
    fn follow(&self, follower: &str, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        let _ = follower;
        self.subscribe(after, query)
    }

    /// The effects of everything up to a position are committed by a follower: nothing of it need be kept for it.
    fn handled(&self, follower: &str, through: Position) {
        let _ = (follower, through);
    }

    /// Up to `limit` events of one stream, from a revision (inclusive) onwards in a direction.
    /// `Revision::END` with [`Direction::Backward`] begins at the last one.
    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>>;

    /// The last position that was recorded at or before a moment, by the store's own clock.
    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>>;
}
