//! The API, described.

use serde_json::{Value, json};
use tradewind_service::Operation;

/// Every operation of the API, for its OpenAPI document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::command("/api/ordering/orders", "placeOrder")
            .summary("Order some products, at the prices that are known here")
            .body(new_order())
            .acknowledges(201, "The order is placed; Location tells where it is"),
        Operation::query("/api/ordering/orders/{id}", "getOrder")
            .summary("An order with its lines and its timeline")
            .returns(200, "The order", order())
            .problem(404, "There is no such order"),
        Operation::query("/api/ordering/orders/{id}/timeline/live", "followOrder")
            .summary("An order's timeline, first what has happened, then what happens, until it has ended")
            .streams("One `stage` event for each entry, with its revision as id; Last-Event-ID goes on behind it")
            .problem(404, "There is no such order"),
        Operation::command("/api/ordering/orders/{id}/cancel", "cancelOrder")
            .summary("Call an order off, which can be done until its goods have left")
            .body(json!({"type": "object", "properties": {"reason": text()}}))
            .acknowledges(204, "It is cancelled")
            .problem(404, "There is no such order"),
        Operation::query("/api/ordering/customers/{id}/orders", "listOrders")
            .summary("The orders of a customer, the newest first")
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many at most", super::LIMIT_MAX)
            .returns(200, "The orders", list(&summary(), true)),
        Operation::query("/api/ordering/sales", "getSales")
            .summary("What was sold: paid orders, by the day (in UTC) on which they were placed")
            .parameter("by", "The heading", json!({"enum": ["day", "department", "product"]}))
            .parameter("from", "The first day, as 2017-03-31; for products the first of a month", text())
            .parameter("to", "The last day; for products the last of a month", text())
            .limit("How many products at most", super::LIMIT_MAX)
            .returns(200, "The sales", list(&sales(), false)),
        Operation::query("/api/ordering/products/{id}", "getPrice")
            .summary("What ordering knows of a product. Its positions are those of the catalog's feed")
            .returns(200, "The product", object(&[("name", text()), ("department", text()), ("price_cents", cents())]))
            .problem(404, "No such product can be ordered"),
    ]
}

fn text() -> Value {
    json!({"type": "string"})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn cents() -> Value {
    json!({"type": "integer", "minimum": 0, "description": "US cents"})
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn array(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn list(item: &Value, in_pages: bool) -> Value {
    let mut properties = vec![("items", array(item))];
    if in_pages {
        properties.push(("next", json!({"type": ["string", "null"]})));
    }
    object(&properties)
}

fn new_order() -> Value {
    let quantity = json!({"type": "integer", "minimum": 1, "maximum": crate::commands::PlaceOrder::QUANTITY_MAX});
    let line = object(&[("product_id", text()), ("quantity", quantity)]);
    let mut order = object(&[
        ("order_id", json!({"type": "string", "format": "uuid"})),
        ("customer_id", text()),
        ("lines", array(&line)),
    ]);
    let description = "What a person was told that it costs; the rule total-changed refuses it at any other total";
    order["properties"]["expected_total_cents"] = json!({"type": "integer", "minimum": 0, "description": description});
    order
}

fn order() -> Value {
    let line = object(&[
        ("product_id", text()),
        ("name", text()),
        ("quantity", count()),
        ("unit_price_cents", cents()),
        ("line_total_cents", cents()),
    ]);
    let entry = object(&[("event", text()), ("at", moment()), ("note", json!({"type": ["string", "null"]}))]);
    object(&[
        ("id", text()),
        ("customer_id", text()),
        ("status", text()),
        ("placed_at", moment()),
        ("total_cents", cents()),
        ("lines", array(&line)),
        ("timeline", array(&entry)),
    ])
}

fn summary() -> Value {
    object(&[
        ("id", text()),
        ("status", text()),
        ("placed_at", moment()),
        ("total_cents", cents()),
        ("line_count", count()),
    ])
}

fn sales() -> Value {
    object(&[("key", text()), ("orders", count()), ("units", count()), ("sales_cents", cents())])
}
