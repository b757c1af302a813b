//! What is bought together.

use std::net::SocketAddr;
use std::path::Path;

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio_util::sync::DropGuard;

use crate::client::{Shopper, id};
use crate::invoicing::wait_for;
use crate::system::{Service, Shop, front};

const SIMILAR: &str = "/api/recommendations/products/1/similar";
/// Slow enough that an order can be called off.
const PATIENT: &str = "--pace demo --payment-busy-percent 0 --payment-declined-percent 0";

async fn start(services: &[(&str, SocketAddr)], data: &Path) -> (Service, Shopper, DropGuard) {
    let at = |name: &str| services.iter().find(|(it, _)| *it == name).unwrap().1;
    let (catalog, ordering) = (at("catalog"), at("ordering"));
    let line = format!("recommendations --upstream ordering=http://{ordering} --upstream catalog=http://{catalog}");
    let recommendations = Service::start(&line, data).await;
    let mut all = services.to_vec();
    all.push(("recommendations", recommendations.address));
    let (url, gateway) = front(&all).await;
    (recommendations, Shopper::new(url), gateway)
}

async fn list_some(shop: &Shop) {
    for (product, price) in [("1", 259), ("2", 100), ("3", 150), ("4", 80)] {
        shop.shopper.list(product, price).await.ok();
    }
}

fn products(list: &Value) -> Vec<&str> {
    let items = list["items"].as_array().map_or(&[][..], Vec::as_slice);
    items.iter().filter_map(|item| item["product_id"].as_str()).collect()
}

#[tokio::test]
async fn what_is_bought_together_is_similar_and_what_is_called_off_was_not_bought() {
    let shop = Shop::open_with(PATIENT, "").await;
    let folder = tempfile::tempdir().unwrap();
    let (recommendations, shopper, _gateway) = start(&shop.addresses, folder.path()).await;
    list_some(&shop).await;
    assert_eq!(shopper.get("/api/recommendations/products/nothing/similar").await.status, StatusCode::NOT_FOUND);
    let placed = shopper.place(&id("a"), "7", &[("1", 2), ("2", 1)]).await;
    shopper.place(&id("b"), "8", &[("1", 1), ("2", 3), ("3", 1)]).await.ok();
    shopper.place(&id("c"), "9", &[("1", 1), ("4", 1), ("2", 1), ("3", 1)]).await.ok();
    let found = wait_for(&shopper, SIMILAR, |got| products(&got.body) == ["2", "3", "4"]).await;
    let first = found.body["items"][0].clone();
    assert_eq!((&first["price_cents"], &first["orders_together"]), (&json!(100), &json!(3)), "{first}");
    assert!(first["name"].is_string() && first["department"].is_string(), "{first}");
    assert!(found.position().parse::<u64>().unwrap() > 0);
    assert_eq!(products(&shopper.get(&format!("{SIMILAR}?limit=1")).await.ok()), ["2"]);

    let cancel = format!("/api/ordering/orders/{}/cancel", id("c"));
    shopper.post(&cancel, "cancel", json!({"reason": "changed my mind"})).await.ok();
    let found = wait_for(&shopper, SIMILAR, |got| products(&got.body) == ["2", "3"]).await;
    assert_eq!(found.body["items"][0]["orders_together"], 2);

    // Where the first order had just been placed there was nothing else.
    let as_of = [("tradewind-as-of", placed.position())];
    let then = shopper.send(Method::GET, SIMILAR, &as_of, None).await.ok();
    assert_eq!(products(&then), ["2"], "{then}");
    recommendations.stop().await;
}

#[tokio::test]
async fn it_answers_while_the_catalog_is_away_and_makes_its_graph_anew_when_it_starts() {
    let shop = Shop::open("").await;
    let folder = tempfile::tempdir().unwrap();
    let (recommendations, shopper, _gateway) = start(&shop.addresses, folder.path()).await;
    list_some(&shop).await;
    shopper.place(&id("a"), "7", &[("1", 2), ("3", 1)]).await.ok();
    wait_for(&shopper, SIMILAR, |got| products(&got.body) == ["3"]).await;
    recommendations.stop().await;
    let addresses = shop.addresses.clone();
    let (_without, _gateway_of_shop, _folder) = shop.without_catalog().await;
    let (recommendations, shopper, _gateway) = start(&addresses, folder.path()).await;
    let found = shopper.get(SIMILAR).await;
    assert_eq!(products(&found.body), ["3"], "{found:?}");
    recommendations.stop().await;
}
