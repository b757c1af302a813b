//! Finding products: by words, narrowed by what they are, what they cost and how they are rated.

mod facets;
mod find;
mod words;

use serde::Serialize;
use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Row, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use super::product_ratings::average;
use crate::events::{ProductEvent, ProductListed, ReviewEvent};
use crate::product::Product;
use crate::review::Review;

pub use facets::{Facet, FacetCount, Facets, PriceBand, RatingBand};
pub use find::{Filters, Found, Search, Sort};

/// The products on sale, to be found by words, and by whatever else they are told apart by.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductSearch;

/// A product, as a page shows it. What is not known of it is empty.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Item {
    /// Which product.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// The department that sells it.
    pub department: String,
    /// `National` or `Private`.
    pub brand: String,
    /// The wider kind of product.
    pub category: String,
    /// The narrower kind of product.
    #[serde(rename = "type")]
    pub kind: String,
    /// The size of its package, as printed.
    pub size: String,
    /// What one unit costs, in US cents.
    pub price_cents: u64,
    /// How many stars its reviews give on average; none if there are none.
    pub rating: Option<f64>,
    /// How many reviews there are.
    pub reviews: u64,
}

/// What [`item`] reads.
const ITEM: &str = "product.id, product.name, product.department, product.brand, product.category, product.kind,
    product.size, product.price_cents, product.stars, product.reviews";

fn item(row: &Row<'_>) -> sql::Result<Item> {
    let reviews = row.get(9)?;
    Ok(Item {
        id: row.get(0)?,
        name: row.get(1)?,
        department: row.get(2)?,
        brand: row.get(3)?,
        category: row.get(4)?,
        kind: row.get(5)?,
        size: row.get(6)?,
        price_cents: row.get(7)?,
        rating: average(row.get(8)?, reviews),
        reviews,
    })
}

impl ProductSearch {
    /// One product that is on sale.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> sql::Result<Option<Item>> {
        read.first(&format!("SELECT {ITEM} FROM product WHERE id = ?1 AND listed"), [id], item)
    }
}

impl Projection for ProductSearch {
    fn name(&self) -> &'static str {
        "product-search"
    }

    fn version(&self) -> u32 {
        3
    }

    fn schema(&self) -> &'static str {
        // The words are kept as an index only; what is shown comes from the table. Each way of sorting has an index,
        // so that a page is read from where it begins; `facets` has all that is counted, so that counting reads no
        // more than that: also that a product is listed, or the table would be read for it.
        "CREATE TABLE product (
             number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, listed INTEGER NOT NULL,
             name TEXT NOT NULL, department TEXT NOT NULL, brand TEXT NOT NULL, category TEXT NOT NULL,
             kind TEXT NOT NULL, size TEXT NOT NULL, price_cents INTEGER NOT NULL,
             reviews INTEGER NOT NULL DEFAULT 0, stars INTEGER NOT NULL DEFAULT 0, merit REAL NOT NULL DEFAULT 0);
         CREATE INDEX by_name ON product (name, number) WHERE listed;
         CREATE INDEX by_price ON product (price_cents, name, number) WHERE listed;
         CREATE INDEX by_merit ON product (merit DESC, name, number) WHERE listed;
         CREATE INDEX by_department ON product (department, name, number) WHERE listed;
         CREATE INDEX by_category ON product (category, name, number) WHERE listed;
         CREATE INDEX facets ON product (department, category, brand, size, price_cents, reviews, stars, listed)
             WHERE listed;
         CREATE VIRTUAL TABLE words USING fts5 (
             name, kind, category, brand, department,
             content = '', contentless_delete = 1, prefix = '1 2 3',
             tokenize = 'porter unicode61 remove_diacritics 2');"
    }

    fn query(&self) -> Query {
        Query::category(Product::CATEGORY).or(Query::category(Review::CATEGORY))
    }

    /// A review counts for a product that is there: one whose listing were parked would lack those that came meanwhile.
    fn parks(&self) -> bool {
        false
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        if event.category() == Review::CATEGORY {
            return rate(tx, event);
        }
        let id = event.entity_id();
        match decode::<ProductEvent>(event)? {
            Some(ProductEvent::ProductListed(listed)) => list(tx, id, &listed)?,
            Some(ProductEvent::ProductPriceChanged(changed)) => {
                tx.prepare_cached("UPDATE product SET price_cents = ?2 WHERE id = ?1")?
                    .execute(params![id, changed.price_cents])?;
            }
            Some(ProductEvent::ProductDelisted(_)) => {
                tx.prepare_cached("DELETE FROM words WHERE rowid = (SELECT number FROM product WHERE id = ?1)")?
                    .execute([id])?;
                tx.prepare_cached("UPDATE product SET listed = 0 WHERE id = ?1")?.execute([id])?;
            }
            None => {}
        }
        Ok(())
    }
}

fn rate(tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
    let (product, reviews, stars) = match decode::<ReviewEvent>(event)? {
        Some(ReviewEvent::ReviewWritten(written)) => (written.product_id, 1, i64::from(written.opinion.stars)),
        Some(ReviewEvent::ReviewRevised(revised)) => {
            (revised.product_id, 0, i64::from(revised.opinion.stars) - i64::from(revised.stars_before))
        }
        Some(ReviewEvent::ReviewFoundHelpful(_)) | None => return Ok(()),
    };
    // By merit, one review of five stars is not worth more than a hundred of four and a half: it counts as if five
    // customers had given three stars before.
    tx.prepare_cached(
        "UPDATE product SET reviews = reviews + ?2, stars = stars + ?3,
             merit = (stars + ?3 + 15.0) / (reviews + ?2 + 5) WHERE id = ?1",
    )?
    .execute(params![product, reviews, stars])?;
    Ok(())
}

fn list(tx: &Transaction<'_>, id: &str, listed: &ProductListed) -> sql::Result<()> {
    let d = &listed.description;
    let number: i64 = tx
        .prepare_cached(
            "INSERT INTO product (id, listed, name, department, brand, category, kind, size, price_cents)
             VALUES (?1, 1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (id) DO UPDATE SET listed = 1, name = excluded.name, department = excluded.department,
                 brand = excluded.brand, category = excluded.category, kind = excluded.kind, size = excluded.size,
                 price_cents = excluded.price_cents
             RETURNING number",
        )?
        .query_row(
            params![id, d.name, d.department, d.brand, d.category, d.kind, d.size, listed.price_cents],
            |row| row.get(0),
        )?;
    tx.prepare_cached(
        "INSERT OR REPLACE INTO words (rowid, name, kind, category, brand, department) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![number, d.name, d.kind, d.category, d.brand, d.department])?;
    Ok(())
}
