//! `POST /api/ordering/orders`.

use axum::extract::{Extension, State};
use axum::response::Response;
use serde::Deserialize;
use tradewind_events::Timestamp;
use tradewind_service::{Problem, QueryContext, Reader, Submitted, rusqlite};
use uuid::Uuid;

use super::{OrderingApi, happening, told_twice};
use crate::commands::PlaceOrder;
use crate::events::OrderLine;
use crate::projections::ProductPrices;

/// An order, as a client places it: the id is the client's, the prices are ours.
#[derive(Debug, Deserialize)]
pub(super) struct NewOrder {
    order_id: Uuid,
    customer_id: String,
    lines: Vec<NewLine>,
}

#[derive(Debug, Deserialize)]
struct NewLine {
    product_id: String,
    quantity: u32,
}

pub(super) async fn place_order(
    State(api): State<OrderingApi>,
    at: Option<Extension<Timestamp>>,
    Submitted { body, context }: Submitted<NewOrder>,
) -> Result<Response, Problem> {
    context.require_key()?;
    if body.lines.len() > PlaceOrder::LINES_MAX {
        // Refused before anything is looked up for it.
        return Err(Problem::bad_request(format!("an order has at most {} lines", PlaceOrder::LINES_MAX)));
    }
    let NewOrder { order_id, customer_id, lines } = body;
    let priced = api.prices.query(&QueryContext::default(), move |read| price(read, lines)).await?.value;
    let command = PlaceOrder { customer_id, lines: priced.lines, unknown_products: priced.unknown };
    let id = order_id.to_string();
    let done = api.commands.handle(&id, &command, &happening(context, at)).await?;
    Ok(told_twice(done, done.created(&format!("/api/ordering/orders/{id}"))))
}

/// The lines with what is known of their products, and the products of which nothing is.
#[derive(Default)]
struct Priced {
    lines: Vec<OrderLine>,
    unknown: Vec<String>,
}

fn price(read: &Reader<'_>, lines: Vec<NewLine>) -> rusqlite::Result<Priced> {
    let mut priced = Priced::default();
    for NewLine { product_id, quantity } in lines {
        match ProductPrices::get(read, &product_id)? {
            None => priced.unknown.push(product_id),
            Some(product) => priced.lines.push(OrderLine {
                product_id,
                name: product.name,
                department: product.department,
                quantity,
                unit_price_cents: product.price_cents,
            }),
        }
    }
    Ok(priced)
}
