use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::debtor::Debtor;
use crate::events::DebtorEvent;

/// Which paid orders have no invoice since nobody knows their customer.
#[derive(Debug, Clone, Copy, Default)]
pub struct Awaited;

/// An order that waits for its customer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AwaitedView {
    /// Which order.
    pub order_id: String,
    /// Who has not registered.
    pub customer_id: String,
    /// Since when it waits.
    pub since: Timestamp,
}

/// Some orders that wait, by their ids.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AwaitedPage {
    /// The orders.
    pub items: Vec<AwaitedView>,
    /// How many wait in all.
    pub total: u64,
    /// What to ask for to get the ones that follow; none if there are none.
    pub next: Option<String>,
}

impl Awaited {
    /// Up to `limit` orders that wait, from where an earlier page said `next`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn page(read: &Reader<'_>, after: &str, limit: u64) -> sql::Result<AwaitedPage> {
        let total = read.first("SELECT count(*) FROM awaited", [], |row| row.get(0))?.unwrap_or_default();
        let mut items = read.all(
            "SELECT order_id, customer_id, since_us FROM awaited WHERE order_id > ?1 ORDER BY order_id LIMIT ?2",
            params![after, limit + 1],
            |row| {
                let since = Timestamp::from_micros(row.get(2)?);
                Ok(AwaitedView { order_id: row.get(0)?, customer_id: row.get(1)?, since })
            },
        )?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = items.last().filter(|_| more).map(|last| last.order_id.clone());
        Ok(AwaitedPage { items, total, next })
    }
}

impl Projection for Awaited {
    fn name(&self) -> &'static str {
        "awaited"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE awaited (
             order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, since_us INTEGER NOT NULL) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE awaited (
                 order_id text COLLATE \"C\" PRIMARY KEY, customer_id text NOT NULL, since_us bigint NOT NULL)",
        )
    }

    fn query(&self) -> Query {
        Query::category(Debtor::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let forget = |order: &str| {
            tx.prepare_cached("DELETE FROM awaited WHERE order_id = ?1").and_then(|mut delete| delete.execute([order]))
        };
        match decode::<DebtorEvent>(event)? {
            Some(DebtorEvent::InvoiceAwaited(awaited)) => {
                tx.prepare_cached(
                    "INSERT INTO awaited VALUES (?1, ?2, ?3)
                     ON CONFLICT (order_id) DO UPDATE SET customer_id = excluded.customer_id,
                         since_us = excluded.since_us",
                )?
                .execute(params![awaited.order.id, awaited.customer_id, event.time().micros()])?;
            }
            Some(DebtorEvent::AwaitedWithdrawn(withdrawn)) => forget(&withdrawn.order_id)?,
            Some(DebtorEvent::CustomerArrived(arrived)) => {
                arrived.orders.iter().try_for_each(|order| forget(&order.id))?;
            }
            None => {}
        }
        Ok(())
    }
}
