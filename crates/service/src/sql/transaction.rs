//! A transaction, as a projection gets it.

use super::{Params, Result, Row, Statement, postgres};

/// The database behind a transaction or a reader.
#[derive(Clone, Copy)]
pub(crate) enum Backend<'a> {
    Sqlite(&'a rusqlite::Connection),
    Postgres(&'a postgres::Session),
}

/// The transaction in which an event is applied; whoever runs the projection ends it.
pub struct Transaction<'a>(Backend<'a>);

impl<'a> Transaction<'a> {
    /// A transaction on a SQLite database, which its owner commits: for testing projections without a service.
    #[must_use]
    pub fn on_sqlite(connection: &'a rusqlite::Connection) -> Self {
        Self(Backend::Sqlite(connection))
    }

    pub(crate) fn on_postgres(session: &'a postgres::Session) -> Self {
        Self(Backend::Postgres(session))
    }

    /// A statement, prepared when it is first used and kept for the next time.
    ///
    /// # Errors
    /// What the database says of it.
    pub fn prepare_cached(&self, sql: &str) -> Result<Statement<'a>> {
        self.0.prepare_cached(sql)
    }

    /// Carries out a statement.
    ///
    /// # Errors
    /// What the database says; see [`Statement::execute`].
    pub fn execute(&self, sql: &str, params: impl Params) -> Result<()> {
        self.prepare_cached(sql)?.execute(params)
    }

    /// What a statement's first row says.
    ///
    /// # Errors
    /// [`Error::NoRow`](super::Error::NoRow) if there is none; what the database says, or `map` says of the row.
    pub fn query_row<T>(&self, sql: &str, params: impl Params, map: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        self.prepare_cached(sql)?.query_row(params, map)
    }
}

impl<'a> Backend<'a> {
    pub(crate) fn prepare_cached(self, sql: &str) -> Result<Statement<'a>> {
        Ok(match self {
            Self::Sqlite(connection) => Statement::sqlite(connection.prepare_cached(sql)?),
            Self::Postgres(session) => Statement::postgres(session, session.prepare(sql)?),
        })
    }
}
