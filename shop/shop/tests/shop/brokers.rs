//! The shop over each broker: only the URL changes.

use serde_json::{Value, json};
use tradewind_testkit::servers::{Nats, RabbitMq, is_left_out};

use crate::client::{Shopper, id};
use crate::customers::address;
use crate::invoicing::{invoice_of, wait_for};
use crate::system::Shop;

/// From the price that ordering copied from the catalog, through all stages, to the invoice, which has its address from
/// customers and its lines from ordering.
async fn an_order_is_delivered_and_invoiced(broker: &str) {
    let flags = "--pace fast --payment-busy-percent 0 --payment-declined-percent 0";
    let shop = Shop::open_whole(flags, &format!("--broker {broker}")).await;
    let shopper = &shop.shopper;
    // All have caught up with what there is, which is nothing, so what comes now is live.
    shopper.list("1", 259).await;
    let customer = json!({"customer_id": "7", "name": "Zoë", "address": address("Old Street 1")});
    shopper.post("/api/customers", "register 7", customer).await.ok();
    let order = id("over a broker");
    shopper.place(&order, "7", &[("1", 2)]).await.ok();
    let invoice = invoice_of(shopper, &order).await;
    assert_eq!((&invoice["total_cents"], &invoice["bill_to"]["street"]), (&json!(518), &json!("Old Street 1")));
    shopper.order_that_is(&order, "delivered").await;

    let catalog = Shopper::new(format!("http://{}", shop.catalog.address));
    // It may have been opened only when all was told by feeds already.
    let is_publishing = |relay: &Value| relay["state"] == "publishing" && relay["events"].as_u64() >= Some(1);
    let relay = wait_for(&catalog, "/admin/relay", |got| is_publishing(&got.body)).await.ok();
    assert_eq!(relay["topic"], "catalog");
    // Its copy of what was delivered came over the broker, and nothing had to be fetched.
    wait_for(&catalog, "/metrics", |got| came_over_the_broker(&got.text) > 0).await;
    let metrics = catalog.get("/metrics").await.text;
    assert!(metrics.contains("tradewind_relay_lag_events"), "{metrics}");
}

fn came_over_the_broker(metrics: &str) -> u64 {
    let counts = metrics.lines().filter(|line| line.starts_with("tradewind_brokered_events_total"));
    counts.filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok()).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_goes_over_nats() {
    if !is_left_out("nats") {
        let server = Nats::start();
        an_order_is_delivered_and_invoiced(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_goes_over_rabbitmq() {
    if !is_left_out("rabbitmq") {
        let server = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap();
        an_order_is_delivered_and_invoiced(&server.url()).await;
    }
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_goes_over_kafka() {
    use tradewind_testkit::servers::Kafka;

    if !is_left_out("kafka") {
        let server = Kafka::start();
        an_order_is_delivered_and_invoiced(&server.url()).await;
    }
}
