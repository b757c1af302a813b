//! Bringing in the past.

use hyper::{Method, StatusCode};
use serde_json::json;

use crate::client::{Got, Shopper, id, new_order};
use crate::system::Shop;

const THEN: &str = "2017-03-31T10:20:30Z";

async fn place_at(shopper: &Shopper, order: &str, at: &str) -> Got {
    let headers = [("idempotency-key", order), ("tradewind-at", at)];
    shopper.send(Method::POST, "/api/ordering/orders", &headers, Some(new_order(order, "7", &[("1", 2)]))).await
}

#[tokio::test]
async fn the_past_is_let_in_only_where_that_is_allowed() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let refused = place_at(&shop.shopper, &id("forged"), THEN).await;
    assert_eq!((refused.status, &refused.body["reason"]), (StatusCode::FORBIDDEN, &json!("backdating-not-allowed")));
    let nothing = shop.shopper.get("/api/ordering/customers/7/orders").await.ok();
    assert_eq!(nothing["items"], json!([]));
}

#[tokio::test]
async fn the_future_is_let_in_nowhere() {
    let shop = Shop::open("--allow-backdating").await;
    shop.shopper.list("1", 259).await;
    for moment in ["2999-01-01T00:00:00Z", "yesterday"] {
        assert_eq!(place_at(&shop.shopper, &id(moment), moment).await.status, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test]
async fn an_order_of_the_past_is_delivered_in_the_past() {
    // This shop's payment provider declines everything, and its pace is slow: neither matters to what was long ago.
    let shop = Shop::open_with("--pace ordinary --payment-declined-percent 100 --allow-backdating", "").await;
    shop.shopper.list("1", 259).await;
    let order = id("long ago");
    place_at(&shop.shopper, &order, THEN).await.ok();
    let seen = shop.shopper.see_order_that_is(&order, "delivered").await;
    let delivered = &seen.body;
    let times: Vec<&str> =
        delivered["timeline"].as_array().unwrap().iter().map(|stage| stage["at"].as_str().unwrap()).collect();
    assert_eq!(times[0], THEN);
    assert!(times.is_sorted() && times[5] > "2017-03-31T23" && times[5] < "2017-04-03", "{times:?}");
    assert_eq!(delivered["placed_at"], THEN);
    let sales = shop.shopper.get_after("/api/ordering/sales?by=day", &seen).await.ok();
    assert_eq!(sales["items"], json!([{"key": "2017-03-31", "orders": 1, "units": 2, "sales_cents": 518}]));
}

#[tokio::test]
async fn an_order_can_be_seen_as_it_was_at_any_moment() {
    let shop = Shop::open("--allow-backdating").await;
    shop.shopper.list("1", 259).await;
    let order = id("time travel");
    place_at(&shop.shopper, &order, THEN).await.ok();
    shop.shopper.order_that_is(&order, "delivered").await;
    let path = format!("/api/ordering/orders/{order}");
    let as_of = async |moment: &str| {
        let got = shop.shopper.send(Method::GET, &path, &[("tradewind-as-of", moment)], None).await;
        (got.status, got.body["status"].clone())
    };
    assert_eq!(as_of("2017-03-31T10:20:29Z").await.0, StatusCode::NOT_FOUND);
    assert_eq!(as_of(THEN).await.1, "created");
    assert_eq!(as_of("2017-03-31T10:24:00Z").await.1, "paid");
    assert_eq!(as_of("2017-05-01T00:00:00Z").await.1, "delivered");
}
