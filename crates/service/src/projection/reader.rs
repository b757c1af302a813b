//! What a query gets: a handle that can read, and has no way to write.

use rusqlite::{Connection, OptionalExtension, Params, Row};
use tradewind_events::Position;

/// A read model as one moment has it: everything asked through one reader is of the same position. The database
/// behind it is opened for reading only, and nothing here executes.
pub struct Reader<'a> {
    connection: &'a Connection,
    position: Position,
}

impl<'a> Reader<'a> {
    /// A reader of a database that its owner holds still at `position`: for testing queries without a service.
    #[must_use]
    pub fn new(connection: &'a Connection, position: Position) -> Self {
        Self { connection, position }
    }

    /// Which position the answers reflect.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// All rows of a `SELECT`.
    ///
    /// # Errors
    /// What SQLite says, or what `map` says of a row.
    pub fn all<T>(
        &self,
        select: &str,
        params: impl Params,
        map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Vec<T>> {
        self.connection.prepare_cached(select)?.query_map(params, map)?.collect()
    }

    /// The first row of a `SELECT`, if there is one.
    ///
    /// # Errors
    /// What SQLite says, or what `map` says of the row.
    pub fn first<T>(
        &self,
        select: &str,
        params: impl Params,
        map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<Option<T>> {
        self.connection.prepare_cached(select)?.query_row(params, map).optional()
    }
}
