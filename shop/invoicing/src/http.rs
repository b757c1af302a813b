//! Invoicing's API: it only tells. What is written follows from what is heard of orders.

mod documents;
mod operations;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::routing::get;
use serde::Deserialize;
use tradewind_service::{Answer, Problem, QueryContext, ReadModel};

pub use operations::operations;

use crate::archive::Archive;
use crate::projections::{Awaited, AwaitedPage, Cursor, DocumentPage};

/// What the API needs of the service.
#[derive(Clone)]
pub struct InvoicingApi {
    /// The documents.
    pub archive: Archive,
    /// What waits for its customer.
    pub awaited: ReadModel,
}

/// The API's routes. A document's path ends in the form that is wanted: none for JSON, `.html`, `.pdf`.
pub fn routes(api: InvoicingApi) -> Router {
    Router::new()
        .route("/api/invoicing/customers/{id}/documents", get(documents_of_customer))
        .route("/api/invoicing/documents/{document}", get(documents::by_number))
        .route("/api/invoicing/orders/{id}/{document}", get(documents::by_order))
        .route("/api/invoicing/awaited", get(awaited))
        .with_state(api)
}

const LIMIT_MAX: u64 = 200;
const LIMIT_DEFAULT: u64 = 20;

#[derive(Debug, Deserialize)]
struct PageParams {
    after: Option<String>,
    limit: Option<u64>,
}

impl PageParams {
    fn of(params: Result<UrlQuery<Self>, QueryRejection>) -> Result<(Option<String>, u64), Problem> {
        let UrlQuery(params) = params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
        let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        Ok((params.after.filter(|text| !text.is_empty()), limit))
    }
}

async fn documents_of_customer(
    State(api): State<InvoicingApi>,
    Path(customer): Path<String>,
    params: Result<UrlQuery<PageParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<DocumentPage>, Problem> {
    let (after, limit) = PageParams::of(params)?;
    let cursor = |text: String| {
        Cursor::parse(&text).ok_or_else(|| Problem::bad_request("after is not what a page gave as next"))
    };
    let after = after.map(cursor).transpose()?;
    Ok(api.archive.of_customer(&customer, after, limit, &context).await?)
}

async fn awaited(
    State(api): State<InvoicingApi>,
    params: Result<UrlQuery<PageParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<AwaitedPage>, Problem> {
    let (after, limit) = PageParams::of(params)?;
    let after = after.unwrap_or_default();
    Ok(api.awaited.query(&context, move |read| Awaited::page(read, &after, limit)).await?)
}
