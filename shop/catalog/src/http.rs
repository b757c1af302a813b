//! The catalog's API.

mod find_products;
mod operations;
mod prices;
mod reviews;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use serde::{Deserialize, Serialize};
use tradewind_service::{
    About, Answer, CommandContext, Commands, Entity, Problem, QueryContext, ReadModel, Submitted, tag,
};

use crate::commands::{ChangePrice, DelistProduct, ListProduct};
use crate::events::Description;
use crate::product::Product;
pub use operations::operations;

use crate::projections::{Department, Departments, Item, ProductSearch};

/// What the API needs of the service.
#[derive(Clone)]
pub struct CatalogApi {
    /// Changes products.
    pub commands: Commands,
    /// Finds products.
    pub search: ReadModel,
    /// Lists departments.
    pub departments: ReadModel,
    /// What products have cost.
    pub prices: ReadModel,
    /// What customers say of products.
    pub reviews: ReadModel,
    /// How many stars they give.
    pub ratings: ReadModel,
    /// Who has received what, from ordering's feed.
    pub delivered: ReadModel,
}

/// The API's routes. A request that brings a [`Timestamp`] as an extension was let in as one from the past, and
/// happens at that time.
pub fn routes(api: CatalogApi) -> Router {
    Router::new()
        .route("/api/catalog/products", get(find_products::find_products).post(list_product))
        .route("/api/catalog/products/{id}", get(get_product).delete(delist_product))
        .route("/api/catalog/products/{id}/price", post(change_price))
        .route("/api/catalog/products/{id}/prices", get(prices::prices_of))
        .route("/api/catalog/products/{id}/rating", get(reviews::rating_of))
        .route("/api/catalog/products/{id}/reviews", get(reviews::reviews_of).post(reviews::write_review))
        .route("/api/catalog/products/{id}/reviews/{review}", put(reviews::revise_review))
        .route("/api/catalog/products/{id}/reviews/{review}/helpful", post(reviews::find_helpful))
        .route("/api/catalog/customers/{customer}/delivered/{id}", get(reviews::delivered))
        .route("/api/catalog/departments", get(list_departments))
        .with_state(api)
}

/// The most items of one answer.
const LIMIT_MAX: u64 = 200;
const LIMIT_DEFAULT: u64 = 24;

fn limit(asked: Option<u64>) -> u64 {
    asked.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX)
}

/// The parameters in a URL, or what is wrong with them.
fn read<T>(params: Result<UrlQuery<T>, QueryRejection>) -> Result<T, Problem> {
    params.map(|UrlQuery(params)| params).map_err(|malformed| Problem::bad_request(malformed.body_text()))
}

/// Where an earlier page ended, if one did.
fn cursor<T>(after: Option<&str>, parse: impl FnOnce(&str) -> Option<T>) -> Result<Option<T>, Problem> {
    match after {
        None | Some("") => Ok(None),
        Some(after) => {
            let place = parse(after);
            place.map(Some).ok_or_else(|| Problem::bad_request("after is not what a page gave as next"))
        }
    }
}

async fn get_product(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<Item>, Problem> {
    let (what, about) =
        (format!("product {id} on sale"), About::stream(Product::CATEGORY, &id).or_tagged(tag("product", &id)));
    let found = api.search.query_about(&context, &about, move |read| ProductSearch::get(read, &id)).await?;
    found.or_not_found(what)
}

#[derive(Debug, Serialize)]
struct DepartmentList {
    items: Vec<Department>,
}

async fn list_departments(
    State(api): State<CatalogApi>,
    context: QueryContext,
) -> Result<Answer<DepartmentList>, Problem> {
    let all = api.departments.query(&context, Departments::all).await?;
    Ok(all.map(|items| DepartmentList { items }))
}

#[derive(Debug, Deserialize)]
struct NewProduct {
    id: String,
    #[serde(flatten)]
    description: Description,
    price_cents: u64,
}

async fn list_product(
    State(api): State<CatalogApi>,
    Submitted { body, context }: Submitted<NewProduct>,
) -> Result<Response, Problem> {
    context.require_key()?;
    let NewProduct { id, description, price_cents } = body;
    let command = ListProduct { description, price_cents };
    let done = api.commands.handle(&id, &command, &context).await?;
    Ok(done.created(&format!("/api/catalog/products/{id}")))
}

#[derive(Debug, Deserialize)]
struct NewPrice {
    price_cents: u64,
}

async fn change_price(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<NewPrice>,
) -> Result<Response, Problem> {
    let command = ChangePrice { price_cents: body.price_cents };
    let done = api.commands.handle(&id, &command, &context).await?;
    Ok(done.into_response())
}

async fn delist_product(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    context: CommandContext,
) -> Result<Response, Problem> {
    let done = api.commands.handle(&id, &DelistProduct, &context).await?;
    Ok(done.into_response())
}
