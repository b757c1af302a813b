//! What can go wrong, by operation.

use std::io;

/// Why a log cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process, or another opener in this one, has it open.
    #[error("the log in {place} is in use: {holder}")]
    Locked {
        /// The folder.
        place: String,
        /// Who has it.
        holder: String,
    },
    /// Data that was durable is damaged or missing. Nothing was changed.
    #[error("the log is damaged: {file} at offset {offset}: {problem}")]
    Damaged {
        /// The segment's file.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },
    /// A file is of another format than this program writes.
    #[error("{file} is not a segment that this program can read: {problem}")]
    NotALog {
        /// The file.
        file: String,
        /// What is wrong with it.
        problem: String,
    },
    /// An option is out of its range.
    #[error("invalid option: {0}")]
    Options(String),
    /// An input or output error.
    #[error("the log in {place}: {error}")]
    Io {
        /// The folder.
        place: String,
        /// What the operating system says.
        error: io::Error,
    },
}

/// Why nothing was appended, or why that is unknown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// A stream is not as expected.
    #[error("stream {stream} is at revision {actual:?}")]
    WrongRevision {
        /// Which of the request's streams, counted from 0.
        index: usize,
        /// Its name.
        stream: String,
        /// Its last revision, or none if it is empty.
        actual: Option<u64>,
    },
    /// A record that the condition forbids is there.
    #[error("the append condition fails at position {position}")]
    ConditionFailed {
        /// The first such record's position.
        position: u64,
    },
    /// An id is taken by a record that is not part of the same append.
    #[error("id {id:032x} is recorded at position {position} already")]
    IdReused {
        /// The id.
        id: u128,
        /// Where it is.
        position: u64,
    },
    /// The request is over a limit or malformed.
    #[error("invalid append: {0}")]
    Invalid(String),
    /// No room on the disk. Nothing was written.
    #[error("no space left on the log's disk")]
    DiskFull,
    /// A write or sync failed while this append was on its way: it may be there after reopening, or not.
    #[error("the outcome is unknown: {0}")]
    OutcomeUnknown(String),
    /// The log takes no appends until it is reopened.
    #[error("the log takes no appends: {0}")]
    Closed(String),
    /// The writer's queue is full.
    #[error("the log's queue is full")]
    Busy,
    /// Looking up what is there already failed, so that the request could not be checked.
    #[error("the append could not be checked: {0}")]
    Check(String),
}

/// Why a read failed.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// What is stored is not what was written.
    #[error("damaged data in {file} at offset {offset}: {problem}")]
    Damaged {
        /// The file.
        file: String,
        /// Where in it, in bytes.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },
    /// An input or output error.
    #[error("reading {file}: {error}")]
    Io {
        /// The file.
        file: String,
        /// What the operating system says.
        error: io::Error,
    },
}
