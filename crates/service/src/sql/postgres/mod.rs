//! The PostgreSQL side: a session as projections see it, with SQLite's placeholders and values.

mod numeric;
mod placeholders;
mod session;
mod values;

pub(crate) use session::{Prepared, Session};
pub(super) use values::column;
