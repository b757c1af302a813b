//! What the filters could be set to, and how many products each setting would find. A facet respects all filters but
//! its own, so that it shows what else one could choose.

use std::collections::HashMap;

use serde::Serialize;
use tradewind_service::Reader;
use tradewind_service::sql::{self, Row, ToSql};

use super::find::{Dimension, Filters, Matches};
use crate::review::Review;

/// What the filters could be.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facets {
    /// By department.
    pub department: Facet,
    /// By the wider kind of product.
    pub category: Facet,
    /// By brand.
    pub brand: Facet,
    /// By the size of the package, where it is known.
    pub size: Facet,
    /// By price, the cheapest first.
    pub price: Vec<PriceBand>,
    /// By rating, the best first. Each counts the better ones, too.
    pub rating: Vec<RatingBand>,
}

/// The values of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Facet {
    /// Those of most products first.
    pub values: Vec<FacetCount>,
    /// How many more values there are.
    pub others: u64,
}

/// A value, and how many products have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FacetCount {
    /// The value.
    pub value: String,
    /// How many products.
    pub count: u64,
}

/// Prices from one to another, both included, in US cents.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PriceBand {
    /// The lowest.
    pub min_cents: u64,
    /// The highest; none is open.
    pub max_cents: Option<u64>,
    /// How many products.
    pub count: u64,
}

/// So many stars on average, or more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RatingBand {
    /// So many.
    pub min: u8,
    /// How many products.
    pub count: u64,
}

impl Facet {
    /// How many values are told.
    pub const VALUES_MAX: usize = 50;
}

/// Where price bands begin, in US cents.
const PRICE_BANDS_CENTS: [u64; 7] = [0, 100, 200, 500, 1_000, 2_000, 5_000];

/// How many match, and the facets if they were asked for.
pub(super) struct Counted {
    pub(super) total: u64,
    pub(super) facets: Option<Facets>,
}

/// Counts everything in one pass. Of each product the database tells which filter it fails, and only those that fail
/// one at most: who fails none counts everywhere, who fails one counts in that facet alone.
pub(super) fn count(
    read: &Reader<'_>,
    matches: Matches,
    filters: &Filters,
    values: &[(&str, &dyn ToSql)],
) -> sql::Result<Counted> {
    let mut tally = Tally::default();
    read.all(&select(matches, filters), values, |row| tally.add(row))?;
    let total = tally.total;
    Ok(Counted { total, facets: Some(tally.facets()) })
}

fn select(matches: Matches, filters: &Filters) -> String {
    let from = match matches {
        Matches::Words => matches.from(),
        // The database would rather read the whole table, three times as long.
        Matches::All => "FROM product INDEXED BY facets WHERE listed",
    };
    let fails: Vec<String> = filters
        .conditions()
        .iter()
        .map(|(dimension, holds, _)| format!("(NOT {holds}) * {}", dimension.bit()))
        .collect();
    let failed = if fails.is_empty() { "0".to_owned() } else { fails.join(" + ") };
    let one_at_most: String = match fails.len() {
        0 | 1 => String::new(),
        // A power of two, or none: no two bits are set.
        _ => format!(" AND (({failed}) & (({failed}) - 1)) = 0"),
    };
    format!(
        "SELECT {failed}, product.department, product.category, product.brand, product.size, product.price_cents,
             product.reviews, product.stars {from}{one_at_most}"
    )
}

impl Dimension {
    fn bit(self) -> u8 {
        1 << self as u8
    }
}

#[derive(Default)]
struct Tally {
    total: u64,
    texts: [HashMap<String, u64>; 4],
    prices: [u64; PRICE_BANDS_CENTS.len()],
    ratings: [u64; Review::STARS_MAX as usize],
}

impl Tally {
    fn add(&mut self, row: &Row<'_>) -> sql::Result<()> {
        let failed: u8 = row.get(0)?;
        self.total += u64::from(failed == 0);
        let counts_in = |dimension: Dimension| failed & !dimension.bit() == 0;
        for (index, dimension) in
            [Dimension::Department, Dimension::Category, Dimension::Brand, Dimension::Size].into_iter().enumerate()
        {
            if counts_in(dimension) {
                add_text(&mut self.texts[index], row.get_ref(index + 1)?.as_str()?);
            }
        }
        if counts_in(Dimension::Price) {
            let cents: u64 = row.get(5)?;
            let band = PRICE_BANDS_CENTS.iter().rposition(|from| *from <= cents).unwrap_or(0);
            self.prices[band] += 1;
        }
        let (reviews, stars): (u64, u64) = (row.get(6)?, row.get(7)?);
        if counts_in(Dimension::Rating)
            && let Some(mean) = stars.checked_div(reviews)
        {
            (0..mean as usize).for_each(|below| self.ratings[below] += 1);
        }
        Ok(())
    }

    fn facets(self) -> Facets {
        let [department, category, brand, size] = self.texts.map(most_first);
        let ends = PRICE_BANDS_CENTS.iter().skip(1).map(|next| Some(next - 1)).chain([None]);
        let bands = PRICE_BANDS_CENTS.into_iter().zip(ends).zip(self.prices);
        let price = bands.map(|((min_cents, max_cents), count)| PriceBand { min_cents, max_cents, count });
        let ratings = (1..=Review::STARS_MAX).zip(self.ratings).rev();
        let rating = ratings.map(|(min, count)| RatingBand { min, count });
        Facets {
            department,
            category,
            brand,
            size,
            price: price.filter(|band| band.count > 0).collect(),
            rating: rating.filter(|band| band.count > 0).collect(),
        }
    }
}

/// What is not known is no value that one could choose.
fn add_text(counts: &mut HashMap<String, u64>, text: &str) {
    if text.is_empty() {
        return;
    }
    match counts.get_mut(text) {
        Some(count) => *count += 1,
        None => _ = counts.insert(text.to_owned(), 1),
    }
}

fn most_first(counts: HashMap<String, u64>) -> Facet {
    let mut values: Vec<FacetCount> = counts.into_iter().map(|(value, count)| FacetCount { value, count }).collect();
    values.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.value.cmp(&b.value)));
    let others = values.len().saturating_sub(Facet::VALUES_MAX) as u64;
    values.truncate(Facet::VALUES_MAX);
    Facet { values, others }
}

#[cfg(test)]
mod tests;
