use serde::Serialize;
use tradewind_events::{Query, Recorded};
use tradewind_service::rusqlite::{self, Row, Transaction, named_params, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::{ProductEvent, ProductListed};
use crate::product::Product;

/// The products on sale, to be found by words, and by department.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductSearch;

/// A product, as a page shows it. What is not known of it is empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
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
}

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Words, all of which the product must have; the last one may be the beginning of a word, since it may still
    /// be being typed. Without any, all products match.
    pub words: String,
    /// The department that must sell it.
    pub department: Option<String>,
    /// How many matching products to pass over.
    pub offset: u64,
    /// How many to answer with, at most.
    pub limit: u64,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The best matches first; without words, by name.
    pub items: Vec<Item>,
    /// How many match in all.
    pub total: u64,
}

impl ProductSearch {
    /// The products that match.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn find(read: &Reader<'_>, search: &Search) -> rusqlite::Result<Found> {
        let words = match_expression(&search.words);
        if words.is_none() && !search.words.trim().is_empty() {
            // Only signs, no word: nothing is called that.
            return Ok(Found { items: Vec::new(), total: 0 });
        }
        // bm25's weights follow the columns of `words`: a word in the name counts most, one in the department least.
        let (matching, order) = match &words {
            Some(_) => (
                "FROM words JOIN product ON product.number = words.rowid WHERE words MATCH :words",
                "bm25(words, 10.0, 4.0, 4.0, 2.0, 1.0), product.name, product.number",
            ),
            None => ("FROM product WHERE listed AND :words IS NULL", "name, number"),
        };
        let matching = format!("{matching} AND (:department IS NULL OR product.department = :department)");
        let total = read.first(
            &format!("SELECT count(*) {matching}"),
            named_params! { ":words": words, ":department": search.department },
            |row| row.get(0),
        )?;
        let items = read.all(
            &format!(
                "SELECT id, product.name, product.department, product.brand, product.category, product.kind, size,
                     price_cents
                 {matching} ORDER BY {order} LIMIT :limit OFFSET :offset"
            ),
            named_params! {
                ":words": words, ":department": search.department,
                ":limit": search.limit, ":offset": search.offset,
            },
            item,
        )?;
        Ok(Found { items, total: total.unwrap_or_default() })
    }

    /// One product that is on sale.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn get(read: &Reader<'_>, id: &str) -> rusqlite::Result<Option<Item>> {
        read.first(
            "SELECT id, name, department, brand, category, kind, size, price_cents FROM product
             WHERE id = ?1 AND listed",
            [id],
            item,
        )
    }
}

fn item(row: &Row<'_>) -> rusqlite::Result<Item> {
    Ok(Item {
        id: row.get(0)?,
        name: row.get(1)?,
        department: row.get(2)?,
        brand: row.get(3)?,
        category: row.get(4)?,
        kind: row.get(5)?,
        size: row.get(6)?,
        price_cents: row.get(7)?,
    })
}

/// What a person typed, as FTS5 wants it: each word in quotes, so that nothing in it is an operator. `None` if
/// there is no word in it.
fn match_expression(typed: &str) -> Option<String> {
    const WORDS_MAX: usize = 12;
    let words: Vec<String> = typed
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .take(WORDS_MAX)
        .map(|word| format!("\"{word}\""))
        .collect();
    (!words.is_empty()).then(|| words.join(" ") + "*")
}

impl Projection for ProductSearch {
    fn name(&self) -> &'static str {
        "product-search"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        // The words are kept as an index only; what is shown comes from the table.
        "CREATE TABLE product (
             number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, listed INTEGER NOT NULL,
             name TEXT NOT NULL, department TEXT NOT NULL, brand TEXT NOT NULL, category TEXT NOT NULL,
             kind TEXT NOT NULL, size TEXT NOT NULL, price_cents INTEGER NOT NULL);
         CREATE INDEX product_by_name ON product (name, number) WHERE listed;
         CREATE INDEX product_by_department ON product (department, name, number) WHERE listed;
         CREATE VIRTUAL TABLE words USING fts5 (
             name, kind, category, brand, department,
             content = '', contentless_delete = 1, prefix = '2 3', tokenize = 'porter unicode61 remove_diacritics 2');"
    }

    fn query(&self) -> Query {
        Query::category(Product::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
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

fn list(tx: &Transaction<'_>, id: &str, listed: &ProductListed) -> rusqlite::Result<()> {
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
