//! The shop with its read models in PostgreSQL: only the URL changes.

use serde_json::json;
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::client::id;
use crate::customers::address;
use crate::invoicing::invoice_of;
use crate::system::{FRIENDLY, Shop};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_question_has_its_answer_in_postgresql() {
    if is_left_out("postgres") {
        return;
    }
    // Each context adds a schema of its own.
    let url = format!("postgres://postgres@127.0.0.1:{}/postgres", Postgres::shared().port());
    let shop = Shop::open_whole(FRIENDLY, &format!("--read-models {url}")).await;
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    let dearer = shopper.post("/api/catalog/products/1/price", "dearer", json!({"price_cents": 279})).await;
    assert!(dearer.status.is_success(), "{dearer:?}");
    let customer = json!({"customer_id": "7", "name": "Zoë", "address": address("Old Street 1")});
    shopper.post("/api/customers", "register 7", customer).await.ok();
    let order = id("in PostgreSQL");
    shopper.place(&order, "7", &[("1", 2)]).await.ok();
    let invoice = invoice_of(shopper, &order).await;
    assert_eq!(invoice["bill_to"]["street"], "Old Street 1");
    let delivered = shopper.see_order_that_is(&order, "delivered").await;
    assert_eq!(delivered.body["timeline"].as_array().map(Vec::len), Some(6));
    let total = delivered.body["total_cents"].clone();

    let prices = shopper.get_after("/api/catalog/products/1/prices", &dearer).await.ok();
    assert_eq!(prices["items"].as_array().map(Vec::len), Some(2));
    let departments = shopper.get("/api/catalog/departments").await.ok();
    assert_eq!(departments["items"][0]["products"], 1);
    let review =
        json!({"review_id": id("good"), "customer_id": "7", "stars": 5, "title": "Good", "text": "As it was."});
    let heard = shopper.get_after("/api/catalog/customers/7/delivered/1", &delivered).await.ok();
    assert_eq!(heard["order_id"], order);
    let written = shopper.post("/api/catalog/products/1/reviews", "good", review).await;
    for sort in ["newest", "most-helpful"] {
        let reviews = format!("/api/catalog/products/1/reviews?sort={sort}");
        assert_eq!(shopper.get_after(&reviews, &written).await.ok()["items"][0]["title"], "Good");
    }
    assert_eq!(shopper.get_after("/api/catalog/products/1/rating", &written).await.ok()["average"], 5.0);

    let history = shopper.get_after("/api/ordering/customers/7/orders", &delivered).await.ok();
    assert_eq!((&history["items"][0]["status"], &history["items"][0]["line_count"]), (&json!("delivered"), &json!(1)));
    for by in ["day", "department", "product"] {
        let sales = shopper.get_after(&format!("/api/ordering/sales?by={by}"), &delivered).await.ok();
        assert_eq!((&sales["items"][0]["units"], &sales["items"][0]["sales_cents"]), (&json!(2), &total), "{sales}");
    }
    let addresses = shopper.get("/api/customers/7/addresses").await.ok();
    assert_eq!(addresses["items"].as_array().map(Vec::len), Some(1));
    let customers = shopper.get("/api/customers").await.ok();
    assert_eq!(customers["items"][0]["name"], "Zoë");
    let documents = shopper.get("/api/invoicing/customers/7/documents").await.ok();
    assert_eq!(documents["items"][0]["order_id"], order);
    let awaited = shopper.get("/api/invoicing/awaited").await.ok();
    assert_eq!(awaited["total"], 0);

    let server = Postgres::shared();
    let held = server.query("SELECT count(*) FROM ordering_reads.leases WHERE expires > clock_timestamp()");
    assert_ne!(held, "0", "ordering keeps its read models there");
    assert_eq!(server.query("SELECT count(*) FROM catalog_reads.generations WHERE state = 'answering'"), "4");
}
