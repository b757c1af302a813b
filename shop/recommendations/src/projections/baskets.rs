use shop_contracts::Contract;
use shop_contracts::ordering::{OrderCalledOff, OrderPlaced};
use tradewind_events::{Position, Query, Recorded};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Projection, ProjectionError, Reader};

use super::{told, with_making};
use crate::graph::Change;

/// What was bought in one order, kept from what ordering tells: a row for each order, with its products once each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Baskets;

impl Baskets {
    /// Tells how the baskets have changed since a position, in the order in which they were placed.
    ///
    /// # Errors
    /// If the database cannot be read, or `tell` says so.
    pub fn changes(read: &Reader<'_>, since: Position, mut tell: impl FnMut(Change)) -> sql::Result<()> {
        let select = "SELECT number, products FROM basket WHERE changed > ?1 ORDER BY number";
        let told = read.all(select, [since.0], |row| {
            let (basket, products): (u32, Option<String>) = (row.get(0)?, row.get(1)?);
            tell(match products {
                Some(products) => Change::Bought { basket, products: parse(&products)? },
                None => Change::TakenBack { basket },
            });
            Ok(())
        });
        told.map(drop)
    }
}

fn parse(products: &str) -> sql::Result<Vec<String>> {
    serde_json::from_str(products).map_err(|error| sql::Error::unreadable(1, error))
}

impl Projection for Baskets {
    fn name(&self) -> &'static str {
        "baskets"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        with_making!(
            "CREATE TABLE basket (
                 number INTEGER PRIMARY KEY, order_id TEXT NOT NULL UNIQUE, changed INTEGER NOT NULL, products TEXT);
             CREATE INDEX basket_by_change ON basket (changed);"
        )
    }

    fn query(&self) -> Query {
        told("order", &[OrderPlaced::TYPE, OrderCalledOff::TYPE])
    }

    /// Who follows the rows by where they changed last would not hear of one that changes later than its position says.
    fn parks(&self) -> bool {
        false
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let changed = event.position().0;
        match event.event_type() {
            OrderPlaced::TYPE => {
                let placed: OrderPlaced = event.parse()?;
                let mut products: Vec<&str> = placed.lines.iter().map(|line| line.product_id.as_str()).collect();
                products.sort_unstable();
                products.dedup();
                let products = serde_json::to_string(&products)?;
                let sql = "INSERT INTO basket (order_id, changed, products) VALUES (?1, ?2, ?3)";
                tx.prepare_cached(sql)?.execute(params![placed.order_id, changed, products])?;
            }
            // Nothing was bought after all. The row stays, so that who follows hears of it.
            OrderCalledOff::TYPE => {
                let called_off: OrderCalledOff = event.parse()?;
                let sql = "UPDATE basket SET products = NULL, changed = ?2 WHERE order_id = ?1";
                tx.prepare_cached(sql)?.execute(params![called_off.order_id, changed])?;
            }
            // Ordering may tell more than this copy needs.
            _ => {}
        }
        Ok(())
    }
}
