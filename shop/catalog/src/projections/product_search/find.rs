//! One page of what is looked for, in the order that is wanted.

use serde::Deserialize;
use tradewind_service::Reader;
use tradewind_service::sql::{self, ToSql};

use super::facets::{self, Counted};
use super::words::Words;
use super::{Facets, ITEM, Item, ProductSearch, item};

/// What somebody looks for.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Search {
    /// Words, all of which the product must have; the last one may be the beginning of a word, since it may still
    /// be being typed. Without any, all products match.
    pub words: String,
    /// What else must be so.
    pub filters: Filters,
    /// What comes first.
    pub sort: Sort,
    /// Whether to count what the filters could be.
    pub facets: bool,
    /// How many matching products to pass over.
    pub offset: u64,
    /// How many to answer with, at most.
    pub limit: u64,
}

/// What must be so of a product that is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filters {
    /// The department that sells it.
    pub department: Option<String>,
    /// The wider kind of product.
    pub category: Option<String>,
    /// `National` or `Private`.
    pub brand: Option<String>,
    /// The size of its package, as printed.
    pub size: Option<String>,
    /// The least that it costs, in US cents.
    pub price_min_cents: Option<u64>,
    /// The most that it costs, in US cents.
    pub price_max_cents: Option<u64>,
    /// How many stars it must be given on average, at least.
    pub rating_min: Option<u8>,
}

/// What comes first. What is equal in that comes by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sort {
    /// The best matches; without words, by name.
    #[default]
    Relevance,
    /// The cheapest.
    PriceAsc,
    /// The dearest.
    PriceDesc,
    /// The best rated: stars on average, of which few reviews tell less than many.
    Rating,
    /// By name.
    Name,
}

impl Sort {
    /// Each order is total, so that no page repeats or misses a product of another.
    fn order(self, has_words: bool) -> &'static str {
        match self {
            // bm25's weights follow the columns of `words`: a word in the name counts most, one in the department least.
            Self::Relevance if has_words => "bm25(words, 10.0, 4.0, 4.0, 2.0, 1.0), product.name, product.number",
            Self::Relevance | Self::Name => "product.name, product.number",
            Self::PriceAsc => "product.price_cents, product.name, product.number",
            // Backwards in all, so that the index can be read backwards.
            Self::PriceDesc => "product.price_cents DESC, product.name DESC, product.number DESC",
            Self::Rating => "product.merit DESC, product.name, product.number",
        }
    }
}

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// One page of what matches, in its order.
    pub items: Vec<Item>,
    /// How many match in all.
    pub total: u64,
    /// What the filters could be, if that was asked for.
    pub facets: Option<Facets>,
}

impl ProductSearch {
    /// The products that match.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub fn find(read: &Reader<'_>, search: &Search) -> sql::Result<Found> {
        let words = match Words::typed(&search.words) {
            Words::Never => {
                let facets = search.facets.then(Facets::default);
                return Ok(Found { items: Vec::new(), total: 0, facets });
            }
            Words::Any => None,
            Words::Match(expression) => Some(expression),
        };
        let matches = if words.is_some() { Matches::Words } else { Matches::All };
        let mut conditions = search.filters.conditions();
        let given: Vec<String> = conditions.iter().map(|(_, holds, _)| format!(" AND {holds}")).collect();
        let matching = format!("{}{}", matches.from(), given.concat());
        let mut values: Vec<(&str, &dyn ToSql)> = Vec::new();
        if let Some(words) = &words {
            values.push((":words", words));
        }
        let filters = conditions.iter_mut().flat_map(|(_, _, values)| values.drain(..));
        values.extend(filters);
        let Counted { total, facets } = if search.facets {
            facets::count(read, matches, &search.filters, &values)?
        } else {
            let total = read.first(&format!("SELECT count(*) {matching}"), &*values, |row| row.get(0))?;
            Counted { total: total.unwrap_or_default(), facets: None }
        };
        values.extend([(":limit", &search.limit as &dyn ToSql), (":offset", &search.offset)]);
        let order = search.sort.order(words.is_some());
        let select = format!("SELECT {ITEM} {matching} ORDER BY {order} LIMIT :limit OFFSET :offset");
        Ok(Found { items: read.all(&select, &*values, item)?, total, facets })
    }
}

/// What is looked among.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Matches {
    /// All products.
    All,
    /// Those that have some words.
    Words,
}

impl Matches {
    /// Where they are, in SQL.
    pub(super) fn from(self) -> &'static str {
        match self {
            Self::All => "FROM product WHERE listed",
            Self::Words => "FROM words JOIN product ON product.number = words.rowid WHERE words MATCH :words",
        }
    }
}

/// What a filter is about, what must hold in SQL, and the values in it.
pub(super) type Condition<'a> = (Dimension, &'static str, Vec<(&'static str, &'a dyn ToSql)>);

/// What can be filtered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dimension {
    Department,
    Category,
    Brand,
    Size,
    Price,
    Rating,
}

impl Filters {
    /// What must hold. Only what was asked for: the database plans a question by what stands in it.
    pub(super) fn conditions(&self) -> Vec<Condition<'_>> {
        let mut all: Vec<Condition<'_>> = Vec::new();
        if let Some(value) = &self.department {
            all.push((Dimension::Department, "product.department = :department", vec![(":department", value)]));
        }
        if let Some(value) = &self.category {
            all.push((Dimension::Category, "product.category = :category", vec![(":category", value)]));
        }
        if let Some(value) = &self.brand {
            all.push((Dimension::Brand, "product.brand = :brand", vec![(":brand", value)]));
        }
        if let Some(value) = &self.size {
            all.push((Dimension::Size, "product.size = :size", vec![(":size", value)]));
        }
        match (&self.price_min_cents, &self.price_max_cents) {
            (None, None) => {}
            (Some(min), None) => all.push((Dimension::Price, "product.price_cents >= :min", vec![(":min", min)])),
            (None, Some(max)) => all.push((Dimension::Price, "product.price_cents <= :max", vec![(":max", max)])),
            (Some(min), Some(max)) => {
                let both: Vec<(&str, &dyn ToSql)> = vec![(":min", min), (":max", max)];
                all.push((Dimension::Price, "product.price_cents BETWEEN :min AND :max", both));
            }
        }
        if let Some(stars) = &self.rating_min {
            let holds = "(product.reviews > 0 AND product.stars >= :rating * product.reviews)";
            all.push((Dimension::Rating, holds, vec![(":rating", stars)]));
        }
        all
    }
}
