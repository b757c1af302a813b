use serde::Serialize;
use shop_contracts::Contract;
use shop_contracts::catalog::{PriceChanged, ProductDelisted, ProductListed};
use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Projection, ProjectionError, Reader};

/// What ordering has to know of each product to sell it, kept from what the catalog tells. So an order can be placed
/// while the catalog is away, at the prices that were last heard of.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductPrices;

/// A product that can be ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PricedProduct {
    /// What it is called.
    pub name: String,
    /// The department that sells it.
    pub department: String,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
}

impl ProductPrices {
    /// A product that can be ordered.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> sql::Result<Option<PricedProduct>> {
        let select = "SELECT name, department, price_cents FROM product WHERE id = ?1 AND listed = 1";
        read.first(select, [id], |row| {
            Ok(PricedProduct { name: row.get(0)?, department: row.get(1)?, price_cents: row.get(2)? })
        })
    }
}

impl Projection for ProductPrices {
    fn name(&self) -> &'static str {
        "product-prices"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE product (
             id TEXT PRIMARY KEY, name TEXT NOT NULL, department TEXT NOT NULL, price_cents INTEGER NOT NULL,
             listed INTEGER NOT NULL) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE product (
                 id text PRIMARY KEY, name text NOT NULL, department text NOT NULL, price_cents bigint NOT NULL,
                 listed bigint NOT NULL)",
        )
    }

    fn query(&self) -> Query {
        Query::category("product")
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        match event.event_type() {
            ProductListed::TYPE => {
                let listed: ProductListed = event.parse()?;
                tx.prepare_cached(
                    "INSERT INTO product VALUES (?1, ?2, ?3, ?4, 1)
                     ON CONFLICT (id) DO UPDATE SET name = excluded.name, department = excluded.department,
                         price_cents = excluded.price_cents, listed = 1",
                )?
                .execute(params![
                    listed.product_id,
                    listed.name,
                    listed.department,
                    listed.price_cents
                ])?;
            }
            PriceChanged::TYPE => {
                let changed: PriceChanged = event.parse()?;
                tx.prepare_cached("UPDATE product SET price_cents = ?2 WHERE id = ?1")?
                    .execute(params![changed.product_id, changed.price_cents])?;
            }
            ProductDelisted::TYPE => {
                let delisted: ProductDelisted = event.parse()?;
                tx.prepare_cached("UPDATE product SET listed = 0 WHERE id = ?1")?.execute([delisted.product_id])?;
            }
            // The catalog may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}
