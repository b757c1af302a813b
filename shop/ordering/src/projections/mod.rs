//! Ordering's read models: one file for each, with what changes it and what can be asked of it. All but the prices
//! are made from ordering's own events; the prices are ordering's own copy of what the catalog tells.

mod order_detail;
mod order_history;
mod product_prices;
mod sales_by;
mod sales_by_day;
mod sales_by_department;
mod sales_by_product;

pub use order_detail::{LineView, OrderDetail, OrderView, TimelineEntry};
pub use order_history::{Cursor, HistoryPage, OrderHistory, OrderSummary};
pub use product_prices::{PricedProduct, ProductPrices};
pub use sales_by_day::SalesByDay;
pub use sales_by_department::SalesByDepartment;
pub use sales_by_product::SalesByProduct;

use serde::Serialize;
use tradewind_service::sql::{self, Row};

/// What was sold under one heading: on one day, in one department, or of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sales {
    /// The heading.
    pub key: String,
    /// How many orders, or orders with something of it.
    pub orders: u64,
    /// How many units of anything.
    pub units: u64,
    /// What was paid for them, in US cents.
    pub sales_cents: u64,
}

/// A row of heading, orders, units and cents.
fn sales(row: &Row<'_>) -> sql::Result<Sales> {
    Ok(Sales { key: row.get(0)?, orders: row.get(1)?, units: row.get(2)?, sales_cents: row.get(3)? })
}

/// From which day to which, both included, as `2017-03-31`; none is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Days {
    /// The first day.
    pub from: Option<String>,
    /// The last day.
    pub to: Option<String>,
}

/// From which month to which, both included, as `2017-03`; none is open.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Months {
    /// The first month.
    pub from: Option<String>,
    /// The last month.
    pub to: Option<String>,
}

#[cfg(test)]
mod tests;
