//! What inventory does when something has happened: one file for each.

mod open_stocks;
mod reserve_for_orders;

pub use open_stocks::OpenStocks;
pub use reserve_for_orders::ReserveForOrders;

use tradewind_events::{EventType, Query, QueryItem};

/// Events of these types in streams of one category.
fn told(category: &str, types: &[&str]) -> Query {
    // A name that is none would match nothing: it is left out.
    let types = types.iter().filter_map(|name| EventType::new(name).ok()).collect();
    Query { items: vec![QueryItem { categories: vec![category.to_owned()], types, ..QueryItem::default() }] }
}

#[cfg(test)]
mod tests;
