use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Row, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::StockEvent;
use crate::stock::Stock;

/// What is there of each product.
#[derive(Debug, Clone, Copy, Default)]
pub struct StockLevels;

/// What is there of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Level {
    /// Of which.
    pub product_id: String,
    /// How many units are there.
    pub on_hand: u64,
    /// How many of them are set aside for orders.
    pub set_aside: u64,
    /// How many can be had.
    pub available: u64,
    /// Since when it is so.
    pub changed_at: Timestamp,
}

/// Some products, the scarcest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LevelsPage {
    /// What is there of each.
    pub items: Vec<Level>,
    /// What to ask for to get the ones that follow; none if there are none.
    pub next: Option<String>,
}

/// Where a page ended: behind this level and product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    available: u64,
    product_id: String,
}

impl Cursor {
    /// Reads what a page gave as `next`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (available, product_id) = text.split_once('.')?;
        Some(Self { available: available.parse().ok()?, product_id: product_id.to_owned() })
    }

    fn behind(level: &Level) -> String {
        format!("{}.{}", level.available, level.product_id)
    }
}

const COLUMNS: &str = "product_id, on_hand, set_aside, available, changed_us";

fn level(row: &Row<'_>) -> sql::Result<Level> {
    Ok(Level {
        product_id: row.get(0)?,
        on_hand: row.get(1)?,
        set_aside: row.get(2)?,
        available: row.get(3)?,
        changed_at: Timestamp::from_micros(row.get(4)?),
    })
}

impl StockLevels {
    /// What is there of one product; none if it is not kept here.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, product: &str) -> sql::Result<Option<Level>> {
        read.first(&format!("SELECT {COLUMNS} FROM stock WHERE product_id = ?1"), [product], level)
    }

    /// Up to `limit` products of which less than `below` can be had, the scarcest first, from where an earlier page said
    /// `next`.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn below(read: &Reader<'_>, below: u64, after: Option<&Cursor>, limit: u64) -> sql::Result<LevelsPage> {
        // Nobody's id is empty, so that everything comes after the empty one.
        let (available, product) = after.map_or((0, ""), |cursor| (cursor.available, cursor.product_id.as_str()));
        let select = format!(
            "SELECT {COLUMNS} FROM stock WHERE available < ?1 AND (available, product_id) > (?2, ?3)
             ORDER BY available, product_id LIMIT ?4"
        );
        let mut items = read.all(&select, params![below, available, product, limit + 1], level)?;
        let more = items.len() as u64 > limit;
        items.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        let next = items.last().filter(|_| more).map(Cursor::behind);
        Ok(LevelsPage { items, next })
    }
}

impl Projection for StockLevels {
    fn name(&self) -> &'static str {
        "stock-levels"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE stock (
             product_id TEXT PRIMARY KEY, on_hand INTEGER NOT NULL, set_aside INTEGER NOT NULL,
             available INTEGER NOT NULL GENERATED ALWAYS AS (on_hand - set_aside) VIRTUAL,
             changed_us INTEGER NOT NULL) WITHOUT ROWID;
         CREATE INDEX stock_by_level ON stock (available, product_id);"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE stock (
                 product_id text COLLATE \"C\" PRIMARY KEY, on_hand bigint NOT NULL, set_aside bigint NOT NULL,
                 available bigint NOT NULL GENERATED ALWAYS AS (on_hand - set_aside) STORED,
                 changed_us bigint NOT NULL);
             CREATE INDEX stock_by_level ON stock (available, product_id)",
        )
    }

    fn query(&self) -> Query {
        Query::category(Stock::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let Some(happened) = decode::<StockEvent>(event)? else { return Ok(()) };
        let (on_hand, set_aside) = match happened {
            StockEvent::StockOpened(opened) => {
                tx.prepare_cached(
                    "INSERT INTO stock (product_id, on_hand, set_aside, changed_us) VALUES (?1, ?2, 0, ?3)",
                )?
                .execute(params![event.entity_id(), opened.quantity, event.time().micros()])?;
                return Ok(());
            }
            StockEvent::GoodsReceived(came) => (i64::from(came.quantity), 0),
            StockEvent::GoodsWrittenOff(gone) => (-i64::from(gone.quantity), 0),
            StockEvent::GoodsSetAside(kept) => (0, i64::from(kept.quantity)),
            StockEvent::GoodsPutBack(back) => (0, -i64::from(back.quantity)),
            StockEvent::GoodsLeft(left) => (-i64::from(left.quantity), -i64::from(left.quantity)),
        };
        tx.prepare_cached(
            "UPDATE stock SET on_hand = on_hand + ?2, set_aside = set_aside + ?3, changed_us = ?4 WHERE product_id = ?1",
        )?
        .execute(params![event.entity_id(), on_hand, set_aside, event.time().micros()])?;
        Ok(())
    }
}
