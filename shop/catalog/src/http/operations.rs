//! The API, described.

use serde_json::{Value, json};
use tradewind_service::Operation;

/// Every operation of the API, for its OpenAPI document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    let text = || json!({"type": "string"});
    vec![
        Operation::query("/api/catalog/products", "findProducts")
            .summary("The products on sale that match, the best matches first")
            .parameter("q", "Words, all of which must match; the last may be unfinished", text())
            .parameter("department", "The department that sells it", text())
            .parameter("after", "What an earlier page gave as next", text())
            .parameter("limit", "How many at most", json!({"type": "integer", "maximum": super::LIMIT_MAX}))
            .returns(200, "The products", page_of(&product())),
        Operation::query("/api/catalog/products/{id}", "getProduct")
            .summary("One product on sale")
            .returns(200, "The product", product())
            .problem(404, "There is no such product on sale"),
        Operation::query("/api/catalog/departments", "listDepartments")
            .summary("The departments of the shop, the largest first")
            .returns(
                200,
                "The departments",
                json!({"type": "object", "properties": {"items": {"type": "array",
                "items": {"type": "object", "properties": {"name": text(), "products": {"type": "integer"}}}}}}),
            ),
        Operation::command("/api/catalog/products", "listProduct")
            .summary("Put a product on sale")
            .body(product())
            .acknowledges(201, "It is on sale"),
        Operation::command("/api/catalog/products/{id}/price", "changePrice")
            .summary("Sell a product at another price from now on")
            .body(json!({"type": "object", "required": ["price_cents"], "properties": {"price_cents": cents()}}))
            .acknowledges(204, "It costs so much now"),
        Operation::delete("/api/catalog/products/{id}", "delistProduct")
            .summary("Take a product off sale")
            .acknowledges(204, "It is on sale no more"),
    ]
}

fn cents() -> Value {
    json!({"type": "integer", "minimum": 1, "description": "US cents"})
}

fn product() -> Value {
    let mut properties = json!({"price_cents": cents()});
    for text in ["id", "name", "department", "brand", "category", "type", "size"] {
        properties[text] = json!({"type": "string"});
    }
    json!({"type": "object", "required": ["id", "name", "department", "price_cents"], "properties": properties})
}

fn page_of(item: &Value) -> Value {
    json!({"type": "object", "properties": {
        "items": {"type": "array", "items": item},
        "total": {"type": "integer"},
        "next": {"type": ["string", "null"]}}})
}
