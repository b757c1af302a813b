//! A row of an answer.

use rusqlite::types::{FromSql, FromSqlError, ValueRef};

use super::{Error, Result, postgres};

/// A row of an answer, of either database.
#[derive(Clone, Copy)]
pub struct Row<'a>(Kind<'a>);

#[derive(Clone, Copy)]
enum Kind<'a> {
    Sqlite(&'a rusqlite::Row<'a>),
    Postgres(&'a tokio_postgres::Row),
}

/// Which column: its number, from 0, or its name.
pub trait Column: Copy {
    #[doc(hidden)]
    fn in_sqlite(self, row: &rusqlite::Row<'_>) -> Result<usize>;
    #[doc(hidden)]
    fn in_postgres(self, row: &tokio_postgres::Row) -> Result<usize>;
}

impl Column for usize {
    fn in_sqlite(self, _row: &rusqlite::Row<'_>) -> Result<usize> {
        Ok(self)
    }

    fn in_postgres(self, row: &tokio_postgres::Row) -> Result<usize> {
        if self < row.len() { Ok(self) } else { Err(Error::unreadable(self, "there is no such column")) }
    }
}

impl Column for &str {
    fn in_sqlite(self, row: &rusqlite::Row<'_>) -> Result<usize> {
        Ok(row.as_ref().column_index(self)?)
    }

    fn in_postgres(self, row: &tokio_postgres::Row) -> Result<usize> {
        let found = row.columns().iter().position(|column| column.name() == self);
        found.ok_or_else(|| Error::Value { place: format!("column {self}"), problem: "there is none".to_owned() })
    }
}

impl<'a> Row<'a> {
    pub(super) fn sqlite(row: &'a rusqlite::Row<'a>) -> Self {
        Self(Kind::Sqlite(row))
    }

    pub(super) fn postgres(row: &'a tokio_postgres::Row) -> Self {
        Self(Kind::Postgres(row))
    }

    /// What is in a column.
    ///
    /// # Errors
    /// If it is not what is asked for.
    pub fn get<C: Column, T: FromSql>(&self, column: C) -> Result<T> {
        match self.0 {
            Kind::Sqlite(row) => Ok(row.get(column.in_sqlite(row)?)?),
            Kind::Postgres(row) => {
                let index = column.in_postgres(row)?;
                let value = postgres::column(row, index)?;
                T::column_result(value).map_err(|error| unfit(index, value, &error))
            }
        }
    }

    /// What is in a column, as it is.
    ///
    /// # Errors
    /// If there is no such column.
    pub fn get_ref<C: Column>(&self, column: C) -> Result<ValueRef<'_>> {
        match self.0 {
            Kind::Sqlite(row) => Ok(row.get_ref(column.in_sqlite(row)?)?),
            Kind::Postgres(row) => postgres::column(row, column.in_postgres(row)?),
        }
    }
}

fn unfit(index: usize, value: ValueRef<'_>, error: &FromSqlError) -> Error {
    match error {
        FromSqlError::InvalidType => Error::unreadable(index, format_args!("not as {}", value.data_type())),
        other => Error::unreadable(index, other),
    }
}
