//! What went wrong with the database, and what that means for whom.

use std::error::Error as _;
use std::io;

use tokio_postgres::error::{DbError, Severity, SqlState};
use tradewind_events::{AppendError, ReadError};

use super::url::told;

/// Why the database did not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Failure {
    /// It cannot be reached, went away meanwhile, or takes no writes: another moment, or another of the hosts, may
    /// do.
    #[error("{0}")]
    Away(String),
    /// It did not answer in time.
    #[error("PostgreSQL did not answer in time: {0}")]
    Slow(String),
    /// It said itself that it gave up, so that nothing was done.
    #[error("{0}")]
    Undone(Box<Failure>),
    /// It has no room.
    #[error("PostgreSQL has no space left: {0}")]
    Full(String),
    /// It keeps what it is told in its own memory only, or on fewer servers than it should.
    #[error("{0}")]
    Forgetful(String),
    /// The store has moved.
    #[error("the event store has moved to {0}")]
    Moved(String),
    /// It refuses.
    #[error("PostgreSQL refused: {0}")]
    Refused(String),
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => refused(refusal),
            None if is_of_the_connection(&error) => Self::Away(told(&error)),
            None => Self::Refused(told(&error)),
        }
    }
}

/// Whether the connection is at fault, and not what was sent over it.
fn is_of_the_connection(error: &tokio_postgres::Error) -> bool {
    error.is_closed()
        || error.source().is_some_and(|cause| cause.is::<io::Error>())
        // What the driver says when none of the hosts would do.
        || error.to_string().starts_with("error connecting")
        || error.to_string().starts_with("error performing TLS")
        || error.to_string().starts_with("timeout")
}

fn refused(error: &DbError) -> Failure {
    let text = match error.detail() {
        Some(detail) => format!("{} ({detail}) [{}]", error.message(), error.code().code()),
        None => format!("{} [{}]", error.message(), error.code().code()),
    };
    let code = error.code();
    let passing = [
        &SqlState::ADMIN_SHUTDOWN,
        &SqlState::CRASH_SHUTDOWN,
        &SqlState::CANNOT_CONNECT_NOW,
        &SqlState::TOO_MANY_CONNECTIONS,
        // A primary that has become a standby.
        &SqlState::READ_ONLY_SQL_TRANSACTION,
        &SqlState::T_R_DEADLOCK_DETECTED,
        &SqlState::T_R_SERIALIZATION_FAILURE,
    ];
    let undone = |failure| Failure::Undone(Box::new(failure));
    // A refusal that leaves the session open has undone the statement. One that ends it says nothing of a commit.
    let is_answer = error.parsed_severity() == Some(Severity::Error);
    match code {
        // Ended by a time limit that an administrator set while the session was open: for the session, or for a lock.
        _ if ["57P05", "25P03", "25P04"].contains(&code.code()) => Failure::Away(text),
        _ if *code == SqlState::LOCK_NOT_AVAILABLE => undone(Failure::Away(text)),
        _ if code.code() == super::moving::MOVED => Failure::Moved(error.message().to_owned()),
        _ if passing.contains(&code) && is_answer => undone(Failure::Away(text)),
        _ if passing.contains(&code) || code.code().starts_with("08") => Failure::Away(text),
        _ if *code == SqlState::DISK_FULL => Failure::Full(text),
        // The server stops its clock before it commits.
        _ if *code == SqlState::QUERY_CANCELED => undone(Failure::Slow(text)),
        _ => Failure::Refused(text),
    }
}

impl Failure {
    /// Whether trying again may help. What the server did not do within its time, it would not do in as much again.
    pub(super) fn passes(&self) -> bool {
        match self {
            Self::Away(_) | Self::Slow(_) => true,
            Self::Undone(failure) => matches!(**failure, Self::Away(_)),
            _ => false,
        }
    }

    /// Whether what was asked may have been done all the same.
    pub(super) fn may_be_done(&self) -> bool {
        matches!(self, Self::Away(_) | Self::Slow(_))
    }

    /// Whether the connection on which it came is as good as before.
    pub(super) fn leaves_the_connection(&self) -> bool {
        match self {
            Self::Moved(_) | Self::Refused(_) => true,
            Self::Undone(failure) => matches!(**failure, Self::Slow(_)),
            _ => false,
        }
    }

    /// What a reader is told.
    pub(super) fn into_read_error(self) -> ReadError {
        match self {
            Self::Undone(failure) => failure.into_read_error(),
            Self::Away(why) | Self::Forgetful(why) => ReadError::Unavailable(why),
            Self::Slow(_) => ReadError::Timeout,
            Self::Full(_) | Self::Moved(_) | Self::Refused(_) => ReadError::Io(io::Error::other(self.to_string())),
        }
    }

    /// What a writer is told; `reached` if an attempt may have been recorded whose answer was lost.
    pub(super) fn into_append_error(self, reached: bool) -> AppendError {
        match self {
            other if reached => AppendError::OutcomeUnknown(other.to_string()),
            Self::Undone(failure) => failure.into_append_error(false),
            Self::Moved(to) => AppendError::Moved(to),
            Self::Full(_) => AppendError::DiskFull,
            Self::Refused(_) => AppendError::Io(io::Error::other(self.to_string())),
            Self::Slow(_) => AppendError::Timeout,
            Self::Away(why) | Self::Forgetful(why) => AppendError::Unavailable(why),
        }
    }
}
