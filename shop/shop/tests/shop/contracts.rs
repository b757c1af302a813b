//! What the contexts tell each other, and what they say that they tell.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Got, Shopper, id};
use crate::customers::{JANUARY, JUNE, move_at, post_at, register_at};
use crate::invoicing::wait_for;
use crate::system::{FRIENDLY, Shop};

#[tokio::test]
async fn all_that_is_told_keeps_to_the_schemas_that_are_told_of_it() {
    let flags = "--pace demo --payment-busy-percent 0 --payment-declined-percent 0";
    let shop = Shop::open_whole(flags, "--allow-backdating").await;
    let shopper = &shop.shopper;
    let last = everything_happens(shopper).await;
    wait_for(shopper, &last, |got| got.body["credit_note"].is_string()).await;
    for (name, at) in &shop.addresses {
        tells_all_that_it_says(name, *at).await;
    }
}

#[tokio::test]
async fn so_does_what_is_told_of_goods() {
    let shop = Shop::open_with_goods(FRIENDLY, 5, "").await;
    shop.shopper.list("1", 259).await;
    for (order, quantity, answer) in [("enough", 5, "made"), ("too few", 1, "refused")] {
        shop.shopper.place(&id(order), "7", &[("1", quantity)]).await.ok();
        let path = format!("/api/inventory/orders/{}", id(order));
        // What was made may have been fulfilled by then.
        wait_for(&shop.shopper, &path, |got| {
            [answer, "fulfilled"].contains(&got.body["status"].as_str().unwrap_or(""))
        })
        .await;
    }
    let (name, at) = shop.addresses.iter().find(|(name, _)| *name == "inventory").unwrap();
    tells_all_that_it_says(name, *at).await;
}

async fn tells_all_that_it_says(name: &str, at: SocketAddr) {
    let service = Shopper::new(format!("http://{at}"));
    let document = service.get("/asyncapi.json").await.ok();
    assert_eq!((&document["asyncapi"], &document["info"]["title"]), (&json!("3.0.0"), &json!(name)));
    all_references_lead_somewhere(&document, &document);
    let promised: BTreeSet<String> =
        document["channels"][name]["messages"].as_object().unwrap().keys().cloned().collect();
    let told = service.get("/feed/events?limit=1000").await.ok();
    let mut seen = BTreeSet::new();
    for event in told["events"].as_array().unwrap() {
        let event_type = event["type"].as_str().unwrap();
        let mut schema = document.clone();
        schema["$ref"] = json!(format!("#/components/messages/{event_type}/payload"));
        let validator = jsonschema::draft202012::new(&schema).unwrap();
        let problems: Vec<String> = validator.iter_errors(event).map(|problem| problem.to_string()).collect();
        assert!(problems.is_empty(), "{name} tells of {event_type}: {problems:?} in {event}");
        seen.insert(event_type.to_owned());
    }
    assert_eq!(seen, promised, "{name} tells all that it says it does");
}

/// Every contract is told at least once. The path of what shows that the last of it has happened.
async fn everything_happens(shopper: &Shopper) -> String {
    for product in ["1", "2"] {
        shopper.list(product, 259).await;
    }
    command(shopper, Method::POST, "/api/catalog/products/2/price", json!({"price_cents": 300})).await;
    shopper.send(Method::DELETE, "/api/catalog/products/2", &[("idempotency-key", "off")], None).await.ok();
    register_at(shopper, "7", JANUARY, "Old Street 1").await;
    move_at(shopper, "7", JUNE, "New Street 2").await;
    command(shopper, Method::POST, "/api/customers/7/name", json!({"name": "Zoë"})).await;
    let past = crate::client::new_order(&id("past"), "7", &[("1", 2)]);
    post_at(shopper, "/api/ordering/orders", "past", JUNE, past).await.ok();
    let delivered = shopper.see_order_that_is(&id("past"), "delivered").await;
    shopper.get_after("/api/catalog/customers/7/delivered/1", &delivered).await.ok();
    let review =
        |stars| json!({"review_id": id("review"), "customer_id": "7", "stars": stars, "title": "So", "text": "."});
    command(shopper, Method::POST, "/api/catalog/products/1/reviews", review(4)).await;
    let revise = format!("/api/catalog/products/1/reviews/{}", id("review"));
    command(shopper, Method::PUT, &revise, review(5)).await;
    shopper.place(&id("regretted"), "7", &[("1", 2)]).await.ok();
    let invoice = format!("/api/ordering/orders/{}", id("regretted"));
    wait_for(shopper, &invoice, |got| got.body["status"] == "paid").await;
    command(shopper, Method::POST, &format!("{invoice}/cancel"), json!({"reason": "changed my mind"})).await;
    format!("/api/invoicing/orders/{}/invoice", id("regretted"))
}

async fn command(shopper: &Shopper, method: Method, path: &str, body: Value) -> Got {
    let done = shopper.send(method, path, &[("idempotency-key", path)], Some(body)).await;
    assert!(done.status.is_success() && done.status != StatusCode::OK, "{path}: {done:?}");
    done
}

fn all_references_lead_somewhere(document: &Value, part: &Value) {
    match part {
        Value::Object(members) => {
            if let Some(to) = members.get("$ref").and_then(Value::as_str) {
                let pointer = to.strip_prefix('#').unwrap();
                assert!(document.pointer(pointer).is_some(), "{to} leads nowhere");
            }
            members.values().for_each(|member| all_references_lead_somewhere(document, member));
        }
        Value::Array(items) => items.iter().for_each(|item| all_references_lead_somewhere(document, item)),
        _ => {}
    }
}
