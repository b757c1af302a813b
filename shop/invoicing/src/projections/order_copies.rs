use std::borrow::Cow;

use shop_contracts::Contract;
use shop_contracts::ordering::{Line, OrderPaid, OrderPlaced};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Projection, ProjectionError, Reader};

use crate::events::InvoiceLine;
use crate::reactions::told;

/// What invoicing has to know of each order, kept from what ordering tells.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderCopies;

/// An order, as far as invoices are concerned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrderCopy {
    /// Which order.
    pub id: String,
    /// Whose.
    pub customer_id: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// When it was paid, if it was.
    pub paid_at: Option<Timestamp>,
    /// What was ordered.
    pub lines: Vec<InvoiceLine>,
    /// What all lines cost together, in US cents.
    pub total_cents: u64,
}

impl OrderCopies {
    /// One order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> sql::Result<Option<OrderCopy>> {
        read.first(
            "SELECT customer_id, placed_us, paid_us, lines, total_cents FROM orders WHERE id = ?1",
            [id],
            |row| {
                let (paid_us, lines): (Option<i64>, String) = (row.get(2)?, row.get(3)?);
                let lines: Vec<KeptLine<'_>> =
                    serde_json::from_str(&lines).map_err(|e| sql::Error::unreadable(3, e))?;
                Ok(OrderCopy {
                    id: id.to_owned(),
                    customer_id: row.get(0)?,
                    placed_at: Timestamp::from_micros(row.get(1)?),
                    paid_at: paid_us.map(Timestamp::from_micros),
                    lines: lines.into_iter().map(invoice_line).collect(),
                    total_cents: row.get(4)?,
                })
            },
        )
    }
}

/// A line as it is kept: product, name, units and the price of one. A year of orders has more names of fields than
/// anything else.
type KeptLine<'a> = (Cow<'a, str>, Cow<'a, str>, u32, u64);

fn kept(line: &Line) -> KeptLine<'_> {
    (line.product_id.as_str().into(), line.name.as_str().into(), line.quantity, line.unit_price_cents)
}

fn invoice_line((product_id, name, quantity, unit_price_cents): KeptLine<'_>) -> InvoiceLine {
    InvoiceLine {
        total_cents: unit_price_cents.saturating_mul(quantity.into()),
        product_id: product_id.into_owned(),
        name: name.into_owned(),
        quantity,
        unit_price_cents,
    }
}

impl Projection for OrderCopies {
    fn name(&self) -> &'static str {
        "order-copies"
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE orders (
             id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, placed_us INTEGER NOT NULL, paid_us INTEGER,
             lines TEXT NOT NULL, total_cents INTEGER NOT NULL);"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE orders (
                 id text PRIMARY KEY, customer_id text NOT NULL, placed_us bigint NOT NULL, paid_us bigint,
                 lines text NOT NULL, total_cents bigint NOT NULL)",
        )
    }

    fn query(&self) -> Query {
        told("order", &[OrderPlaced::TYPE, OrderPaid::TYPE])
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let at = event.time().micros();
        match event.event_type() {
            OrderPlaced::TYPE => {
                let placed: OrderPlaced = event.parse()?;
                let lines = serde_json::to_string(&placed.lines.iter().map(kept).collect::<Vec<_>>())?;
                tx.prepare_cached("INSERT INTO orders VALUES (?1, ?2, ?3, NULL, ?4, ?5)")?.execute(params![
                    placed.order_id,
                    placed.customer_id,
                    at,
                    lines,
                    placed.total_cents
                ])?;
            }
            OrderPaid::TYPE => {
                let paid: OrderPaid = event.parse()?;
                tx.prepare_cached("UPDATE orders SET paid_us = ?2 WHERE id = ?1")?
                    .execute(params![paid.order_id, at])?;
            }
            // Ordering may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}
