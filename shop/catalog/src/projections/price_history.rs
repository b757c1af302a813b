use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::ProductEvent;
use crate::product::Product;

/// What each product has cost, and when.
#[derive(Debug, Clone, Copy, Default)]
pub struct PriceHistory;

/// A price, and how long it held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceView {
    /// What one unit cost, in US cents.
    pub price_cents: u64,
    /// From when.
    pub from: Timestamp,
    /// Until when: the next price, or that it was taken off sale; none if it holds still.
    pub until: Option<Timestamp>,
}

/// Some prices of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PricePage {
    /// The prices, the newest first.
    pub items: Vec<PriceView>,
    /// What to ask for to get the ones before; none if there are none.
    pub next: Option<String>,
}

impl PriceHistory {
    /// Up to `limit` prices of a product, the newest first, from where an earlier page said `next`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of(read: &Reader<'_>, product: &str, after: Option<u64>, limit: u64) -> sql::Result<PricePage> {
        let mut rows: Vec<(u64, PriceView)> = read.all(
            "SELECT revision, price_cents, from_us, until_us FROM price WHERE product_id = ?1 AND revision < ?2
             ORDER BY revision DESC LIMIT ?3",
            params![product, after.unwrap_or(i64::MAX as u64), limit + 1],
            |row| {
                let until = row.get::<_, Option<i64>>(3)?.map(Timestamp::from_micros);
                let from = Timestamp::from_micros(row.get(2)?);
                Ok((row.get(0)?, PriceView { price_cents: row.get(1)?, from, until }))
            },
        )?;
        let more = rows.len() as u64 > limit;
        rows.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = rows.last().filter(|_| more).map(|(revision, _)| revision.to_string());
        Ok(PricePage { items: rows.into_iter().map(|(_, price)| price).collect(), next })
    }
}

impl Projection for PriceHistory {
    fn name(&self) -> &'static str {
        "price-history"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        // In the order in which they were recorded: two changes may bear the same time.
        "CREATE TABLE price (
             product_id TEXT NOT NULL, revision INTEGER NOT NULL, price_cents INTEGER NOT NULL,
             from_us INTEGER NOT NULL, until_us INTEGER, PRIMARY KEY (product_id, revision)) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE price (
                 product_id text NOT NULL, revision bigint NOT NULL, price_cents bigint NOT NULL,
                 from_us bigint NOT NULL, until_us bigint, PRIMARY KEY (product_id, revision))",
        )
    }

    fn query(&self) -> Query {
        Query::category(Product::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let price_cents = match decode::<ProductEvent>(event)? {
            Some(ProductEvent::ProductListed(listed)) => Some(listed.price_cents),
            Some(ProductEvent::ProductPriceChanged(changed)) => Some(changed.price_cents),
            Some(ProductEvent::ProductDelisted(_)) => None,
            None => return Ok(()),
        };
        let (product, at_us) = (event.entity_id(), event.time().micros());
        tx.prepare_cached("UPDATE price SET until_us = ?2 WHERE product_id = ?1 AND until_us IS NULL")?
            .execute(params![product, at_us])?;
        if let Some(price_cents) = price_cents {
            tx.prepare_cached("INSERT INTO price VALUES (?1, ?2, ?3, ?4, NULL)")?.execute(params![
                product,
                event.revision().0,
                price_cents,
                at_us
            ])?;
        }
        Ok(())
    }
}
