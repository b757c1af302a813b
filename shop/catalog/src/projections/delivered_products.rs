use serde::Serialize;
use shop_contracts::Contract;
use shop_contracts::ordering::{OrderCalledOff, OrderDelivered, OrderPlaced};
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::rusqlite::{self, Transaction, params};
use tradewind_service::{Projection, ProjectionError, Reader};

/// Who has received what, kept from what ordering tells: so a review can be written while ordering is away. What an
/// order is made of is told when it is placed, and kept until it is delivered or called off.
#[derive(Debug, Clone, Copy, Default)]
pub struct DeliveredProducts;

/// That a customer has received a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Delivered {
    /// With which order, the first time.
    pub order_id: String,
    /// When.
    pub delivered_at: Timestamp,
}

impl DeliveredProducts {
    /// When a customer first received a product; none if they never have.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, customer: &str, product: &str) -> rusqlite::Result<Option<Delivered>> {
        let select = "SELECT order_id, at_us FROM delivered WHERE customer_id = ?1 AND product_id = ?2";
        read.first(select, [customer, product], |row| {
            Ok(Delivered { order_id: row.get(0)?, delivered_at: Timestamp::from_micros(row.get(1)?) })
        })
    }
}

impl Projection for DeliveredProducts {
    fn name(&self) -> &'static str {
        "delivered-products"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE underway (
             order_id TEXT NOT NULL, product_id TEXT NOT NULL, customer_id TEXT NOT NULL,
             PRIMARY KEY (order_id, product_id)) WITHOUT ROWID;
         CREATE TABLE delivered (
             customer_id TEXT NOT NULL, product_id TEXT NOT NULL, order_id TEXT NOT NULL, at_us INTEGER NOT NULL,
             PRIMARY KEY (customer_id, product_id)) WITHOUT ROWID;"
    }

    fn query(&self) -> Query {
        Query::category("order")
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        match event.event_type() {
            OrderPlaced::TYPE => {
                let placed: OrderPlaced = event.parse()?;
                let mut insert = tx.prepare_cached("INSERT OR IGNORE INTO underway VALUES (?1, ?2, ?3)")?;
                for line in &placed.lines {
                    insert.execute(params![placed.order_id, line.product_id, placed.customer_id])?;
                }
            }
            OrderDelivered::TYPE => {
                let OrderDelivered { order_id } = event.parse()?;
                tx.prepare_cached(
                    "INSERT OR IGNORE INTO delivered
                     SELECT customer_id, product_id, order_id, ?2 FROM underway WHERE order_id = ?1",
                )?
                .execute(params![order_id, event.time().micros()])?;
                forget(tx, &order_id)?;
            }
            OrderCalledOff::TYPE => forget(tx, &event.parse::<OrderCalledOff>()?.order_id)?,
            // Ordering may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}

fn forget(tx: &Transaction<'_>, order: &str) -> rusqlite::Result<()> {
    tx.prepare_cached("DELETE FROM underway WHERE order_id = ?1")?.execute([order]).map(drop)
}
