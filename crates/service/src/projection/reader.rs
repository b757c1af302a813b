//! What a query gets: a handle that can read, and has no way to write.

use rusqlite::Connection;
use tradewind_events::Position;

use crate::sql::{self, Backend, OptionalExtension, Params, Row, postgres};

/// A read model as one moment has it: everything asked through one reader is of the same position. The database
/// behind it is opened for reading only, and nothing here executes.
pub struct Reader<'a> {
    database: Backend<'a>,
    position: Position,
}

impl<'a> Reader<'a> {
    /// A reader of a SQLite database that its owner holds still at `position`: for testing queries without a service.
    #[must_use]
    pub fn new(connection: &'a Connection, position: Position) -> Self {
        Self { database: Backend::Sqlite(connection), position }
    }

    pub(crate) fn of_session(session: &'a postgres::Session, position: Position) -> Self {
        Self { database: Backend::Postgres(session), position }
    }

    /// Which position the answers reflect.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// All rows of a `SELECT`.
    ///
    /// # Errors
    /// What the database says, or what `map` says of a row.
    pub fn all<T>(
        &self,
        select: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> sql::Result<T>,
    ) -> sql::Result<Vec<T>> {
        self.database.prepare_cached(select)?.query_all(params, map)
    }

    /// The first row of a `SELECT`, if there is one.
    ///
    /// # Errors
    /// What the database says, or what `map` says of the row.
    pub fn first<T>(
        &self,
        select: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> sql::Result<T>,
    ) -> sql::Result<Option<T>> {
        self.database.prepare_cached(select)?.query_row(params, map).optional()
    }
}
