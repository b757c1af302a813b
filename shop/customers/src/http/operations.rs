//! The API, described.

use serde_json::{Value, json};
use tradewind_service::Operation;

use crate::commands::TEXT_CHARS_MAX;

/// Every operation of the API, for its OpenAPI document.
#[must_use]
pub fn operations() -> Vec<Operation> {
    vec![
        Operation::command("/api/customers", "registerCustomer")
            .summary("Make a customer known")
            .body(object(&[("customer_id", text()), ("name", line()), ("address", address())]))
            .acknowledges(201, "The customer is known; Location tells where"),
        Operation::query("/api/customers", "listCustomers")
            .summary("The customers, by name")
            .parameter("after", "What an earlier page gave as next", text())
            .limit("How many at most", super::LIMIT_MAX)
            .returns(
                200,
                "The customers",
                object(&[("items", array(&customer())), ("next", json!({"type": ["string", "null"]}))]),
            ),
        Operation::query("/api/customers/{id}", "getCustomer")
            .summary("A customer as of now or, with Tradewind-As-Of, as of then")
            .returns(200, "The customer", customer())
            .problem(404, "There is no such customer"),
        Operation::query("/api/customers/{id}/addresses", "listAddresses")
            .summary("Where a customer has lived, the oldest address first")
            .returns(200, "The addresses", object(&[("items", array(&address_in_force()))]))
            .problem(404, "There is no such customer"),
        Operation::command("/api/customers/{id}/address", "changeAddress")
            .summary("Say that a customer lives elsewhere, from the command's time on")
            .body(object(&[("address", address())]))
            .acknowledges(204, "So it is")
            .problem(404, "There is no such customer"),
        Operation::command("/api/customers/{id}/name", "changeName")
            .summary("Say that a customer is called something else, from the command's time on")
            .body(object(&[("name", line())]))
            .acknowledges(204, "So it is")
            .problem(404, "There is no such customer"),
    ]
}

fn text() -> Value {
    json!({"type": "string"})
}

fn line() -> Value {
    json!({"type": "string", "maxLength": TEXT_CHARS_MAX})
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

fn address() -> Value {
    let mut address = object(&["street", "city", "region", "postal_code", "country"].map(|name| (name, line())));
    address["required"] = json!(["street", "city", "country"]);
    address
}

fn customer() -> Value {
    object(&[
        ("id", text()),
        ("name", line()),
        ("address", address()),
        ("address_since", moment()),
        ("registered_at", moment()),
    ])
}

fn address_in_force() -> Value {
    let until = json!({"type": ["string", "null"], "format": "date-time"});
    object(&[("address", address()), ("since", moment()), ("until", until)])
}
