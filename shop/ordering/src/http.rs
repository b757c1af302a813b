//! Ordering's API.

mod live_timeline;
mod operations;
mod place_order;
mod sales;

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tradewind_events::EventSource;
use tradewind_service::{
    About, Answer, CommandError, Commands, Entity, Problem, QueryContext, ReadModel, Submitted, tag,
};

pub use operations::operations;

use crate::commands::CancelOrder;
use crate::live::LiveOrders;
use crate::order::{NO_SUCH_ORDER, Order};
use crate::price_book::PriceBook;
use crate::projections::{Cursor, HistoryPage, OrderDetail, OrderHistory, OrderView, PricedProduct, ProductPrices};

/// What the API needs of the service.
#[derive(Clone)]
pub struct OrderingApi {
    /// Changes orders.
    pub commands: Commands,
    /// The orders' own events.
    pub orders: Arc<dyn EventSource>,
    /// Tells when something happens to an order.
    pub live: LiveOrders,
    /// Cancelled when the service goes down.
    pub draining: CancellationToken,
    /// What products cost.
    pub prices: PriceBook,
    /// Orders with their timelines.
    pub detail: ReadModel,
    /// The orders of customers.
    pub history: ReadModel,
    /// What was sold, by day.
    pub sales_by_day: ReadModel,
    /// What was sold, by department.
    pub sales_by_department: ReadModel,
    /// What was sold, by product.
    pub sales_by_product: ReadModel,
}

/// The API's routes. A request that brings a [`Timestamp`] as an extension was let in as one from the past, and
/// happens at that time.
pub fn routes(api: OrderingApi) -> Router {
    Router::new()
        .route("/api/ordering/orders", post(place_order::place_order))
        .route("/api/ordering/orders/{id}", get(get_order))
        .route("/api/ordering/orders/{id}/cancel", post(cancel_order))
        .route("/api/ordering/orders/{id}/timeline/live", get(live_timeline::follow))
        .route("/api/ordering/customers/{id}/orders", get(orders_of_customer))
        .route("/api/ordering/products/{id}", get(get_product))
        .route("/api/ordering/sales", get(sales::sales))
        .with_state(api)
}

const LIMIT_MAX: u64 = 200;
const LIMIT_DEFAULT: u64 = 20;

async fn get_order(
    State(api): State<OrderingApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<OrderView>, Problem> {
    let (what, about) = (format!("order {id}"), About::stream(Order::CATEGORY, &id));
    api.detail.query_about(&context, &about, move |read| OrderDetail::get(read, &id)).await?.or_not_found(what)
}

#[derive(Debug, Deserialize)]
struct Cancellation {
    #[serde(default)]
    reason: String,
}

async fn cancel_order(
    State(api): State<OrderingApi>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<Cancellation>,
) -> Result<Response, Problem> {
    let command = CancelOrder { reason: body.reason };
    match api.commands.handle(&id, &command, &context).await {
        Ok(done) => Ok(done.into_response()),
        Err(CommandError::Rejected(no)) if no.reason == NO_SUCH_ORDER => Err(Problem::not_found(format!("order {id}"))),
        Err(error) => Err(error.into()),
    }
}

#[derive(Debug, Deserialize)]
struct PageParams {
    after: Option<String>,
    limit: Option<u64>,
}

async fn orders_of_customer(
    State(api): State<OrderingApi>,
    Path(customer): Path<String>,
    params: Result<UrlQuery<PageParams>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<HistoryPage>, Problem> {
    let UrlQuery(params) = params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let after = match params.after.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let cursor = Cursor::parse(text);
            Some(cursor.ok_or_else(|| Problem::bad_request("after is not what a page gave as next"))?)
        }
    };
    let limit = params.limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
    let about = About::streams_tagged(tag("customer", &customer));
    Ok(api.history.query_about(&context, &about, move |read| OrderHistory::of(read, &customer, after, limit)).await?)
}

/// What ordering knows of a product. Its positions, in `Tradewind-After` and `Tradewind-Position`, are those of the
/// catalog, whose feed it comes from.
async fn get_product(
    State(api): State<OrderingApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<PricedProduct>, Problem> {
    let (what, about) = (format!("product {id} that can be ordered"), About::stream("product", &id));
    let known = api.prices.model().query_about(&context, &about, move |read| ProductPrices::get(read, &id)).await?;
    known.or_not_found(what)
}
