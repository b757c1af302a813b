use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Transaction, named_params, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use super::{Days, Sales, sales};
use crate::events::OrderEvent;
use crate::order::Order;

/// What was sold on each day: paid orders, on the day (in UTC) on which they were placed. An order that is cancelled
/// after it was paid is taken back from that day.
#[derive(Debug, Clone, Copy, Default)]
pub struct SalesByDay;

impl SalesByDay {
    /// The days on which something was sold, in their order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn between(read: &Reader<'_>, days: &Days) -> sql::Result<Vec<Sales>> {
        read.all(
            "SELECT day, orders, units, sales_cents FROM days
             WHERE orders > 0 AND (:from IS NULL OR day >= :from) AND (:to IS NULL OR day <= :to) ORDER BY day",
            named_params! { ":from": days.from, ":to": days.to },
            sales,
        )
    }
}

impl Projection for SalesByDay {
    fn name(&self) -> &'static str {
        "sales-by-day"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE days (
             day TEXT PRIMARY KEY, orders INTEGER NOT NULL, units INTEGER NOT NULL, sales_cents INTEGER NOT NULL
         ) WITHOUT ROWID;
         -- The orders that may still be paid or cancelled: what they are worth, and whether they count yet.
         CREATE TABLE open (
             order_id TEXT PRIMARY KEY, day TEXT NOT NULL, units INTEGER NOT NULL, sales_cents INTEGER NOT NULL,
             counted INTEGER NOT NULL) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE days (
                 day text COLLATE \"C\" PRIMARY KEY, orders bigint NOT NULL, units bigint NOT NULL,
                 sales_cents bigint NOT NULL);
             CREATE TABLE open (
                 order_id text PRIMARY KEY, day text COLLATE \"C\" NOT NULL, units bigint NOT NULL,
                 sales_cents bigint NOT NULL, counted bigint NOT NULL)",
        )
    }

    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let id = event.entity_id();
        match decode::<OrderEvent>(event)? {
            Some(OrderEvent::OrderCreated(order)) => {
                let units: u64 = order.lines.iter().map(|line| u64::from(line.quantity)).sum();
                tx.prepare_cached("INSERT INTO open VALUES (?1, ?2, ?3, ?4, 0)")?.execute(params![
                    id,
                    event.time().day(),
                    units,
                    order.total_cents
                ])?;
            }
            Some(OrderEvent::OrderPaid(_)) => {
                tx.prepare_cached("UPDATE open SET counted = 1 WHERE order_id = ?1")?.execute([id])?;
                tx.prepare_cached(
                    "INSERT INTO days SELECT day, 1, units, sales_cents FROM open WHERE order_id = ?1
                     ON CONFLICT (day) DO UPDATE SET orders = days.orders + 1, units = days.units + excluded.units,
                         sales_cents = days.sales_cents + excluded.sales_cents",
                )?
                .execute([id])?;
            }
            Some(OrderEvent::OrderCancelled(_)) => {
                tx.prepare_cached(
                    "UPDATE days SET orders = days.orders - 1, units = days.units - open.units,
                         sales_cents = days.sales_cents - open.sales_cents
                     FROM open WHERE open.order_id = ?1 AND open.counted = 1 AND days.day = open.day",
                )?
                .execute([id])?;
                close(tx, id)?;
            }
            Some(OrderEvent::OrderShipped(_) | OrderEvent::OrderRejected(_) | OrderEvent::OrderPaymentFailed(_)) => {
                close(tx, id)?;
            }
            Some(OrderEvent::OrderApproved(_) | OrderEvent::OrderPrepared(_) | OrderEvent::OrderDelivered(_))
            | None => {}
        }
        Ok(())
    }
}

fn close(tx: &Transaction<'_>, id: &str) -> sql::Result<()> {
    tx.prepare_cached("DELETE FROM open WHERE order_id = ?1")?.execute([id]).map(|_| ())
}
