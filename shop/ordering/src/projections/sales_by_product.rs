use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Transaction, named_params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader};

use super::sales_by::SalesBy;
use super::{Months, Sales, sales};
use crate::order::Order;

/// What was sold of each product: paid orders, in the month (in UTC) in which they were placed. Most products sell a few
/// times a month, so counting them by the day would be a copy of all order lines.
#[derive(Debug, Clone, Copy, Default)]
pub struct SalesByProduct;

impl SalesByProduct {
    const SALES: SalesBy = SalesBy { heading: |line| &line.product_id, period: |placed| month(&placed.day()) };

    /// The products that sold for most in these months, at most so many of them, the most first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn best(read: &Reader<'_>, months: &Months, limit: u64) -> sql::Result<Vec<Sales>> {
        read.all(
            "SELECT heading, sum(orders), sum(units), sum(sales_cents) FROM sales
             WHERE orders > 0 AND (:from IS NULL OR period >= :from) AND (:to IS NULL OR period <= :to)
             GROUP BY heading ORDER BY 4 DESC, 1 LIMIT :limit",
            named_params! { ":from": months.from, ":to": months.to, ":limit": limit },
            sales,
        )
    }
}

/// The month of a day: `2017-03` of `2017-03-31`.
fn month(day: &str) -> String {
    day.rsplit_once('-').map_or(day, |(month, _)| month).to_owned()
}

impl Projection for SalesByProduct {
    fn name(&self) -> &'static str {
        "sales-by-product"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        SalesBy::SCHEMA
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(SalesBy::POSTGRES_SCHEMA)
    }

    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        Self::SALES.apply(tx, event)
    }
}
