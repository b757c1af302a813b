//! What was sold of each thing in each stretch of time: what the sales by department and by product have in common.

use std::collections::BTreeMap;

use tradewind_events::{Recorded, Timestamp};
use tradewind_service::sql::{OptionalExtension, Transaction, params};
use tradewind_service::{ProjectionError, decode};

use crate::events::{OrderEvent, OrderLine};

/// Counts paid orders in a table `sales`, under what they were for and when they were placed. An order that is
/// cancelled after it was paid is taken back.
#[derive(Debug, Clone, Copy)]
pub(super) struct SalesBy {
    /// What a line is counted under.
    pub(super) heading: for<'a> fn(&'a OrderLine) -> &'a str,
    /// The stretch of time of an order that was placed at this moment, in UTC.
    pub(super) period: fn(Timestamp) -> String,
}

impl SalesBy {
    // By period first: what is written lately lies together, where a year's lines go into a few pages at a time. Summing
    // up a year by heading takes longer for it.
    pub(super) const SCHEMA: &'static str = "CREATE TABLE sales (
             period TEXT NOT NULL, heading TEXT NOT NULL, orders INTEGER NOT NULL, units INTEGER NOT NULL,
             sales_cents INTEGER NOT NULL, PRIMARY KEY (period, heading)) WITHOUT ROWID;
         -- The orders that may still be paid or cancelled: what they are worth under each heading, as JSON, and whether
         -- they count yet.
         CREATE TABLE open (
             order_id TEXT PRIMARY KEY, period TEXT NOT NULL, worth TEXT NOT NULL, counted INTEGER NOT NULL
         ) WITHOUT ROWID;";

    /// The same for PostgreSQL.
    pub(super) const POSTGRES_SCHEMA: &'static str = "CREATE TABLE sales (
             period text COLLATE \"C\" NOT NULL, heading text COLLATE \"C\" NOT NULL, orders bigint NOT NULL,
             units bigint NOT NULL, sales_cents bigint NOT NULL, PRIMARY KEY (period, heading));
         CREATE TABLE open (
             order_id text PRIMARY KEY, period text NOT NULL, worth text NOT NULL, counted bigint NOT NULL)";

    pub(super) fn apply(self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let id = event.entity_id();
        match decode::<OrderEvent>(event)? {
            Some(OrderEvent::OrderCreated(order)) => {
                let worth = serde_json::to_string(&self.worth(&order.lines))?;
                let period = (self.period)(event.time());
                tx.prepare_cached("INSERT INTO open VALUES (?1, ?2, ?3, 0)")?.execute(params![id, period, worth])?;
            }
            Some(OrderEvent::OrderPaid(_)) => {
                let Some(open) = Open::of(tx, id)? else { return Ok(()) };
                let mut add = tx.prepare_cached(
                    "INSERT INTO sales VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT (period, heading) DO UPDATE SET orders = sales.orders + 1,
                         units = sales.units + excluded.units,
                         sales_cents = sales.sales_cents + excluded.sales_cents",
                )?;
                for (heading, (units, cents)) in &open.worth {
                    add.execute(params![open.period, heading, units, cents])?;
                }
                tx.prepare_cached("UPDATE open SET counted = 1 WHERE order_id = ?1")?.execute([id])?;
            }
            Some(OrderEvent::OrderCancelled(_)) => {
                let Some(open) = Open::of(tx, id)? else { return Ok(()) };
                let mut take_back = tx.prepare_cached(
                    "UPDATE sales SET orders = orders - 1, units = units - ?3, sales_cents = sales_cents - ?4
                     WHERE period = ?1 AND heading = ?2",
                )?;
                for (heading, (units, cents)) in open.worth.iter().filter(|_| open.counted) {
                    take_back.execute(params![open.period, heading, units, cents])?;
                }
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

    /// Units and cents under each heading of an order.
    fn worth(self, lines: &[OrderLine]) -> BTreeMap<&str, (u64, u64)> {
        let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for line in lines {
            let (units, cents) = sums.entry((self.heading)(line)).or_default();
            *units += u64::from(line.quantity);
            *cents = cents.saturating_add(line.total_cents());
        }
        sums
    }
}

/// An order that may still be paid or cancelled.
struct Open {
    period: String,
    worth: BTreeMap<String, (u64, u64)>,
    counted: bool,
}

impl Open {
    fn of(tx: &Transaction<'_>, id: &str) -> Result<Option<Self>, ProjectionError> {
        let mut select = tx.prepare_cached("SELECT period, worth, counted FROM open WHERE order_id = ?1")?;
        let found =
            select.query_row([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))).optional()?;
        let Some((period, worth, counted)) = found else { return Ok(None) };
        Ok(Some(Self { period, worth: serde_json::from_str(&worth)?, counted }))
    }
}

fn close(tx: &Transaction<'_>, id: &str) -> Result<(), ProjectionError> {
    tx.prepare_cached("DELETE FROM open WHERE order_id = ?1")?.execute([id])?;
    Ok(())
}
