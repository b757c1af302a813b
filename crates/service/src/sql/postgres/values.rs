//! Values on their way to PostgreSQL and back.

use std::error::Error as StdError;

use bytes::{BufMut, BytesMut};
use rusqlite::types::{ToSqlOutput, Value, ValueRef};
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::numeric;
use crate::sql::{Error, Result};

type Refusal = Box<dyn StdError + Sync + Send>;

/// A value that a projection gives, written down as what the statement wants in its place.
#[derive(Debug, Clone)]
pub(in crate::sql) struct Given(Value);

impl Given {
    pub(super) fn new(value: &dyn rusqlite::ToSql) -> Result<Self> {
        let value = match value.to_sql()? {
            ToSqlOutput::Owned(value) => value,
            ToSqlOutput::Borrowed(value) => Value::try_from(value)
                .map_err(|error| Error::Value { place: "a value".to_owned(), problem: error.to_string() })?,
            _ => {
                let problem = "it is of a kind that only SQLite has".to_owned();
                return Err(Error::Value { place: "a value".to_owned(), problem });
            }
        };
        Ok(Self(value))
    }

    pub(super) const NULL: Self = Self(Value::Null);

    pub(super) fn truth(is_so: bool) -> Self {
        Self(Value::Integer(is_so.into()))
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.0, Value::Null)
    }
}

impl ToSql for Given {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Refusal> {
        match (&self.0, ty) {
            (Value::Null, _) => return Ok(IsNull::Yes),
            (Value::Integer(value), &Type::INT8) => out.put_i64(*value),
            (Value::Integer(value), &Type::INT4) => out.put_i32(i32::try_from(*value)?),
            (Value::Integer(value), &Type::INT2) => out.put_i16(i16::try_from(*value)?),
            (Value::Integer(value), &Type::BOOL) => out.put_u8(u8::from(*value != 0)),
            (Value::Integer(value), &Type::FLOAT8) => out.put_f64(*value as f64),
            (Value::Integer(value), &Type::FLOAT4) => out.put_f32(*value as f32),
            (Value::Real(value), &Type::FLOAT8) => out.put_f64(*value),
            (Value::Real(value), &Type::FLOAT4) => out.put_f32(*value as f32),
            (Value::Text(value), &Type::TEXT | &Type::VARCHAR | &Type::BPCHAR | &Type::JSON | &Type::UNKNOWN) => {
                if value.contains('\0') {
                    return Err("PostgreSQL has no text with a zero character in it".into());
                }
                out.put_slice(value.as_bytes());
            }
            (Value::Text(value), &Type::JSONB) => {
                out.put_u8(1);
                out.put_slice(value.as_bytes());
            }
            (Value::Blob(value), &Type::BYTEA) => out.put_slice(value),
            (value, ty) => return Err(format!("{} where the statement wants {ty}", value.data_type()).into()),
        }
        Ok(IsNull::No)
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

/// What stands in a column, borrowed from the row.
struct Found<'a>(ValueRef<'a>);

impl<'a> FromSql<'a> for Found<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> std::result::Result<Self, Refusal> {
        let value = match *ty {
            Type::INT8 => ValueRef::Integer(i64::from_sql(ty, raw)?),
            Type::INT4 => ValueRef::Integer(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => ValueRef::Integer(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => ValueRef::Integer(bool::from_sql(ty, raw)?.into()),
            Type::FLOAT8 => ValueRef::Real(f64::from_sql(ty, raw)?),
            Type::FLOAT4 => ValueRef::Real(f32::from_sql(ty, raw)?.into()),
            Type::NUMERIC => numeric::value(raw).ok_or("a number that is none")?,
            Type::TEXT | Type::VARCHAR | Type::BPCHAR | Type::NAME | Type::JSON | Type::UNKNOWN => ValueRef::Text(raw),
            Type::JSONB => ValueRef::Text(raw.get(1..).unwrap_or_default()),
            Type::BYTEA => ValueRef::Blob(raw),
            ref other => return Err(format!("a projection's columns cannot be of the type {other}").into()),
        };
        Ok(Self(value))
    }

    fn from_sql_null(_ty: &Type) -> std::result::Result<Self, Refusal> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(_ty: &Type) -> bool {
        true
    }
}

/// What stands in a column.
pub(in crate::sql) fn column(row: &tokio_postgres::Row, index: usize) -> Result<ValueRef<'_>> {
    let found: Found<'_> = row.try_get(index).map_err(|error| {
        let cause = StdError::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        Error::unreadable(index, cause)
    })?;
    Ok(found.0)
}
