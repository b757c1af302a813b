use serde::Serialize;
use shop_contracts::Contract;
use shop_contracts::ordering::{OrderCalledOff, OrderDelivered, OrderPlaced};
use tradewind_events::{EventType, Query, QueryItem, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction, params};
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
    pub fn get(read: &Reader<'_>, customer: &str, product: &str) -> sql::Result<Option<Delivered>> {
        // A customer has hundreds of orders, not thousands, and each has been written once, behind the one before: this
        // reads all of them rather than that each product of each had a place of its own among a million.
        let select = "SELECT order_id, at_us FROM delivery
             WHERE customer_id = ?1 AND EXISTS (SELECT 1 FROM json_each(products) WHERE value = ?2)
             ORDER BY number LIMIT 1";
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
        2
    }

    fn schema(&self) -> &'static str {
        // Products are a JSON array of their ids. Deliveries are numbered as they come; the index has, behind the
        // customer, their numbers.
        "CREATE TABLE underway (
             order_id TEXT PRIMARY KEY, customer_id TEXT NOT NULL, products TEXT NOT NULL) WITHOUT ROWID;
         CREATE TABLE delivery (
             number INTEGER PRIMARY KEY, customer_id TEXT NOT NULL, order_id TEXT NOT NULL, at_us INTEGER NOT NULL,
             products TEXT NOT NULL);
         CREATE INDEX of_customer ON delivery (customer_id);"
    }

    fn query(&self) -> Query {
        let types = [OrderPlaced::TYPE, OrderDelivered::TYPE, OrderCalledOff::TYPE];
        let types = types.into_iter().filter_map(|name| EventType::new(name).ok()).collect();
        Query { items: vec![QueryItem { categories: vec!["order".to_owned()], types, ..QueryItem::default() }] }
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        match event.event_type() {
            OrderPlaced::TYPE => {
                let placed: OrderPlaced = event.parse()?;
                let products: Vec<&str> = placed.lines.iter().map(|line| line.product_id.as_str()).collect();
                let products = serde_json::to_string(&products)?;
                tx.prepare_cached("INSERT OR IGNORE INTO underway VALUES (?1, ?2, ?3)")?.execute(params![
                    placed.order_id,
                    placed.customer_id,
                    products
                ])?;
            }
            OrderDelivered::TYPE => {
                let OrderDelivered { order_id } = event.parse()?;
                tx.prepare_cached(
                    "INSERT INTO delivery
                     SELECT ?2, customer_id, order_id, ?3, products FROM underway WHERE order_id = ?1",
                )?
                .execute(params![order_id, event.position().0, event.time().micros()])?;
                forget(tx, &order_id)?;
            }
            OrderCalledOff::TYPE => forget(tx, &event.parse::<OrderCalledOff>()?.order_id)?,
            // Ordering may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}

fn forget(tx: &Transaction<'_>, order: &str) -> sql::Result<()> {
    tx.prepare_cached("DELETE FROM underway WHERE order_id = ?1")?.execute([order]).map(drop)
}
