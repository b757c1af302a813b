//! `POST /api/ordering/orders`.

use axum::extract::State;
use axum::response::Response;
use serde::Deserialize;
use tradewind_service::{CommandError, Problem, Submitted};
use uuid::Uuid;

use super::OrderingApi;
use crate::commands::PlaceOrder;
use crate::events::OrderLine;

/// An order, as a client places it: the id is the client's, the prices are ours. A client that has shown a total to a
/// person sends it along, and nothing is ordered at another one.
#[derive(Debug, Deserialize)]
pub(super) struct NewOrder {
    order_id: Uuid,
    customer_id: String,
    lines: Vec<NewLine>,
    expected_total_cents: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct NewLine {
    product_id: String,
    quantity: u32,
}

pub(super) async fn place_order(
    State(api): State<OrderingApi>,
    Submitted { body, context }: Submitted<NewOrder>,
) -> Result<Response, Problem> {
    context.require_key()?;
    if body.lines.len() > PlaceOrder::LINES_MAX {
        // Refused before anything is looked up for it, and as the rule itself would.
        return Err(CommandError::from(PlaceOrder::too_many_lines()).into());
    }
    let NewOrder { order_id, customer_id, lines, expected_total_cents } = body;
    let (products, quantities): (Vec<String>, Vec<u32>) =
        lines.into_iter().map(|line| (line.product_id, line.quantity)).unzip();
    let prices = api.prices.look_up(&products).await?;
    let mut command = PlaceOrder {
        customer_id,
        lines: Vec::with_capacity(products.len()),
        unknown_products: Vec::new(),
        expected_total_cents,
    };
    for ((product_id, quantity), price) in products.into_iter().zip(quantities).zip(prices) {
        match price {
            None => command.unknown_products.push(product_id),
            Some(product) => command.lines.push(OrderLine {
                product_id,
                name: product.name.clone(),
                department: product.department.clone(),
                quantity,
                unit_price_cents: product.price_cents,
            }),
        }
    }
    let id = order_id.to_string();
    let done = api.commands.handle(&id, &command, &context).await?;
    Ok(done.created(&format!("/api/ordering/orders/{id}")))
}
