use serde::Serialize;
use tradewind_events::{Query, Recorded};
use tradewind_service::sql::{self, Transaction, params};
use tradewind_service::{Entity, Projection, ProjectionError, Reader, decode};

use crate::events::ReviewEvent;
use crate::review::Review;

/// How many stars each product has been given, from the same events as its reviews.
#[derive(Debug, Clone, Copy, Default)]
pub struct ProductRatings;

/// What a product's reviews come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rating {
    /// The mean of all stars, to a hundredth; none if there are none.
    pub average: Option<f64>,
    /// How many reviews there are.
    pub count: u64,
    /// How many give so many stars, the most stars first.
    pub distribution: Vec<StarCount>,
}

/// How many reviews give so many stars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct StarCount {
    /// So many.
    pub stars: u8,
    /// How many reviews.
    pub count: u64,
}

/// The mean of stars to a hundredth, wherever one is told.
pub(crate) fn average(sum: u64, count: u64) -> Option<f64> {
    (count > 0).then(|| (sum as f64 * 100.0 / count as f64).round() / 100.0)
}

impl ProductRatings {
    /// What a product's reviews come to.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn of(read: &Reader<'_>, product: &str) -> sql::Result<Rating> {
        let given: Vec<(u8, u64)> =
            read.all("SELECT stars, count FROM rating WHERE product_id = ?1", [product], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })?;
        let count_of = |stars| given.iter().find(|(given, _)| *given == stars).map_or(0, |(_, count)| *count);
        let distribution: Vec<StarCount> =
            (1..=Review::STARS_MAX).rev().map(|stars| StarCount { stars, count: count_of(stars) }).collect();
        let count = distribution.iter().map(|of| of.count).sum();
        let sum = distribution.iter().map(|of| u64::from(of.stars) * of.count).sum();
        Ok(Rating { average: average(sum, count), count, distribution })
    }
}

impl Projection for ProductRatings {
    fn name(&self) -> &'static str {
        "product-ratings"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE rating (
             product_id TEXT NOT NULL, stars INTEGER NOT NULL, count INTEGER NOT NULL,
             PRIMARY KEY (product_id, stars)) WITHOUT ROWID;"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some(
            "CREATE TABLE rating (
                 product_id text NOT NULL, stars bigint NOT NULL, count bigint NOT NULL,
                 PRIMARY KEY (product_id, stars))",
        )
    }

    fn query(&self) -> Query {
        Query::category(Review::CATEGORY)
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        match decode::<ReviewEvent>(event)? {
            Some(ReviewEvent::ReviewWritten(written)) => count(tx, &written.product_id, written.opinion.stars, 1)?,
            Some(ReviewEvent::ReviewRevised(revised)) => {
                count(tx, &revised.product_id, revised.stars_before, -1)?;
                count(tx, &revised.product_id, revised.opinion.stars, 1)?;
            }
            Some(ReviewEvent::ReviewFoundHelpful(_)) | None => {}
        }
        Ok(())
    }
}

fn count(tx: &Transaction<'_>, product: &str, stars: u8, more: i64) -> sql::Result<()> {
    tx.prepare_cached(
        "INSERT INTO rating VALUES (?1, ?2, ?3)
         ON CONFLICT (product_id, stars) DO UPDATE SET count = rating.count + excluded.count",
    )?
    .execute(params![product, stars, more])
    .map(drop)
}
