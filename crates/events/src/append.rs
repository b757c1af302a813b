//! Writing: what is appended, and what comes back.

use std::io;

use crate::{AppendCondition, ErrorCode, Event, EventId, ExpectedRevision, Position, Revision, StreamId};

/// Events for one or several streams that are recorded together or not at all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Append {
    /// The streams, in the order in which their events take their positions. A stream may appear once.
    pub streams: Vec<StreamAppend>,
    /// A rule over everything, besides those of the streams.
    pub condition: Option<AppendCondition>,
}

/// The part of an [`Append`] that concerns one stream. Without events it only checks the stream's revision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamAppend {
    /// The stream.
    pub stream: StreamId,
    /// What the writer believes of it.
    pub expected: ExpectedRevision,
    /// What to append to it.
    pub events: Vec<Event>,
}

impl Append {
    /// The most events in one append.
    pub const EVENTS_MAX: usize = 4_096;
    /// The most bytes in one append: names, metadata and data of all its events.
    pub const BYTES_MAX: usize = 8 << 20;

    /// An append to one stream.
    #[must_use]
    pub fn to(stream: StreamId, expected: ExpectedRevision, events: Vec<Event>) -> Self {
        Self { streams: vec![StreamAppend { stream, expected, events }], condition: None }
    }

    /// The same append, under a condition.
    #[must_use]
    pub fn provided(mut self, condition: AppendCondition) -> Self {
        self.condition = Some(condition);
        self
    }
}

/// Where the events of an append are recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first event.
    pub first: Position,
    /// The position of the last event: a reader that has come this far has seen the whole append.
    pub last: Position,
    /// The last revision of each stream of the append, in its order; none for a stream that is still empty.
    pub revisions: Vec<Option<Revision>>,
    /// Whether the same events had been recorded before, so that nothing was written now.
    pub duplicate: bool,
}

/// Why nothing was appended; after [`AppendError::OutcomeUnknown`] and [`AppendError::Unavailable`] it may have
/// been, and repeating the append with the same event ids is safe and tells.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// A stream is not as the writer believed.
    #[error("stream {stream} is at revision {}, not {expected}", actual.map_or("none".to_owned(), |r| r.to_string()))]
    WrongRevision {
        /// The stream.
        stream: StreamId,
        /// What was believed.
        expected: ExpectedRevision,
        /// What is: the revision of the stream's last event, or none if it is empty.
        actual: Option<Revision>,
    },
    /// An event that the condition forbids has been recorded.
    #[error("the append condition fails: position {position} matches it")]
    ConditionFailed {
        /// The first such event after the condition's position.
        position: Position,
    },
    /// Some of the event ids are taken: by another stream, or together with others than now.
    #[error("event id {id} is already recorded at position {position}, in another append")]
    IdReused {
        /// The id.
        id: EventId,
        /// Where it is recorded.
        position: Position,
    },
    /// The append is malformed or over a limit; repeating it is no use.
    #[error("invalid append: {0}")]
    Invalid(String),
    /// The store's disk is full. Nothing was written; reads go on.
    #[error("no space left for the event store")]
    DiskFull,
    /// A write or a sync failed while this append was on its way. It may be recorded or not; the store must be
    /// reopened before it takes more.
    #[error("the outcome of the append is unknown: {0}")]
    OutcomeUnknown(String),
    /// The store takes no appends: it has failed before, is closing, or cannot be reached.
    #[error("the event store takes no appends: {0}")]
    Unavailable(String),
    /// The store has moved, and takes nothing more where it was. Nothing was written.
    #[error("the event store has moved to {0}")]
    Moved(String),
    /// The store waited too long for room in its queue, or for an answer.
    #[error("the event store is overloaded or did not answer in time")]
    Timeout,
    /// Another input or output error.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl AppendError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::WrongRevision { .. } => ErrorCode::WRONG_REVISION,
            Self::ConditionFailed { .. } => ErrorCode::CONDITION_FAILED,
            Self::IdReused { .. } => ErrorCode::ID_REUSED,
            Self::Invalid(_) => ErrorCode::INVALID_APPEND,
            Self::DiskFull => ErrorCode::DISK_FULL,
            Self::OutcomeUnknown(_) => ErrorCode::OUTCOME_UNKNOWN,
            Self::Unavailable(_) => ErrorCode::UNAVAILABLE,
            Self::Moved(_) => ErrorCode::MOVED,
            Self::Timeout => ErrorCode::TIMEOUT,
            Self::Io(_) => ErrorCode::IO,
        }
    }

    /// Whether another writer came first, so that loading anew and deciding again may succeed.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::WrongRevision { .. } | Self::ConditionFailed { .. })
    }
}
