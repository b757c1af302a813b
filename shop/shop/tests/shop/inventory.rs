//! What is not there is not sold.

use hyper::{Method, StatusCode};
use serde_json::json;
use tradewind_testkit::servers::{Nats, is_left_out};

use crate::client::{Shopper, id};
use crate::invoicing::wait_for;
use crate::system::{FRIENDLY, Shop, free_address};

/// How much can be had of a product.
async fn wait_for_available(shopper: &Shopper, product: &str, available: u64) {
    let path = format!("/api/inventory/products/{product}");
    wait_for(shopper, &path, |got| got.body["available"] == json!(available)).await;
}

async fn goods_are_promised_once(shop: &Shop) {
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    shopper.list("2", 100).await;
    shopper.place(&id("first"), "7", &[("1", 4), ("2", 1)]).await.ok();
    shopper.order_that_is(&id("first"), "delivered").await;
    let level = wait_for(shopper, "/api/inventory/products/1", |got| got.body["on_hand"] == json!(1)).await.ok();
    assert_eq!((&level["set_aside"], &level["available"]), (&json!(0), &json!(1)));

    shopper.place(&id("second"), "7", &[("2", 1), ("1", 2)]).await.ok();
    let rejected = shopper.order_that_is(&id("second"), "rejected").await;
    assert_eq!(rejected["timeline"][1]["note"], "of Product 1 only 1 of 2 are there");
    wait_for_available(shopper, "2", 4).await;
    let refused = shopper.get(&format!("/api/inventory/orders/{}", id("second"))).await.ok();
    assert_eq!(refused["status"], "refused");

    // Goods come in, and can be had.
    let path = "/api/inventory/products/1/receipts";
    let keyless = shopper.send(Method::POST, path, &[], Some(json!({"quantity": 1}))).await;
    assert_eq!(keyless.status, StatusCode::BAD_REQUEST);
    shopper.post(path, "harbor 1", json!({"quantity": 1, "note": "from the harbor"})).await.ok();
    shopper.post(path, "harbor 1", json!({"quantity": 1, "note": "from the harbor"})).await.ok();
    wait_for_available(shopper, "1", 2).await;
    shopper.place(&id("third"), "7", &[("1", 2)]).await.ok();
    shopper.order_that_is(&id("third"), "delivered").await;
    let scarce = shopper.get("/api/inventory/products?below=5").await.ok();
    let scarce: Vec<_> = scarce["items"].as_array().unwrap().iter().map(|item| item["product_id"].clone()).collect();
    assert_eq!(scarce, ["1", "2"]);
    let gone = json!({"quantity": 5, "reason": "broken"});
    shopper.post("/api/inventory/products/2/write-offs", "w", gone).await.rejected("too-few-goods");
    assert_eq!(shopper.get("/api/inventory/products/404").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_order_has_its_goods_or_is_rejected_and_told_why() {
    let shop = Shop::open_with_goods(FRIENDLY, 5, "").await;
    goods_are_promised_once(&shop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_over_a_broker() {
    if !is_left_out("nats") {
        let server = Nats::start();
        let shop = Shop::open_with_goods(FRIENDLY, 5, &format!("--broker {}", server.url())).await;
        goods_are_promised_once(&shop).await;
    }
}

#[tokio::test]
async fn a_cancelled_order_gives_its_goods_back() {
    let shop = Shop::open_with_goods("--pace demo", 5, "").await;
    shop.shopper.list("1", 259).await;
    shop.shopper.place(&id("regretted"), "7", &[("1", 5)]).await.ok();
    wait_for_available(&shop.shopper, "1", 0).await;
    shop.shopper.post(&format!("/api/ordering/orders/{}/cancel", id("regretted")), "c", json!({})).await.ok();
    wait_for_available(&shop.shopper, "1", 5).await;
}

#[tokio::test]
async fn while_inventory_is_away_orders_are_taken_and_wait() {
    let nowhere = free_address();
    let shop = Shop::open(&format!("--upstream inventory=http://{nowhere}")).await;
    shop.shopper.list("1", 259).await;
    let ordering = shop.addresses.iter().find(|(name, _)| *name == "ordering").unwrap();
    let ordering = Shopper::new(format!("http://{}", ordering.1));
    wait_for(&ordering, "/health/ready", |got| got.status == StatusCode::OK).await;
    shop.shopper.place(&id("patient"), "7", &[("1", 1)]).await.ok();
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let order = shop.shopper.get(&format!("/api/ordering/orders/{}", id("patient"))).await.ok();
    assert_eq!(order["status"], "created", "it is neither accepted nor lost");
}
