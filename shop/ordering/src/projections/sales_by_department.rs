use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Transaction, named_params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader};

use super::sales_by::SalesBy;
use super::{Days, Sales, sales};
use crate::order::Order;

/// What was sold in each department: paid orders, on the day (in UTC) on which they were placed. The department is the
/// one that sold the product when it was ordered.
#[derive(Debug, Clone, Copy, Default)]
pub struct SalesByDepartment;

impl SalesByDepartment {
    const SALES: SalesBy = SalesBy { heading: |line| &line.department, period: |placed| placed.day() };

    /// The departments that sold something in these days, the most first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn between(read: &Reader<'_>, days: &Days) -> sql::Result<Vec<Sales>> {
        read.all(
            "SELECT heading, sum(orders), sum(units), sum(sales_cents) FROM sales
             WHERE orders > 0 AND (:from IS NULL OR period >= :from) AND (:to IS NULL OR period <= :to)
             GROUP BY heading ORDER BY 4 DESC, 1",
            named_params! { ":from": days.from, ":to": days.to },
            sales,
        )
    }
}

impl Projection for SalesByDepartment {
    fn name(&self) -> &'static str {
        "sales-by-department"
    }

    fn version(&self) -> u32 {
        3
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
