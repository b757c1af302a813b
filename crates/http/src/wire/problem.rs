//! Errors on the wire: RFC 9457 problem details with Tradewind's stable codes, both ways.

use std::io;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tradewind_events::{AppendError, ErrorCode, EventId, ExpectedRevision, Position, ReadError, Revision, StreamId};

use super::append::read_expected;

/// A problem, as `application/problem+json`.
///
/// The members beside the standard ones tell what a program needs: `stream`, `expected` and `actual` (null: the
/// stream is empty) of a wrong revision; `position` of the event that a condition forbids; `id` and `position` of a
/// reused id; `"outcome":"unknown"` if the append may have been recorded; `place` and `problem` of damage.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Problem {
    /// `https://tradewind.dev/errors/` and the code.
    #[serde(rename = "type", default)]
    pub kind: String,
    /// What kind of problem it is, the same for each of its kind.
    #[serde(default)]
    pub title: String,
    /// The HTTP status.
    #[serde(default)]
    pub status: u16,
    /// What went wrong this time.
    #[serde(default)]
    pub detail: String,
    /// The stable code, as `TW-1001`.
    #[serde(default)]
    pub code: String,
    /// The members that belong to the code.
    #[serde(flatten)]
    pub members: Map<String, Value>,
}

impl Problem {
    /// A problem without further members.
    #[must_use]
    pub fn new(code: ErrorCode, status: u16, title: &str, detail: impl Into<String>) -> Self {
        Self {
            kind: format!("https://tradewind.dev/errors/{code}"),
            title: title.to_owned(),
            status,
            detail: detail.into(),
            code: code.to_string(),
            members: Map::new(),
        }
    }

    /// The same problem with one more member.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.to_owned(), value.into());
        self
    }

    /// The number of its code, if it is one of ours.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        let number = self.code.strip_prefix("TW-")?.parse().ok()?;
        Some(ErrorCode(number))
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.members.get(name)?.as_u64()
    }

    fn text(&self, name: &str) -> Option<&str> {
        self.members.get(name)?.as_str()
    }

    /// The append's error that this problem tells.
    #[must_use]
    pub fn into_append_error(self) -> AppendError {
        self.known_append_error().unwrap_or_else(|| AppendError::Io(io::Error::other(self.detail)))
    }

    fn known_append_error(&self) -> Option<AppendError> {
        Some(match self.error_code()? {
            ErrorCode::WRONG_REVISION => AppendError::WrongRevision {
                stream: StreamId::new(self.text("stream")?).ok()?,
                expected: self.expected()?,
                actual: self.number("actual").map(Revision),
            },
            ErrorCode::CONDITION_FAILED => {
                AppendError::ConditionFailed { position: Position(self.number("position")?) }
            }
            ErrorCode::ID_REUSED => AppendError::IdReused {
                id: self.text("id")?.parse::<EventId>().ok()?,
                position: Position(self.number("position")?),
            },
            ErrorCode::INVALID_APPEND | ErrorCode::BAD_REQUEST => AppendError::Invalid(self.detail.clone()),
            ErrorCode::DISK_FULL => AppendError::DiskFull,
            ErrorCode::OUTCOME_UNKNOWN => AppendError::OutcomeUnknown(self.detail.clone()),
            ErrorCode::UNAVAILABLE => AppendError::Unavailable(self.detail.clone()),
            ErrorCode::MOVED => AppendError::Moved(self.text("to")?.to_owned()),
            ErrorCode::TIMEOUT => AppendError::Timeout,
            _ => return None,
        })
    }

    fn expected(&self) -> Option<ExpectedRevision> {
        match self.number("expected") {
            Some(revision) => Some(ExpectedRevision::Exactly(Revision(revision))),
            None => read_expected(self.text("expected")?),
        }
    }

    /// The read's error that this problem tells.
    #[must_use]
    pub fn into_read_error(self) -> ReadError {
        match self.error_code() {
            Some(ErrorCode::INVALID_READ | ErrorCode::BAD_REQUEST | ErrorCode::NOT_FOUND) => {
                ReadError::Invalid(self.detail)
            }
            Some(ErrorCode::DAMAGED) => ReadError::Damaged {
                place: self.text("place").unwrap_or_default().to_owned(),
                problem: self.text("problem").unwrap_or_default().to_owned(),
            },
            Some(ErrorCode::UNAVAILABLE) => ReadError::Unavailable(self.detail),
            Some(ErrorCode::TIMEOUT) => ReadError::Timeout,
            _ => ReadError::Io(io::Error::other(self.detail)),
        }
    }
}

impl From<&AppendError> for Problem {
    fn from(error: &AppendError) -> Self {
        let (status, title) = match error {
            AppendError::WrongRevision { .. } => (409, "The stream is not at the expected revision"),
            AppendError::ConditionFailed { .. } => (409, "The append condition fails"),
            AppendError::IdReused { .. } => (422, "An event id is taken by another append"),
            AppendError::Invalid(_) => (400, "The append is malformed or over a limit"),
            AppendError::DiskFull => (507, "The event store's disk is full"),
            AppendError::OutcomeUnknown(_) => (503, "The outcome of the append is unknown"),
            AppendError::Unavailable(_) => (503, "The event store takes no appends"),
            AppendError::Moved(_) => (410, "The event store has moved"),
            AppendError::Timeout => (503, "The event store is overloaded"),
            AppendError::Io(_) => (500, "An input or output error"),
        };
        // What has a payload of text tells that alone, so that it reads the same after the way there and back.
        let detail = match error {
            AppendError::Invalid(detail) | AppendError::OutcomeUnknown(detail) | AppendError::Unavailable(detail) => {
                detail.clone()
            }
            other => other.to_string(),
        };
        let problem = Self::new(error.code(), status, title, detail);
        match error {
            AppendError::WrongRevision { stream, expected, actual } => {
                let expected: Value = match expected {
                    ExpectedRevision::Exactly(revision) => revision.0.into(),
                    word => word.to_string().into(),
                };
                problem.with("stream", stream.as_str()).with("expected", expected).with("actual", actual.map(|r| r.0))
            }
            AppendError::ConditionFailed { position } => problem.with("position", position.0),
            AppendError::IdReused { id, position } => problem.with("id", id.to_string()).with("position", position.0),
            AppendError::OutcomeUnknown(_) | AppendError::Unavailable(_) => problem.with("outcome", "unknown"),
            AppendError::Moved(to) => problem.with("to", to.as_str()),
            _ => problem,
        }
    }
}

impl From<&ReadError> for Problem {
    fn from(error: &ReadError) -> Self {
        let (status, title) = match error {
            ReadError::Damaged { .. } => (500, "Stored data is damaged"),
            ReadError::Invalid(_) => (400, "The read is malformed or over a limit"),
            ReadError::Unavailable(_) => (503, "The event store cannot be read"),
            ReadError::Timeout => (503, "The event store did not answer in time"),
            ReadError::Io(_) => (500, "An input or output error"),
        };
        let detail = match error {
            ReadError::Invalid(detail) | ReadError::Unavailable(detail) => detail.clone(),
            other => other.to_string(),
        };
        let wire = Self::new(error.code(), status, title, detail);
        match error {
            ReadError::Damaged { place, problem } => {
                wire.with("place", place.as_str()).with("problem", problem.as_str())
            }
            _ => wire,
        }
    }
}
