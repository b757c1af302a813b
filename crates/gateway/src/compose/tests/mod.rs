//! Given services that answer, fail or hang; when a composition is asked; then this is answered.

mod fakes;
mod calling;
mod caching;
mod failing;
mod many;
mod profiles;
mod reading;
mod refusing;
mod selecting;
mod splicing;

use serde_json::{Value, json};

use super::*;
use fakes::Services;

fn call<'a>(name: &'a str, get: &'a str) -> CallText<'a> {
    CallText { name, get, each: None, on_failure: OnFailure::ERROR, timeout: None }
}

fn composition(calls: &[CallText<'_>]) -> Composition {
    Composition::parse("product", "/products/{id}", calls, CompositionLimits::default()).unwrap()
}

fn refused(calls: &[CallText<'_>]) -> String {
    Composition::parse("product", "/products/{id}", calls, CompositionLimits::default()).unwrap_err().to_string()
}

fn select(composition: &Composition, selection: &str) -> Composed {
    composition.select(selection, &Fragments::default()).unwrap()
}

/// The product page: what comes first, what depends on it, and what may be missing.
fn page() -> Composition {
    composition(&[
        call("product", "catalog:/products/{id}"),
        CallText {
            on_failure: OnFailure::default_value(json!({ "items": [] })).or_stale(std::time::Duration::from_secs(600)),
            ..call("reviews", "catalog:/products/{id}/reviews?limit={reviews:10}")
        },
        CallText { on_failure: OnFailure::OMIT, ..call("stock", "inventory:/products/{id}") },
        CallText { on_failure: OnFailure::OMIT, ..call("similar", "graph:/products/{id}/similar") },
        CallText { on_failure: OnFailure::OMIT, ..call("cards", "catalog:/products?ids={similar.items[].id}") },
    ])
}

const PAGE: &str = "{ product { name price: cents } reviews { items { stars } } stock { available }
    similar: cards { items { id name } } }";

fn page_services() -> Services {
    Services::new()
        .answers("catalog:/products/7", json!({ "id": 7, "name": "Tea", "cents": 350, "secret": [1, 2] }))
        .answers("catalog:/products/7/reviews?limit=10", json!({ "items": [{ "stars": 5, "by": "ann" }] }))
        .answers("inventory:/products/7", json!({ "available": 3 }))
        .answers("graph:/products/7/similar", json!({ "items": [{ "id": 8 }, { "id": 9 }, { "id": 8 }] }))
        .answers(
            "catalog:/products?ids=8,9",
            json!({ "items": [{ "id": 8, "name": "Mug" }, { "id": 9, "name": "Pot" }] }),
        )
}

fn whole_page() -> Value {
    json!({
        "product": { "name": "Tea", "price": 350 },
        "reviews": { "items": [{ "stars": 5 }] },
        "stock": { "available": 3 },
        "similar": { "items": [{ "id": 8, "name": "Mug" }, { "id": 9, "name": "Pot" }] }
    })
}
