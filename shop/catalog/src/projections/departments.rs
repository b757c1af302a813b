use serde::Serialize;
use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::ProductEvent;
use crate::product::Product;

/// The departments of the shop, with how many products each sells.
#[derive(Debug, Clone, Copy, Default)]
pub struct Departments;

/// A department, as a page lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Department {
    /// Its name.
    pub name: String,
    /// How many products it has on sale.
    pub products: u64,
}

impl Departments {
    /// All departments that sell something, the largest first.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn all(read: &Reader<'_>) -> sql::Result<Vec<Department>> {
        read.all(
            "SELECT department, count(*) FROM product WHERE listed = 1 GROUP BY department ORDER BY 2 DESC, 1",
            [],
            |row| Ok(Department { name: row.get(0)?, products: row.get(1)? }),
        )
    }
}

impl Projection for Departments {
    fn name(&self) -> &'static str {
        "departments"
    }

    fn version(&self) -> u32 {
        2
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE product (id TEXT PRIMARY KEY, department TEXT NOT NULL, listed INTEGER NOT NULL) WITHOUT ROWID;
         CREATE INDEX product_by_department ON product (department) WHERE listed = 1;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE product (
                 id text PRIMARY KEY, department text COLLATE \"C\" NOT NULL, listed bigint NOT NULL);
             CREATE INDEX product_by_department ON product (department) WHERE listed = 1",
        )
    }

    fn query(&self) -> Query {
        Query::category(Product::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let id = event.entity_id();
        match decode::<ProductEvent>(event)? {
            Some(ProductEvent::ProductListed(listed)) => {
                tx.prepare_cached(
                    "INSERT INTO product VALUES (?1, ?2, 1)
                     ON CONFLICT (id) DO UPDATE SET department = excluded.department, listed = 1",
                )?
                .execute(params![id, listed.description.department])?;
            }
            Some(ProductEvent::ProductDelisted(_)) => {
                tx.prepare_cached("UPDATE product SET listed = 0 WHERE id = ?1")?.execute([id])?;
            }
            Some(ProductEvent::ProductPriceChanged(_)) | None => {}
        }
        Ok(())
    }
}
