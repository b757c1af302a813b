//! `GET /api/catalog/products/{id}/prices`.

use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use serde::Deserialize;
use tradewind_service::{About, Answer, Entity, Problem, QueryContext};

use super::{CatalogApi, cursor, limit, read};
use crate::product::Product;
use crate::projections::{PriceHistory, PricePage};

#[derive(Debug, Deserialize)]
pub(super) struct PageParams {
    after: Option<String>,
    limit: Option<u64>,
}

/// What a product has cost, also if it is no longer on sale.
pub(super) async fn prices_of(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    params: Result<UrlQuery<PageParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<PricePage>, Problem> {
    let params = read(params)?;
    let after = cursor(params.after.as_deref(), |after| after.parse::<u32>().ok())?.map(u64::from);
    let (what, limit) = (format!("product {id}"), limit(params.limit));
    let about = About::stream(Product::CATEGORY, &id);
    let page = api.prices.query_about(&context, &about, move |read| PriceHistory::of(read, &id, after, limit)).await?;
    // Every product has had a price.
    page.map(|page| Some(page).filter(|page| after.is_some() || !page.items.is_empty())).or_not_found(what)
}
