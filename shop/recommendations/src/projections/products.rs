use serde::Serialize;
use shop_contracts::Contract;
use shop_contracts::catalog::{PriceChanged, ProductDelisted, ProductListed};
use tradewind_events::{Position, Query, Recorded};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Projection, ProjectionError, Reader};

use super::{told, with_making};
use crate::graph::Change;

/// What is for sale, kept from what the catalog tells.
#[derive(Debug, Clone, Copy, Default)]
pub struct Products;

/// A product that is for sale.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Product {
    /// Which.
    pub product_id: String,
    /// What people call it.
    pub name: String,
    /// The department of the shop that sells it.
    pub department: String,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
}

impl Products {
    /// A product; none if it is not for sale.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> sql::Result<Option<Product>> {
        let select = "SELECT name, department, price_cents FROM product WHERE id = ?1 AND is_sold";
        read.first(select, [id], |row| {
            let (name, department, price_cents) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Product { product_id: id.to_owned(), name, department, price_cents })
        })
    }

    /// Tells how what is for sale has changed since a position.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn changes(read: &Reader<'_>, since: Position, mut tell: impl FnMut(Change)) -> sql::Result<()> {
        let select = "SELECT id, department, is_sold FROM product WHERE changed > ?1";
        let told = read.all(select, [since.0], |row| {
            let (product, is_sold) = (row.get(0)?, row.get(2)?);
            tell(match is_sold {
                true => Change::Listed { product, department: row.get(1)? },
                false => Change::Delisted { product },
            });
            Ok(())
        });
        told.map(drop)
    }
}

impl Projection for Products {
    fn name(&self) -> &'static str {
        "products"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        with_making!(
            "CREATE TABLE product (
                 id TEXT PRIMARY KEY, name TEXT NOT NULL, department TEXT NOT NULL, price_cents INTEGER NOT NULL,
                 is_sold INTEGER NOT NULL, changed INTEGER NOT NULL) WITHOUT ROWID;
             CREATE INDEX product_by_change ON product (changed);"
        )
    }

    fn query(&self) -> Query {
        told("product", &[ProductListed::TYPE, PriceChanged::TYPE, ProductDelisted::TYPE])
    }

    /// Who follows the rows by where they changed last would not hear of one that changes later than its position says.
    fn parks(&self) -> bool {
        false
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let changed = event.position().0;
        match event.event_type() {
            ProductListed::TYPE => {
                let ProductListed { product_id, name, department, price_cents } = event.parse()?;
                let sql = "INSERT OR REPLACE INTO product VALUES (?1, ?2, ?3, ?4, TRUE, ?5)";
                tx.prepare_cached(sql)?.execute(params![product_id, name, department, price_cents, changed])?;
            }
            // The graph knows no prices, and need not hear of it.
            PriceChanged::TYPE => {
                let PriceChanged { product_id, price_cents } = event.parse()?;
                tx.prepare_cached("UPDATE product SET price_cents = ?2 WHERE id = ?1")?
                    .execute(params![product_id, price_cents])?;
            }
            // The row stays, so that who follows hears of it.
            ProductDelisted::TYPE => {
                let ProductDelisted { product_id } = event.parse()?;
                tx.prepare_cached("UPDATE product SET is_sold = FALSE, changed = ?2 WHERE id = ?1")?
                    .execute(params![product_id, changed])?;
            }
            // The catalog may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}
