//! Inventory's API.

mod operations;

use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use tradewind_service::{
    About, Answer, Command, CommandContext, CommandError, Commands, Entities, Entity, Problem, QueryContext, ReadModel,
    Submitted,
};

pub use operations::operations;

use crate::commands::{ReceiveGoods, WriteOffGoods};
use crate::events::Wanted;
use crate::projections::{Cursor, Level, LevelsPage, StockLevels};
use crate::reservation::{Reservation, Status};
use crate::stock::{NO_SUCH_STOCK, Stock};

/// What the API needs of the service.
#[derive(Clone)]
pub struct InventoryApi {
    /// Changes stocks.
    pub commands: Commands,
    /// What is set aside for orders.
    pub entities: Entities,
    /// What is there.
    pub levels: ReadModel,
}

/// The API's routes.
pub fn routes(api: InventoryApi) -> Router {
    Router::new()
        .route("/api/inventory/products", get(scarce_products))
        .route("/api/inventory/products/{id}", get(get_level))
        .route("/api/inventory/products/{id}/receipts", post(receive_goods))
        .route("/api/inventory/products/{id}/write-offs", post(write_off_goods))
        .route("/api/inventory/orders/{id}", get(get_reservation))
        .with_state(api)
}

/// The most products of one answer.
const LIMIT_MAX: u64 = 200;
const LIMIT_DEFAULT: u64 = 20;
/// Of how many units there are few, unless a question says.
const FEW: u64 = 10;

async fn get_level(
    State(api): State<InventoryApi>,
    Path(id): Path<String>,
    context: QueryContext,
) -> Result<Answer<Level>, Problem> {
    let (what, about) = (format!("stock of product {id}"), About::stream(Stock::CATEGORY, &id));
    api.levels.query_about(&context, &about, move |read| StockLevels::get(read, &id)).await?.or_not_found(what)
}

#[derive(Debug, Deserialize)]
struct Scarce {
    below: Option<u64>,
    after: Option<String>,
    limit: Option<u64>,
}

async fn scarce_products(
    State(api): State<InventoryApi>,
    params: Result<UrlQuery<Scarce>, QueryRejection>,
    context: QueryContext,
) -> Result<Answer<LevelsPage>, Problem> {
    let UrlQuery(Scarce { below, after, limit }) =
        params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let after = match after.as_deref() {
        None | Some("") => None,
        Some(text) => {
            let cursor = Cursor::parse(text);
            Some(cursor.ok_or_else(|| Problem::bad_request("after is not what a page gave as next"))?)
        }
    };
    let (below, limit) = (below.unwrap_or(FEW), limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX));
    Ok(api.levels.query(&context, move |read| StockLevels::below(read, below, after.as_ref(), limit)).await?)
}

#[derive(Debug, Deserialize)]
struct Receipt {
    quantity: u32,
    #[serde(default)]
    note: String,
}

async fn receive_goods(
    State(api): State<InventoryApi>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<Receipt>,
) -> Result<Response, Problem> {
    context.require_key()?;
    change(&api, &id, &ReceiveGoods { quantity: body.quantity, note: body.note }, context).await
}

#[derive(Debug, Deserialize)]
struct WriteOff {
    quantity: u32,
    #[serde(default)]
    reason: String,
}

async fn write_off_goods(
    State(api): State<InventoryApi>,
    Path(id): Path<String>,
    Submitted { body, context }: Submitted<WriteOff>,
) -> Result<Response, Problem> {
    context.require_key()?;
    change(&api, &id, &WriteOffGoods { quantity: body.quantity, reason: body.reason }, context).await
}

async fn change(
    api: &InventoryApi,
    id: &str,
    command: &impl Command,
    context: CommandContext,
) -> Result<Response, Problem> {
    match api.commands.handle(id, command, &context).await {
        Ok(done) => Ok(done.into_response()),
        Err(CommandError::Rejected(no)) if no.reason == NO_SUCH_STOCK => {
            Err(Problem::not_found(format!("stock of product {id}")))
        }
        Err(error) => Err(error.into()),
    }
}

/// What is set aside for an order.
#[derive(Debug, Serialize)]
struct Reserved {
    order_id: String,
    status: Status,
    goods: Vec<Wanted>,
}

async fn get_reservation(
    State(api): State<InventoryApi>,
    Path(id): Path<String>,
) -> Result<axum::Json<Reserved>, Problem> {
    let reservation = api.entities.load::<Reservation>(&id).await.map_err(CommandError::from)?.state;
    let Some(status) = reservation.status else { return Err(Problem::not_found(format!("order {id}"))) };
    Ok(axum::Json(Reserved { order_id: id, status, goods: reservation.goods }))
}
