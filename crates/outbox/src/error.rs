//! Why an outbox or inbox cannot be used.

use tradewind_events::ErrorCode;

/// Why an outbox or inbox cannot be used. Within a caller's transaction, that must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum OutboxError {
    /// The name of a schema or follower is none.
    #[error("{0}")]
    Invalid(String),
    /// A newer program made the tables.
    #[error("the tables have version {found}, and this program knows {known}")]
    Newer {
        /// The version that they have.
        found: i64,
        /// The newest version that this program knows.
        known: i64,
    },
    /// PostgreSQL refused, or cannot be reached.
    #[cfg(feature = "postgres")]
    #[error("PostgreSQL: {}", told(.0))]
    Postgres(#[from] tokio_postgres::Error),
    /// SQLite refused.
    #[cfg(feature = "sqlite")]
    #[error("SQLite: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// No answer in time.
    #[error("no answer within {0} ms")]
    Timeout(u64),
    /// A task of its own was given up.
    #[error("given up: {0}")]
    GivenUp(String),
}

impl OutboxError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Invalid(_) => ErrorCode::INVALID_APPEND,
            Self::Newer { .. } => ErrorCode::NOT_A_STORE,
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => ErrorCode::UNAVAILABLE,
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => ErrorCode::UNAVAILABLE,
            Self::Timeout(_) => ErrorCode::TIMEOUT,
            Self::GivenUp(_) => ErrorCode::UNAVAILABLE,
        }
    }
}

/// The driver itself says only that the server refused; why stands behind.
#[cfg(feature = "postgres")]
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(refused) => refused.message().to_owned(),
        None => error.to_string(),
    }
}
