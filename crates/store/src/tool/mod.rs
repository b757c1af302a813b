//! What the command line does with a store, of whatever engine: look at it, follow it, append to it, and carry it
//! elsewhere as newline-delimited CloudEvents. No arguments and no terminal here.

mod append;
mod cloudevents;
mod export;
mod import;
mod stat;

pub use append::append;
pub use export::{Selection, export, tail};
pub use import::{ImportOptions, Imported, import};
pub use stat::{CategoryStat, StoreStat, stat};

use std::io;

use tradewind_events::{AppendError, ErrorCode, ReadError};

/// Why a tool stopped. What was done before is done.
#[derive(Debug, thiserror::Error)]
pub enum ToolError {
    /// The store cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The store refused an append.
    #[error("{}{source}", lines(*.first, *.last))]
    Append {
        /// The input's first line that it concerns, from 1.
        first: u64,
        /// The last.
        last: u64,
        /// Why.
        source: AppendError,
    },
    /// A line of the input is no JSON, or no CloudEvent.
    #[error("line {line}: {problem}")]
    Line {
        /// Which, from 1.
        line: u64,
        /// What is wrong with it.
        problem: String,
    },
    /// The input cannot be read or the output not be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

fn lines(first: u64, last: u64) -> String {
    if first == last { format!("line {first}: ") } else { format!("lines {first} to {last}: ") }
}

impl ToolError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Read(error) => error.code(),
            Self::Append { source, .. } => source.code(),
            Self::Line { .. } => ErrorCode::INVALID_CLOUDEVENT,
            Self::Io(_) => ErrorCode::IO,
        }
    }

    fn line(line: u64, problem: &impl ToString) -> Self {
        Self::Line { line, problem: problem.to_string() }
    }
}
