//! The API, described.

use serde_json::{Value, json};
use tradewind_service::Operation;

/// Every operation of the API, for its OpenAPI document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let paged = |operation: Operation| {
        operation
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many at most", super::LIMIT_MAX)
    };
    vec![
        paged(Operation::query("/api/invoicing/customers/{id}/documents", "listDocuments"))
            .summary("The invoices and credit notes of a customer, the newest first")
            .returns(200, "The documents", object(&[("items", array(&filed())), ("next", optional())])),
        Operation::query("/api/invoicing/documents/{document}", "getDocument")
            .summary("An invoice or credit note by its number; with .html or .pdf behind it to look at and to print")
            .returns(200, "The document", document())
            .problem(404, "There is no such document"),
        Operation::query("/api/invoicing/orders/{id}/{document}", "getInvoiceOfOrder")
            .summary("The invoice of an order; {document} is invoice, invoice.html or invoice.pdf")
            .returns(200, "The invoice", document())
            .problem(404, "The order has no invoice"),
        paged(Operation::query("/api/invoicing/awaited", "listAwaited"))
            .summary("Paid orders without an invoice, since nobody has registered as their customer")
            .returns(
                200,
                "The orders, by id",
                object(&[("items", array(&awaited())), ("total", count()), ("next", optional())]),
            ),
    ]
}

fn text() -> Value {
    json!({"type": "string"})
}

fn optional() -> Value {
    json!({"type": ["string", "null"]})
}

fn count() -> Value {
    json!({"type": "integer", "minimum": 0})
}

fn cents() -> Value {
    json!({"type": "integer", "minimum": 0, "description": "US cents"})
}

fn day() -> Value {
    json!({"type": "string", "format": "date"})
}

fn moment() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn array(items: &Value) -> Value {
    json!({"type": "array", "items": items})
}

fn object(properties: &[(&str, Value)]) -> Value {
    let required: Vec<&str> = properties.iter().map(|(name, _)| *name).collect();
    let properties: serde_json::Map<String, Value> =
        properties.iter().map(|(name, schema)| ((*name).to_owned(), schema.clone())).collect();
    json!({"type": "object", "required": required, "properties": properties})
}

fn kind() -> Value {
    json!({"enum": ["invoice", "credit-note"]})
}

fn filed() -> Value {
    object(&[
        ("number", text()),
        ("kind", kind()),
        ("dated", day()),
        ("order_id", text()),
        ("customer_id", text()),
        ("total_cents", cents()),
        ("invoice", optional()),
        ("credit_note", optional()),
    ])
}

/// What all documents have; an invoice says besides when its order was placed and paid, a credit note which invoice it
/// takes back and why.
fn document() -> Value {
    let party = object(&["name", "street", "city", "region", "postal_code", "country"].map(|name| (name, text())));
    let line = object(&[
        ("product_id", text()),
        ("name", text()),
        ("quantity", count()),
        ("unit_price_cents", cents()),
        ("total_cents", cents()),
    ]);
    object(&[
        ("kind", kind()),
        ("number", text()),
        ("layout", count()),
        ("dated", day()),
        ("seller", party.clone()),
        ("bill_to", party),
        ("customer_id", text()),
        ("order_id", text()),
        ("lines", array(&line)),
        ("total_cents", cents()),
        ("credit_note", optional()),
    ])
}

fn awaited() -> Value {
    object(&[("order_id", text()), ("customer_id", text()), ("since", moment())])
}
