//! `GET /api/catalog/products`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Query as UrlQuery, State};
use serde::{Deserialize, Serialize};
use tradewind_service::{Answer, Problem, QueryContext};

use super::{CatalogApi, cursor, limit, read};
use crate::projections::{Facets, Filters, Item, ProductSearch, Search, Sort};
use crate::review::Review;

/// The longest search, in characters.
const WORDS_CHARS_MAX: usize = 200;

#[derive(Debug, Deserialize)]
pub(super) struct FindParams {
    q: Option<String>,
    department: Option<String>,
    category: Option<String>,
    brand: Option<String>,
    size: Option<String>,
    price_min_cents: Option<u64>,
    price_max_cents: Option<u64>,
    rating_min: Option<u8>,
    #[serde(default)]
    sort: Sort,
    #[serde(default)]
    facets: bool,
    after: Option<String>,
    limit: Option<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct ProductPage {
    items: Vec<Item>,
    total: u64,
    next: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facets: Option<Facets>,
}

pub(super) async fn find_products(
    State(api): State<CatalogApi>,
    params: Result<UrlQuery<FindParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<ProductPage>, Problem> {
    let search = search(read(params)?)?;
    let offset = search.offset;
    let found = api.search.query(&context, move |read| ProductSearch::find(read, &search)).await?;
    Ok(found.map(|found| {
        let end = offset + found.items.len() as u64;
        let next = (end < found.total && !found.items.is_empty()).then(|| end.to_string());
        ProductPage { items: found.items, total: found.total, next, facets: found.facets }
    }))
}

fn search(params: FindParams) -> Result<Search, Problem> {
    let refused = |problem: String| Err(Problem::bad_request(problem));
    let words = params.q.unwrap_or_default();
    if words.chars().count() > WORDS_CHARS_MAX {
        return refused(format!("q is longer than {WORDS_CHARS_MAX} characters"));
    }
    if params.rating_min.is_some_and(|stars| !(1..=Review::STARS_MAX).contains(&stars)) {
        return refused(format!("rating_min is not from 1 to {}", Review::STARS_MAX));
    }
    if params.price_min_cents.zip(params.price_max_cents).is_some_and(|(min, max)| min > max) {
        return refused("price_min_cents is more than price_max_cents".to_owned());
    }
    // More than the database can be asked for is more than anything costs.
    let cents = |asked: Option<u64>| asked.map(|cents| cents.min(i64::MAX as u64));
    let text = |asked: Option<String>| asked.filter(|text| !text.is_empty());
    // As a page counts: more than any shop has, and less than the database can be asked for.
    let offset = cursor(params.after.as_deref(), |after| after.parse::<u32>().ok())?;
    Ok(Search {
        words,
        filters: Filters {
            department: text(params.department),
            category: text(params.category),
            brand: text(params.brand),
            size: text(params.size),
            price_min_cents: cents(params.price_min_cents),
            price_max_cents: cents(params.price_max_cents),
            rating_min: params.rating_min,
        },
        sort: params.sort,
        facets: params.facets,
        offset: offset.unwrap_or_default().into(),
        limit: limit(params.limit),
    })
}
