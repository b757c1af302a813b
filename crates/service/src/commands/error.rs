//! Why a command was not acknowledged.

use tradewind_events::{AppendError, ErrorCode, NameError, Position, ReadError, Revision, StreamId};

use crate::{NotYet, Rejection, UpcastError};

/// Why a command was not acknowledged. Only after [`CommandError::Append`] may it have taken effect all the same;
/// giving it again under the same key is then safe, and tells.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    /// The rules said no.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The entity's id cannot be part of a stream's name.
    #[error(transparent)]
    InvalidId(#[from] NameError),
    /// Others kept changing the entity between its loading and the append.
    #[error("the entity was changed by others in each of {attempts} attempts")]
    Contention {
        /// How often it was tried.
        attempts: u32,
    },
    /// An event that the command's condition forbids has been recorded.
    #[error("position {position} holds an event that this command's condition forbids")]
    ConditionFailed {
        /// The first such event.
        position: Position,
    },
    /// The key has been used for another request.
    #[error("the idempotency key was used for another request before")]
    KeyReused,
    /// The command needs a key and came without.
    #[error("this command needs an Idempotency-Key header")]
    KeyMissing,
    /// A recorded event of the entity cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A new event cannot be written.
    #[error("an event cannot be encoded: {0}")]
    Encode(String),
    /// The store did not take it.
    #[error(transparent)]
    Append(AppendError),
}

/// Why an entity could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The entity's id cannot be part of a stream's name.
    #[error(transparent)]
    InvalidId(#[from] NameError),
    /// It was asked for as of a moment that has not come.
    #[error(transparent)]
    NotYet(#[from] NotYet),
    /// The store could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An old event cannot be brought to today's shape.
    #[error(transparent)]
    Upcast(#[from] UpcastError),
    /// An event is not what its type promises.
    #[error("the event at position {position} cannot be read: {problem}")]
    Undecodable {
        /// Where it is recorded.
        position: Position,
        /// What is wrong with it.
        problem: String,
    },
    /// Its first events are gone, and no snapshot stands for them.
    #[error("stream {stream} begins at revision {first}, and no snapshot stands for what was before")]
    Truncated {
        /// The stream.
        stream: StreamId,
        /// The first event that is left.
        first: Revision,
    },
}

impl LoadError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::InvalidId(_) | Self::NotYet(_) => ErrorCode::BAD_REQUEST,
            Self::Read(error) => error.code(),
            Self::Upcast(_) | Self::Undecodable { .. } => ErrorCode::POISON_EVENT,
            Self::Truncated { .. } => ErrorCode::TRUNCATED,
        }
    }

    /// Whether trying again later may help.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Read(ReadError::Unavailable(_) | ReadError::Timeout | ReadError::Io(_)))
    }
}

impl CommandError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Rejected(_) => ErrorCode::REJECTED,
            Self::InvalidId(_) => ErrorCode::BAD_REQUEST,
            Self::Contention { .. } => ErrorCode::TOO_MUCH_CONTENTION,
            Self::ConditionFailed { .. } => ErrorCode::CONDITION_FAILED,
            Self::KeyReused => ErrorCode::IDEMPOTENCY_KEY_REUSED,
            Self::KeyMissing => ErrorCode::IDEMPOTENCY_KEY_MISSING,
            Self::Load(error) => error.code(),
            Self::Encode(_) => ErrorCode::INTERNAL,
            Self::Append(error) => error.code(),
        }
    }

    /// Whether giving the command again later, under the same key, may succeed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Contention { .. } => true,
            Self::Load(error) => error.is_transient(),
            Self::Append(error) => !matches!(error, AppendError::Invalid(_) | AppendError::IdReused { .. }),
            _ => false,
        }
    }

    /// The answer, if it is one: that the rules, or what has happened elsewhere, say no. Everything else is a failure.
    pub(crate) fn into_rejection(self) -> Result<Rejection, Self> {
        match self {
            Self::Rejected(rejection) => Ok(rejection),
            Self::ConditionFailed { .. } => Ok(Rejection::new("condition-failed", self.to_string())),
            failure => Err(failure),
        }
    }

    /// The outcome as a word for metrics.
    pub(crate) fn outcome(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "rejected",
            Self::Contention { .. } | Self::ConditionFailed { .. } => "conflict",
            Self::InvalidId(_) | Self::KeyReused | Self::KeyMissing => "refused",
            Self::Load(_) | Self::Encode(_) | Self::Append(_) => "failed",
        }
    }
}
