//! What a database says no with.

use rusqlite::ErrorCode;

/// A result of SQL.
pub type Result<T> = std::result::Result<T, Error>;

/// Why SQL was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// SQLite refused.
    #[error(transparent)]
    Sqlite(rusqlite::Error),
    /// PostgreSQL refused, or is away.
    #[error("{problem}")]
    Postgres {
        /// What it says.
        problem: String,
        /// The SQLSTATE, if it was the server that said it.
        state: Option<String>,
        /// Whether another moment, or another connection, may do.
        passes: bool,
    },
    /// There is no row where one was asked for.
    #[error("there is no such row")]
    NoRow,
    /// A value is not what was asked for, or cannot be one of this database's.
    #[error("{place}: {problem}")]
    Value {
        /// The column or the placeholder.
        place: String,
        /// What is wrong.
        problem: String,
    },
    /// A statement's placeholders are wrong, or do not fit its values.
    #[error("the statement's placeholders: {0}")]
    Placeholders(String),
}

impl Error {
    /// What is in a column cannot be read as what it is meant to be.
    pub fn unreadable(column: usize, problem: impl std::fmt::Display) -> Self {
        Self::Value { place: format!("column {column}"), problem: problem.to_string() }
    }

    /// Whether it is the database that is in trouble, and not what it was asked.
    pub(crate) fn is_trouble(&self) -> bool {
        match self {
            Self::Sqlite(error) => matches!(
                error.sqlite_error_code(),
                Some(
                    ErrorCode::DiskFull
                        | ErrorCode::SystemIoFailure
                        | ErrorCode::DatabaseBusy
                        | ErrorCode::DatabaseLocked
                        | ErrorCode::CannotOpen
                        | ErrorCode::OutOfMemory
                        | ErrorCode::OperationInterrupted
                )
            ),
            Self::Postgres { passes, .. } => *passes,
            Self::NoRow | Self::Value { .. } | Self::Placeholders(_) => false,
        }
    }
}

impl From<rusqlite::Error> for Error {
    fn from(error: rusqlite::Error) -> Self {
        match error {
            rusqlite::Error::QueryReturnedNoRows => Self::NoRow,
            other => Self::Sqlite(other),
        }
    }
}

impl From<rusqlite::types::FromSqlError> for Error {
    fn from(error: rusqlite::types::FromSqlError) -> Self {
        Self::Value { place: "a value".to_owned(), problem: error.to_string() }
    }
}

/// Takes the lack of a row for an answer.
pub trait OptionalExtension<T> {
    /// None instead of [`Error::NoRow`].
    ///
    /// # Errors
    /// Any other error.
    fn optional(self) -> Result<Option<T>>;
}

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Ok(value) => Ok(Some(value)),
            Err(Error::NoRow) => Ok(None),
            Err(error) => Err(error),
        }
    }
}
