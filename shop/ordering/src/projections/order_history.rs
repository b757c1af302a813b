use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::OrderEvent;
use crate::order::{Order, Status};

/// The orders of each customer.
#[derive(Debug, Clone, Copy, Default)]
pub struct OrderHistory;

/// An order, as a list shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OrderSummary {
    /// Which order.
    pub id: String,
    /// How far it has come.
    pub status: String,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// What it costs, in US cents.
    pub total_cents: u64,
    /// How many lines it has.
    pub line_count: u64,
}

/// Some orders of a customer, the newest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HistoryPage {
    /// The orders.
    pub items: Vec<OrderSummary>,
    /// What to ask for to get the ones before; none if there are none.
    pub next: Option<String>,
}

impl OrderHistory {
    /// Up to `limit` orders of a customer, the newest first, from where an earlier page said `next`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of(read: &Reader<'_>, customer: &str, after: Option<Cursor>, limit: u64) -> sql::Result<HistoryPage> {
        let after = after.unwrap_or(Cursor { placed_at_us: i64::MAX, id: String::new() });
        let mut items = read.all(
            "SELECT id, status, placed_at_us, total_cents, line_count FROM orders
             WHERE customer_id = ?1 AND (placed_at_us, id) < (?2, ?3)
             ORDER BY placed_at_us DESC, id DESC LIMIT ?4",
            params![customer, after.placed_at_us, after.id, limit + 1],
            |row| {
                Ok(OrderSummary {
                    id: row.get(0)?,
                    status: row.get(1)?,
                    placed_at: Timestamp::from_micros(row.get(2)?),
                    total_cents: row.get(3)?,
                    line_count: row.get(4)?,
                })
            },
        )?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = items.last().filter(|_| more).map(|last| format!("{}.{}", last.placed_at.micros(), last.id));
        Ok(HistoryPage { items, next })
    }
}

/// Where a page of the history ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    placed_at_us: i64,
    id: String,
}

impl Cursor {
    /// Reads what a page gave as `next`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (placed_at_us, id) = text.split_once('.')?;
        Some(Self { placed_at_us: placed_at_us.parse().ok()?, id: id.to_owned() })
    }
}

impl Projection for OrderHistory {
    fn name(&self) -> &'static str {
        "order-history"
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        // Orders are numbered as they come: what happens to one soon after it was placed is written where it was.
        "CREATE TABLE orders (
             number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, customer_id TEXT NOT NULL, status TEXT NOT NULL,
             placed_at_us INTEGER NOT NULL, total_cents INTEGER NOT NULL, line_count INTEGER NOT NULL);
         CREATE INDEX orders_of_customer ON orders (customer_id, placed_at_us, id);"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE orders (
                 number bigint PRIMARY KEY, id text COLLATE \"C\" NOT NULL UNIQUE, customer_id text NOT NULL,
                 status text NOT NULL, placed_at_us bigint NOT NULL, total_cents bigint NOT NULL,
                 line_count bigint NOT NULL);
             CREATE INDEX orders_of_customer ON orders (customer_id, placed_at_us, id)",
        )
    }

    fn query(&self) -> Query {
        Query::category(Order::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let Some(happened) = decode::<OrderEvent>(event)? else { return Ok(()) };
        let (id, status) = (event.entity_id(), Status::after(&happened).word());
        if let OrderEvent::OrderCreated(order) = &happened {
            tx.prepare_cached("INSERT INTO orders VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(params![
                event.position().0,
                id,
                order.customer_id,
                status,
                event.time().micros(),
                order.total_cents,
                order.lines.len()
            ])?;
        } else {
            tx.prepare_cached("UPDATE orders SET status = ?2 WHERE id = ?1")?.execute(params![id, status])?;
        }
        Ok(())
    }
}
