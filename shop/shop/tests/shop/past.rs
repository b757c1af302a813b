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

#[tokio::test]
async fn every_question_can_be_asked_as_of_a_moment_that_a_link_names() {
    let shop = Shop::open("--allow-backdating").await;
    let shopper = &shop.shopper;
    let listed = shopper.list("1", 259).await;
    let order = id("linked");
    place_at(shopper, &order, THEN).await.ok();
    let delivered = shopper.see_order_that_is(&order, "delivered").await;
    let heard = shopper.get_after("/api/catalog/customers/7/delivered/1", &delivered).await.ok();
    assert_eq!(heard["order_id"], order);
    let review = json!({"review_id": id("r"), "customer_id": "7", "stars": 4});
    let reviewed = shopper.post("/api/catalog/products/1/reviews", "r", review).await;
    let dearer = shopper.post("/api/catalog/products/1/price", "p", json!({"price_cents": 300})).await;
    shopper.get_after("/api/catalog/products/1", &dearer).await.ok();
    let ask = async |path: &str, as_of: &str| {
        let mark = if path.contains('?') { '&' } else { '?' };
        shopper.get(&format!("{path}{mark}as_of={as_of}")).await
    };

    // Of the catalog, by position: before and behind the review, and behind the new price.
    let positions = [listed.position(), reviewed.position(), dearer.position()];
    for (path, field, values) in [
        ("/api/catalog/products/1", "/price_cents", [json!(259), json!(259), json!(300)]),
        ("/api/catalog/products/1", "/rating", [json!(null), json!(4.0), json!(4.0)]),
        ("/api/catalog/products?q=product&facets=true", "/items/0/reviews", [json!(0), json!(1), json!(1)]),
        ("/api/catalog/products/1/rating", "/count", [json!(0), json!(1), json!(1)]),
        ("/api/catalog/products/1/prices", "/items/0/price_cents", [json!(259), json!(259), json!(300)]),
        ("/api/catalog/departments", "/items/0/products", [json!(1), json!(1), json!(1)]),
    ] {
        for (position, value) in positions.iter().zip(values) {
            let got = ask(path, position).await;
            assert_eq!(got.body.pointer(field), Some(&value), "{path} as of {position}: {got:?}");
            assert_eq!((got.header("tradewind-as-of"), got.position()), (*position, *position));
        }
    }
    for (position, reviews) in positions.iter().zip([0, 1, 1]) {
        let page = ask("/api/catalog/products/1/reviews", position).await.ok();
        assert_eq!(page["items"].as_array().unwrap().len(), reviews);
    }
    let before = ask("/api/catalog/products/1", "2017-03-31").await;
    assert_eq!(before.status, StatusCode::NOT_FOUND, "it was listed today: {before:?}");

    // Of ordering, by time and by day.
    let history = async |as_of: &str| {
        let page = ask("/api/ordering/customers/7/orders", as_of).await.ok();
        page["items"].as_array().unwrap().iter().map(|order| order["status"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(history("2017-03-30").await, [json!(null); 0]);
    assert_eq!(history(THEN).await, ["created"]);
    assert_eq!(history("2017-05-01").await, ["delivered"]);
    let sales = |as_of| ask("/api/ordering/sales?by=day", as_of);
    assert_eq!(sales(THEN).await.ok()["items"], json!([]));
    assert_eq!(sales("2017-03-31").await.ok()["items"][0]["orders"], 1, "as of a day is as of its end");
    assert_eq!(ask(&format!("/api/ordering/orders/{order}"), "2017-05-01").await.ok()["status"], "delivered");
    let received = "/api/catalog/customers/7/delivered/1";
    assert_eq!(ask(received, THEN).await.status, StatusCode::NOT_FOUND);
    assert_eq!(ask(received, "2017-05-01").await.ok()["order_id"], order);
    let mut whole = [shop.whole_pasts("catalog"), shop.whole_pasts("ordering")].concat();
    whole.sort();
    assert_eq!(whole, ["departments", "product-search", "sales-by-day"], "the others are about one thing");
    let known = ask("/api/ordering/products/1", listed.position()).await.ok();
    assert_eq!(known["price_cents"], 259);

    let live = ask(&format!("/api/ordering/orders/{order}/timeline/live"), THEN).await;
    assert_eq!(live.status, StatusCode::BAD_REQUEST, "what happens live has no past");
    for nonsense in ["yesterday", "2999-01-01", "999999999"] {
        for path in ["/api/catalog/products", "/api/catalog/products/1", "/api/ordering/customers/7/orders"] {
            let got = ask(path, nonsense).await;
            assert_eq!((got.status, &got.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2002")), "{nonsense}");
        }
    }
}
