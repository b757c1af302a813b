//! What recommendations keeps of what others tell: one file for each read model. The graph is made of their rows, and
//! follows them by the position at which each row changed last.

mod baskets;
mod products;

pub use baskets::Baskets;
pub use products::{Product, Products};

use tradewind_events::{EventType, Query, QueryItem};
use tradewind_service::Reader;
use tradewind_service::sql;

/// A table with one row that says which making of the read model this is: what was kept of another is of no use to who
/// follows it by positions.
macro_rules! with_making {
    ($tables:literal) => {
        concat!("CREATE TABLE making (id TEXT NOT NULL); INSERT INTO making VALUES (hex(randomblob(16)));", $tables)
    };
}
use with_making;

/// Which making of a read model is read.
///
/// # Errors
/// If the database cannot be read.
pub(crate) fn making(read: &Reader<'_>) -> sql::Result<String> {
    read.first("SELECT id FROM making", [], |row| row.get(0))?.ok_or(sql::Error::NoRow)
}

/// Events of these types in streams of one category.
fn told(category: &str, types: &[&str]) -> Query {
    // A name that is none would match nothing: it is left out.
    let types = types.iter().filter_map(|name| EventType::new(name).ok()).collect();
    Query { items: vec![QueryItem { categories: vec![category.to_owned()], types, ..QueryItem::default() }] }
}

#[cfg(test)]
mod tests;
