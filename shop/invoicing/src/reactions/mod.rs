//! What invoicing does when something has happened: one file for each.

mod bill_awaited_orders;
mod bill_orders;
mod notice_customers;

pub use bill_awaited_orders::BillAwaitedOrders;
pub use bill_orders::BillOrders;
pub use notice_customers::NoticeCustomers;

use tradewind_events::{EventType, Query, QueryItem};

/// Events of these types in streams of one category.
pub(crate) fn told(category: &str, types: &[&str]) -> Query {
    // A name that is none would match nothing: it is left out.
    let types = types.iter().filter_map(|name| EventType::new(name).ok()).collect();
    Query { items: vec![QueryItem { categories: vec![category.to_owned()], types, ..QueryItem::default() }] }
}

#[cfg(test)]
mod tests;
