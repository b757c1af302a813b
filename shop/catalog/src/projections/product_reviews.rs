use serde::Serialize;
use tradewind_events::{Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Row, Transaction, named_params, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::ReviewEvent;
use crate::review::Review;

/// The reviews of each product.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductReviews;

/// A review, as a product's page shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewView {
    /// Which review.
    pub id: String,
    /// Who wrote it.
    pub customer_id: String,
    /// How many stars it gives, of 5.
    pub stars: u8,
    /// In a few words; may be empty.
    pub title: String,
    /// In more words; may be empty.
    pub text: String,
    /// When it was written.
    pub written_at: Timestamp,
    /// When it was last revised, if it was.
    pub revised_at: Option<Timestamp>,
    /// How many customers it has helped.
    pub helpful: u64,
}

/// Which reviews somebody wants.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wanted {
    /// Of which product.
    pub product_id: String,
    /// By whom, if not by anybody.
    pub customer_id: Option<String>,
    /// In which order.
    pub sort: ReviewSort,
    /// Where an earlier page ended.
    pub after: Option<ReviewCursor>,
    /// How many at most.
    pub limit: u64,
}

/// Which reviews come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ReviewSort {
    /// Those that were written last.
    #[default]
    Newest,
    /// Those that have helped most; among them those that were written last.
    MostHelpful,
}

/// Some reviews of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReviewPage {
    /// The reviews.
    pub items: Vec<ReviewView>,
    /// What to ask for to get the next ones; none if there are none.
    pub next: Option<String>,
}

/// Where a page of reviews ended. A review that helps somebody meanwhile may move across it; all others are met once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewCursor {
    helpful: i64,
    written_at_us: i64,
    id: String,
}

impl ReviewCursor {
    const START: Self = Self { helpful: i64::MAX, written_at_us: i64::MAX, id: String::new() };

    /// Reads what a page gave as `next`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '.');
        let (helpful, written_at_us, id) = (parts.next()?, parts.next()?, parts.next()?);
        let (helpful, written_at_us) = (helpful.parse().ok()?, written_at_us.parse().ok()?);
        Some(Self { helpful, written_at_us, id: id.to_owned() })
    }

    fn behind(last: &ReviewView) -> String {
        format!("{}.{}.{}", last.helpful, last.written_at.micros(), last.id)
    }
}

impl ProductReviews {
    /// Some reviews of a product.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of(read: &Reader<'_>, wanted: &Wanted) -> sql::Result<ReviewPage> {
        let (place, order) = match wanted.sort {
            ReviewSort::Newest => ("(written_at_us, id) < (:written, :id)", "written_at_us DESC, id DESC"),
            ReviewSort::MostHelpful => (
                "(helpful, written_at_us, id) < (:helpful, :written, :id)",
                "helpful DESC, written_at_us DESC, id DESC",
            ),
        };
        let after = wanted.after.clone().unwrap_or(ReviewCursor::START);
        // A place among the newest needs no helpfulness, but every value that is given must have a place in the question.
        let mut items = read.all(
            &format!(
                "SELECT id, customer_id, stars, title, text, written_at_us, revised_at_us, helpful FROM review
                 WHERE product_id = :product AND {place} AND :helpful IS NOT NULL
                     AND (:customer IS NULL OR customer_id = :customer)
                 ORDER BY {order} LIMIT :limit"
            ),
            named_params! {
                ":product": wanted.product_id, ":customer": wanted.customer_id, ":helpful": after.helpful,
                ":written": after.written_at_us, ":id": after.id, ":limit": wanted.limit + 1,
            },
            view,
        )?;
        let more = items.len() as u64 > wanted.limit;
        items.truncate(usize::try_from(wanted.limit).unwrap_or(usize::MAX));
        let next = items.last().filter(|_| more).map(ReviewCursor::behind);
        Ok(ReviewPage { items, next })
    }
}

fn view(row: &Row<'_>) -> sql::Result<ReviewView> {
    Ok(ReviewView {
        id: row.get(0)?,
        customer_id: row.get(1)?,
        stars: row.get(2)?,
        title: row.get(3)?,
        text: row.get(4)?,
        written_at: Timestamp::from_micros(row.get(5)?),
        revised_at: row.get::<_, Option<i64>>(6)?.map(Timestamp::from_micros),
        helpful: row.get(7)?,
    })
}

impl Projection for ProductReviews {
    fn name(&self) -> &'static str {
        "product-reviews"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE review (
             id TEXT NOT NULL UNIQUE, product_id TEXT NOT NULL, customer_id TEXT NOT NULL, stars INTEGER NOT NULL,
             title TEXT NOT NULL, text TEXT NOT NULL, written_at_us INTEGER NOT NULL, revised_at_us INTEGER,
             helpful INTEGER NOT NULL);
         CREATE INDEX newest ON review (product_id, written_at_us, id);
         CREATE INDEX most_helpful ON review (product_id, helpful, written_at_us, id);"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE review (
                 id text COLLATE \"C\" NOT NULL UNIQUE, product_id text NOT NULL, customer_id text NOT NULL,
                 stars bigint NOT NULL, title text NOT NULL, text text NOT NULL, written_at_us bigint NOT NULL,
                 revised_at_us bigint, helpful bigint NOT NULL);
             CREATE INDEX newest ON review (product_id, written_at_us, id);
             CREATE INDEX most_helpful ON review (product_id, helpful, written_at_us, id)",
        )
    }

    fn query(&self) -> Query {
        Query::category(Review::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let (id, at_us) = (event.entity_id(), event.time().micros());
        match decode::<ReviewEvent>(event)? {
            Some(ReviewEvent::ReviewWritten(written)) => {
                let opinion = &written.opinion;
                tx.prepare_cached("INSERT INTO review VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, NULL, 0)")?.execute(
                    params![
                        id,
                        written.product_id,
                        written.customer_id,
                        opinion.stars,
                        opinion.title,
                        opinion.text,
                        at_us
                    ],
                )?;
            }
            Some(ReviewEvent::ReviewRevised(revised)) => {
                let opinion = &revised.opinion;
                tx.prepare_cached(
                    "UPDATE review SET stars = ?2, title = ?3, text = ?4, revised_at_us = ?5 WHERE id = ?1",
                )?
                .execute(params![id, opinion.stars, opinion.title, opinion.text, at_us])?;
            }
            Some(ReviewEvent::ReviewFoundHelpful(_)) => {
                tx.prepare_cached("UPDATE review SET helpful = helpful + 1 WHERE id = ?1")?.execute([id])?;
            }
            None => {}
        }
        Ok(())
    }
}
