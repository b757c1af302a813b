//! The API, described.

use serde_json::{Value, json};
use tradewind_service::Operation;

use crate::commands::{NOTE_CHARS_MAX, QUANTITY_MAX};

/// Every operation of the API, for its OpenAPI document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::query("/api/inventory/products/{id}", "getStock")
            .summary("What is there of a product, and how much of it can be had")
            .returns(200, "What is there", level())
            .problem(404, "The product is not kept here"),
        Operation::query("/api/inventory/products", "listScarceProducts")
            .summary("Products of which there are few, the scarcest first")
            .parameter("below", "How many can be had of the least scarce, plus one", count())
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many products at most", super::LIMIT_MAX)
            .returns(
                200,
                "What is there of each",
                object(&[
                    ("items", json!({"type": "array", "items": level()})),
                    ("next", json!({"type": ["string", "null"]})),
                ]),
            ),
        Operation::command("/api/inventory/products/{id}/receipts", "receiveGoods")
            .summary("Take goods in")
            .body(movement("note"))
            .acknowledges(204, "They are there")
            .problem(404, "The product is not kept here"),
        Operation::command("/api/inventory/products/{id}/write-offs", "writeOffGoods")
            .summary("Say that goods are there no longer; what is set aside for an order cannot be written off")
            .body(movement("reason"))
            .acknowledges(204, "So it is")
            .problem(404, "The product is not kept here"),
        Operation::query("/api/inventory/orders/{id}", "getReservation")
            .summary("What is set aside for an order")
            .returns(200, "How its goods are doing", reservation())
            .problem(404, "Inventory has not heard of such an order"),
    ]
}

fn text() -> Value {
    json!({"type": "string"})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn level() -> Value {
    object(&[
        ("product_id", text()),
        ("on_hand", count()),
        ("set_aside", count()),
        ("available", count()),
        ("changed_at", json!({"type": "string", "format": "date-time"})),
    ])
}

fn movement(why: &str) -> Value {
    let mut movement = object(&[
        ("quantity", json!({"type": "integer", "minimum": 1, "maximum": QUANTITY_MAX})),
        (why, json!({"type": "string", "maxLength": NOTE_CHARS_MAX})),
    ]);
    movement["required"] = json!(["quantity"]);
    movement
}

fn reservation() -> Value {
    let status = json!({"type": "string", "enum": ["made", "refused", "released", "fulfilled"]});
    let goods = object(&[("product_id", text()), ("name", text()), ("quantity", count())]);
    object(&[("order_id", text()), ("status", status), ("goods", json!({"type": "array", "items": goods}))])
}
