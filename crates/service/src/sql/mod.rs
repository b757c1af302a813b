//! The SQL that projections and their queries speak: the small part of rusqlite's API that they need, over SQLite or
//! PostgreSQL. A team begins with the one and outgrows it by a URL; what is common to both dialects is written down in
//! `docs/internals/scaling.md`.
//!
//! Placeholders are SQLite's in both: `?1`, or `:name`. Values go by rusqlite's own traits, so that its macros serve.

mod error;
mod params;
pub(crate) mod postgres;
mod row;
mod statement;
mod transaction;

pub use error::{Error, OptionalExtension, Result};
pub use params::{Binder, Params};
pub use row::{Column, Row};
pub use rusqlite::types::{FromSql, ValueRef};
pub use rusqlite::{ToSql, named_params, params};
pub use statement::Statement;
pub(crate) use transaction::Backend;
pub use transaction::Transaction;
