//! Orders from placed to delivered.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Shopper, id, new_order};
use crate::system::Shop;

pub(crate) const STAGES: [&str; 6] =
    ["OrderCreated", "OrderApproved", "OrderPaid", "OrderPrepared", "OrderShipped", "OrderDelivered"];

/// The stages in a stream of server-sent events that has ended, with their ids.
fn stages(stream: &str) -> Vec<(String, Value)> {
    let field = |message: &str, name: &str| {
        message.lines().find_map(|line| line.strip_prefix(name)).map(|value| value.trim().to_owned())
    };
    let stage = |message: &str| {
        assert_eq!(field(message, "event:").as_deref(), Some("stage"), "{message}");
        (field(message, "id:").unwrap(), serde_json::from_str(&field(message, "data:").unwrap()).unwrap())
    };
    stream.split("\n\n").filter(|message| message.contains("data:")).map(stage).collect()
}

async fn follow(shopper: &Shopper, order: &str, last_event_id: Option<&str>) -> (StatusCode, Vec<(String, Value)>) {
    let headers: Vec<_> = last_event_id.map(|id| ("last-event-id", id)).into_iter().collect();
    let path = format!("/api/ordering/orders/{order}/timeline/live");
    let got = shopper.send(Method::GET, &path, &headers, None).await;
    (got.status, stages(&got.text))
}

#[tokio::test]
async fn an_order_is_told_live_through_its_six_stages() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let order = id("live");
    let placed = shop.shopper.place(&order, "7", &[("1", 2)]).await;
    assert_eq!(placed.status, StatusCode::CREATED);
    assert_eq!(placed.header("location"), format!("/api/ordering/orders/{order}"));
    assert_eq!(placed.text, "");
    // It is followed from its first moment, and the stream ends with the order.
    let (_, told) = follow(&shop.shopper, &order, None).await;
    let events: Vec<&str> = told.iter().map(|(_, stage)| stage["event"].as_str().unwrap()).collect();
    assert_eq!(events, STAGES);
    assert_eq!(told[5].1["status"], "delivered");
    assert!(told.is_sorted_by_key(|(_, stage)| stage["at"].as_str().unwrap().to_owned()));
    // Who comes later is told the same, who comes back only the rest, and who has heard it all nothing.
    assert_eq!(follow(&shop.shopper, &order, None).await.1, told);
    assert_eq!(follow(&shop.shopper, &order, Some(&told[3].0)).await.1, told[4..]);
    assert_eq!(follow(&shop.shopper, &order, Some(&told[5].0)).await.0, StatusCode::NO_CONTENT);
    assert_eq!(follow(&shop.shopper, &order, Some("18446744073709551614")).await.0, StatusCode::NO_CONTENT);
    for nonsense in ["x", "-1", "18446744073709551615"] {
        assert_eq!(follow(&shop.shopper, &order, Some(nonsense)).await.0, StatusCode::BAD_REQUEST, "{nonsense}");
    }
}

#[tokio::test]
async fn a_query_can_ask_for_what_a_command_has_done() {
    let shop = Shop::open_with("--pace demo", "").await;
    shop.shopper.list("1", 259).await;
    for n in 0..20 {
        let order = id(&format!("own write {n}"));
        let placed = shop.shopper.place(&order, "7", &[("1", 2)]).await;
        let seen = shop.shopper.get_after(&format!("/api/ordering/orders/{order}"), &placed).await.ok();
        assert_eq!(seen["total_cents"], 518);
        assert_eq!(
            seen["lines"],
            json!([{"product_id": "1", "name": "Product 1", "quantity": 2, "unit_price_cents": 259,
                "line_total_cents": 518}])
        );
        let history = shop.shopper.get_after("/api/ordering/customers/7/orders", &placed).await.ok();
        assert_eq!(history["items"][0]["id"], order, "the newest comes first");
    }
}

#[tokio::test]
async fn a_request_that_is_repeated_places_one_order() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let order = id("twice");
    let first = shop.shopper.place(&order, "7", &[("1", 2)]).await;
    let delivered = shop.shopper.see_order_that_is(&order, "delivered").await;
    let again = shop.shopper.place(&order, "7", &[("1", 2)]).await;
    assert_eq!((again.status, again.position()), (StatusCode::CREATED, first.position()));
    assert_eq!((first.header("tradewind-duplicate"), again.header("tradewind-duplicate")), ("", "true"));
    // Even if what it asks for could no longer be had.
    let gone = shop.shopper.send(Method::DELETE, "/api/catalog/products/1", &[], None).await;
    shop.shopper.get_after("/api/ordering/products/1", &gone).await;
    assert_eq!(shop.shopper.place(&order, "7", &[("1", 2)]).await.position(), first.position());
    // The same key for something else, and something else under the same id, are two kinds of mistake.
    let other = shop.shopper.place(&order, "7", &[("1", 3)]).await;
    assert_eq!((other.status, &other.body["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("TW-2006")), "{other:?}");
    let other = new_order(&order, "7", &[("1", 3)]);
    shop.shopper.post("/api/ordering/orders", "another key", other).await.rejected("order-exists");
    let history = shop.shopper.get_after("/api/ordering/customers/7/orders", &delivered).await.ok();
    assert_eq!(history["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn an_order_that_cannot_be_is_refused_with_the_rule() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let place = async |word: &str, lines: &[(&str, u32)]| shop.shopper.place(&id(word), "7", lines).await;
    place("unknown", &[("1", 1), ("404", 1)]).await.rejected("unknown-product");
    place("empty", &[]).await.rejected("empty-order");
    place("none", &[("1", 0)]).await.rejected("bad-quantity");
    place("double", &[("1", 1), ("1", 1)]).await.rejected("product-twice");
    place("endless", &[("1", 1); 501]).await.rejected("too-many-lines");
    shop.shopper.place(&id("nobody"), "", &[("1", 1)]).await.rejected("bad-customer");
    let negative = json!({"order_id": id("negative"), "customer_id": "7",
        "lines": [{"product_id": "1", "quantity": -1}]});
    assert_eq!(shop.shopper.post("/api/ordering/orders", "n", negative).await.status, StatusCode::BAD_REQUEST);
    let unnamed = new_order("not-a-uuid", "7", &[("1", 1)]);
    assert_eq!(shop.shopper.post("/api/ordering/orders", "u", unnamed).await.status, StatusCode::BAD_REQUEST);
    let keyless = new_order(&id("keyless"), "7", &[("1", 1)]);
    let keyless = shop.shopper.send(Method::POST, "/api/ordering/orders", &[], Some(keyless)).await;
    assert_eq!((keyless.status, &keyless.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2007")));
    let nothing = shop.shopper.get("/api/ordering/customers/7/orders").await.ok();
    assert_eq!(nothing, json!({"items": [], "next": null}));
}

#[tokio::test]
async fn nothing_is_ordered_at_another_total_than_the_customer_was_shown() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let order = id("seen");
    let at = |cents: u64| {
        let mut order = new_order(&order, "7", &[("1", 2)]);
        order["expected_total_cents"] = cents.into();
        order
    };
    let stale = shop.shopper.post("/api/ordering/orders", "stale", at(500)).await;
    stale.rejected("total-changed");
    assert!(stale.body["detail"].as_str().unwrap().contains("$5.18"), "{stale:?}");
    let placed = shop.shopper.post("/api/ordering/orders", "seen", at(518)).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{placed:?}");
    // An earlier try that had arrived is told of, whatever its total was.
    shop.shopper.post("/api/ordering/orders", "again", at(500)).await.rejected("order-exists");
}

#[tokio::test]
async fn an_order_can_be_cancelled_until_it_has_left_and_then_not() {
    let shop = Shop::open_with("--pace demo", "").await;
    shop.shopper.list("1", 259).await;
    let order = id("regretted");
    shop.shopper.place(&order, "7", &[("1", 1)]).await.ok();
    let cancel = format!("/api/ordering/orders/{order}/cancel");
    let done = shop.shopper.post(&cancel, "c", json!({"reason": "changed my mind"})).await;
    assert_eq!(done.status, StatusCode::NO_CONTENT, "{done:?}");
    let seen = shop.shopper.get_after(&format!("/api/ordering/orders/{order}"), &done).await.ok();
    assert_eq!(seen["status"], "cancelled");
    assert_eq!(seen["timeline"][1]["note"], "changed my mind");
    assert_eq!(shop.shopper.post(&cancel, "again", json!({})).await.status, StatusCode::NO_CONTENT);
    let unknown = format!("/api/ordering/orders/{}/cancel", id("never placed"));
    assert_eq!(shop.shopper.post(&unknown, "x", json!({})).await.status, StatusCode::NOT_FOUND);
    let unknown = format!("/api/ordering/orders/{}/timeline/live", id("never placed"));
    assert_eq!(shop.shopper.get(&unknown).await.status, StatusCode::NOT_FOUND);

    let fast = Shop::open("").await;
    fast.shopper.list("1", 259).await;
    fast.shopper.place(&order, "7", &[("1", 1)]).await.ok();
    fast.shopper.order_that_is(&order, "delivered").await;
    fast.shopper.post(&cancel, "late", json!({})).await.rejected("order-has-ended");
}

#[tokio::test]
async fn sales_count_what_was_paid_under_every_heading() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let mut last = None;
    for n in 0..3 {
        let order = id(&format!("sold {n}"));
        shop.shopper.place(&order, "7", &[("1", 2)]).await.ok();
        last = Some(shop.shopper.see_order_that_is(&order, "delivered").await);
    }
    let last = last.unwrap();
    let sales = json!({"orders": 3, "units": 6, "sales_cents": 1554});
    for by in ["day", "department", "product", "product&from=2017-01-01&limit=1"] {
        let got = shop.shopper.get_after(&format!("/api/ordering/sales?by={by}"), &last).await.ok();
        let mut all = got["items"].as_array().unwrap().clone();
        assert_eq!(all.len(), 1);
        all[0].as_object_mut().unwrap().remove("key");
        assert_eq!(all[0], sales);
    }
    let future = shop.shopper.get("/api/ordering/sales?by=day&from=2999-01-01").await.ok();
    assert_eq!(future["items"], json!([]));
    for nonsense in [
        "",
        "by=week",
        "by=day&from=yesterday",
        "by=day&to=2017-3-1",
        "by=product&from=2017-01-02",
        "by=product&to=2017-02-27",
    ] {
        let got = shop.shopper.get(&format!("/api/ordering/sales?{nonsense}")).await;
        assert_eq!((got.status, &got.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2002")), "{nonsense}");
    }
}

#[tokio::test]
async fn orders_are_taken_while_the_catalog_is_away() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let (shopper, _gateway, _folder) = shop.without_catalog().await;
    assert!(shopper.get("/api/catalog/products/1").await.status.is_server_error());
    let order = id("without catalog");
    shopper.place(&order, "7", &[("1", 1)]).await.ok();
    shopper.order_that_is(&order, "delivered").await;
}

#[tokio::test]
async fn an_api_describes_itself() {
    let shop = Shop::open("").await;
    let catalog = Shopper::new(format!("http://{}", shop.catalog.address));
    let document = catalog.get("/openapi.json").await.ok();
    assert_eq!(document["openapi"], "3.1.0");
    assert!(document["paths"]["/api/catalog/products"]["post"].is_object());
}
