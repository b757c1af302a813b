//! The catalog's API.

mod operations;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tradewind_service::{Answer, CommandContext, Commands, Problem, QueryContext, ReadModel, Submitted};

use crate::commands::{ChangePrice, DelistProduct, ListProduct};
use crate::events::Description;
pub use operations::operations;

use crate::projections::{Department, Departments, Item, ProductSearch, Search};

/// What the API needs of the service.
#[derive(Clone)]
pub struct CatalogApi {
    /// Changes products.
    pub commands: Commands,
    /// Finds products.
    pub search: ReadModel,
    /// Lists departments.
    pub departments: ReadModel,
}

/// The API's routes. A request that brings a [`Timestamp`] as an extension was let in as one from the past, and
/// happens at that time.
pub fn routes(api: CatalogApi) -> Router {
    Router::new()
        .route("/api/catalog/products", get(find_products).post(list_product))
        .route("/api/catalog/products/{id}", get(get_product).delete(delist_product))
        .route("/api/catalog/products/{id}/price", post(change_price))
        .route("/api/catalog/departments", get(list_departments))
        .with_state(api)
}

/// The most products of one answer.
const LIMIT_MAX: u64 = 200;
const LIMIT_DEFAULT: u64 = 24;
/// The longest search, in characters.
const WORDS_CHARS_MAX: usize = 200;

#[derive(Debug, Deserialize)]
struct FindParams {
    q: Option<String>,
    department: Option<String>,
    after: Option<String>,
    limit: Option<u64>,
}

#[derive(Debug, Serialize)]
struct ProductPage {
    items: Vec<Item>,
    total: u64,
    next: Option<String>,
}

async fn find_products(
    State(api): State<CatalogApi>,
    params: Result<UrlQuery<FindParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<ProductPage>, Problem> {
    let UrlQuery(params) = params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let words = params.q.unwrap_or_default();
    if words.chars().count() > WORDS_CHARS_MAX {
        return Err(Problem::bad_request(format!("q is longer than {WORDS_CHARS_MAX} characters")));
    }
    let offset = match params.after.as_deref() {
        None | Some("") => 0,
        // As a page counts: more than any shop has, and less than the database can be asked for.
        Some(after) => {
            let after = after.parse::<u32>();
            u64::from(after.map_err(|_| Problem::bad_request("after is not what a page gave as next"))?)
        }
    };
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let department = params.department.filter(|name| !name.is_empty());
    let search = Search { words, department, offset, limit };
    let found = api.search.query(&context, move |read| ProductSearch::find(read, &search)).await?;
    Ok(found.map(|found| {
        let end = offset + found.items.len() as u64;
        let next = (end < found.total && !found.items.is_empty()).then(|| end.to_string());
        ProductPage { items: found.items, total: found.total, next }
    }))
}

async fn get_product(
    State(api): State<CatalogApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<Item>, Problem> {
    let what = format!("product {id} on sale");
    api.search.query(&context, move |read| ProductSearch::get(read, &id)).await?.or_not_found(what)
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
