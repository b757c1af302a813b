use std::collections::BTreeMap;

use tradewind_events::{Query, Recorded};
use tradewind_service::rusqlite::{self, OptionalExtension, Transaction, named_params, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use super::{Days, Sales, sales};
use crate::events::{OrderEvent, OrderLine};
use crate::order::Order;

/// What was sold in each department: paid orders, on the day (in UTC) on which they were placed. The department is the
/// one that sold the product when it was ordered.
#[derive(Debug, Clone, Copy, Default)]
pub struct SalesByDepartment;

impl SalesByDepartment {
    /// The departments that sold something in these days, the most first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn between(read: &Reader<'_>, days: &Days) -> rusqlite::Result<Vec<Sales>> {
        read.all(
            "SELECT department, sum(orders), sum(units), sum(sales_cents) FROM sales
             WHERE orders > 0 AND (:from IS NULL OR day >= :from) AND (:to IS NULL OR day <= :to)
             GROUP BY department ORDER BY 4 DESC, 1",
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
        2
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE sales (
             day TEXT NOT NULL, department TEXT NOT NULL, orders INTEGER NOT NULL, units INTEGER NOT NULL,
             sales_cents INTEGER NOT NULL, PRIMARY KEY (day, department)) WITHOUT ROWID;
         -- The orders that may still be paid or cancelled: what they are worth in each department, as JSON, and whether
         -- they count yet.
         CREATE TABLE open (
             order_id TEXT PRIMARY KEY, day TEXT NOT NULL, worth TEXT NOT NULL, counted INTEGER NOT NULL
         ) WITHOUT ROWID;"
    }

    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let id = event.entity_id();
        match decode::<OrderEvent>(event)? {
            Some(OrderEvent::OrderCreated(order)) => {
                let worth = serde_json::to_string(&by_department(&order.lines))?;
                tx.prepare_cached("INSERT INTO open VALUES (?1, ?2, ?3, 0)")?.execute(params![
                    id,
                    event.time().day(),
                    worth
                ])?;
            }
            Some(OrderEvent::OrderPaid(_)) => {
                let Some(open) = Open::of(tx, id)? else { return Ok(()) };
                let mut add = tx.prepare_cached(
                    "INSERT INTO sales VALUES (?1, ?2, 1, ?3, ?4)
                     ON CONFLICT (day, department) DO UPDATE SET orders = orders + 1,
                         units = units + excluded.units, sales_cents = sales_cents + excluded.sales_cents",
                )?;
                for (department, (units, cents)) in &open.worth {
                    add.execute(params![open.day, department, units, cents])?;
                }
                tx.prepare_cached("UPDATE open SET counted = 1 WHERE order_id = ?1")?.execute([id])?;
            }
            Some(OrderEvent::OrderCancelled(_)) => {
                let Some(open) = Open::of(tx, id)? else { return Ok(()) };
                let mut take_back = tx.prepare_cached(
                    "UPDATE sales SET orders = orders - 1, units = units - ?3, sales_cents = sales_cents - ?4
                     WHERE day = ?1 AND department = ?2",
                )?;
                for (department, (units, cents)) in open.worth.iter().filter(|_| open.counted) {
                    take_back.execute(params![open.day, department, units, cents])?;
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
}

/// An order that may still be paid or cancelled.
struct Open {
    day: String,
    worth: BTreeMap<String, (u64, u64)>,
    counted: bool,
}

impl Open {
    fn of(tx: &Transaction<'_>, id: &str) -> Result<Option<Self>, ProjectionError> {
        let mut select = tx.prepare_cached("SELECT day, worth, counted FROM open WHERE order_id = ?1")?;
        let found =
            select.query_row([id], |row| Ok((row.get(0)?, row.get::<_, String>(1)?, row.get(2)?))).optional()?;
        let Some((day, worth, counted)) = found else { return Ok(None) };
        Ok(Some(Self { day, worth: serde_json::from_str(&worth)?, counted }))
    }
}

/// Units and cents of each department in an order.
fn by_department(lines: &[OrderLine]) -> BTreeMap<&str, (u64, u64)> {
    let mut sums: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    for line in lines {
        let (units, cents) = sums.entry(&line.department).or_default();
        *units += u64::from(line.quantity);
        *cents = cents.saturating_add(line.total_cents());
    }
    sums
}

fn close(tx: &Transaction<'_>, id: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM open WHERE order_id = ?1")?.execute([id]).map(|_| ())
}
