//! A prepared statement.

use std::ops::ControlFlow;

use rusqlite::{CachedStatement, ToSql};

use super::postgres::{Prepared, Session};
use super::{Binder, Error, Params, Result, Row};

/// A prepared statement of either database.
pub struct Statement<'a>(Kind<'a>);

enum Kind<'a> {
    Sqlite(CachedStatement<'a>),
    Postgres(&'a Session, Prepared),
}

impl<'a> Statement<'a> {
    pub(super) fn sqlite(statement: CachedStatement<'a>) -> Self {
        Self(Kind::Sqlite(statement))
    }

    pub(super) fn postgres(session: &'a Session, prepared: Prepared) -> Self {
        Self(Kind::Postgres(session, prepared))
    }

    /// Carries it out. PostgreSQL need not have answered when this returns: what it refuses is told by what is asked
    /// next, or at the latest when the transaction ends, and counts against the event that it was for.
    ///
    /// # Errors
    /// What the database says.
    pub fn execute(&mut self, params: impl Params) -> Result<()> {
        match &mut self.0 {
            Kind::Sqlite(statement) => {
                bind(statement, params)?;
                statement.raw_execute()?;
                Ok(())
            }
            Kind::Postgres(session, prepared) => {
                let values = prepared.values(params)?;
                session.execute(prepared, values)
            }
        }
    }

    /// What its first row says.
    ///
    /// # Errors
    /// [`Error::NoRow`] if there is none; what the database says, or `map` says of the row.
    pub fn query_row<T>(&mut self, params: impl Params, map: impl FnOnce(&Row<'_>) -> Result<T>) -> Result<T> {
        let (mut map, mut first) = (Some(map), None);
        self.each(params, |row| {
            if let Some(map) = map.take() {
                first = Some(map(row)?);
            }
            Ok(ControlFlow::Break(()))
        })?;
        first.ok_or(Error::NoRow)
    }

    /// What all its rows say.
    ///
    /// # Errors
    /// What the database says, or `map` says of a row.
    pub fn query_all<T>(&mut self, params: impl Params, mut map: impl FnMut(&Row<'_>) -> Result<T>) -> Result<Vec<T>> {
        let mut all = Vec::new();
        self.each(params, |row| {
            all.push(map(row)?);
            Ok(ControlFlow::Continue(()))
        })?;
        Ok(all)
    }

    fn each(&mut self, params: impl Params, mut visit: impl FnMut(&Row<'_>) -> Result<ControlFlow<()>>) -> Result<()> {
        match &mut self.0 {
            Kind::Sqlite(statement) => {
                bind(statement, params)?;
                let mut rows = statement.raw_query();
                while let Some(row) = rows.next()? {
                    if visit(&Row::sqlite(row))?.is_break() {
                        break;
                    }
                }
            }
            Kind::Postgres(session, prepared) => {
                let values = prepared.values(params)?;
                for row in session.query(prepared, values)? {
                    if visit(&Row::postgres(&row))?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

fn bind(statement: &mut CachedStatement<'_>, params: impl Params) -> Result<()> {
    let mut binder = SqliteBinder { statement, bound: 0 };
    params.bind(&mut binder)?;
    let bound = binder.bound;
    let expected = statement.parameter_count();
    if bound < expected { Err(rusqlite::Error::InvalidParameterCount(bound, expected).into()) } else { Ok(()) }
}

struct SqliteBinder<'s, 'c> {
    statement: &'s mut CachedStatement<'c>,
    bound: usize,
}

impl Binder for SqliteBinder<'_, '_> {
    fn number(&mut self, number: usize, value: &dyn ToSql) -> Result<()> {
        let expected = self.statement.parameter_count();
        if number > expected {
            return Err(rusqlite::Error::InvalidParameterCount(number, expected).into());
        }
        self.statement.raw_bind_parameter(number, value)?;
        self.bound += 1;
        Ok(())
    }

    fn name(&mut self, name: &str, value: &dyn ToSql) -> Result<()> {
        self.statement.raw_bind_parameter(name, value)?;
        self.bound += 1;
        Ok(())
    }
}
