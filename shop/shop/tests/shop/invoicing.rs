//! Invoices: what was so on the day of the order, for ever.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Got, PATIENCE, Shopper, id, new_order};
use crate::customers::{JANUARY, JUNE, address, move_at, post_at, register_at};
use crate::killing::Process;
use crate::system::{Shop, free_address, front};

/// A payment provider that never refuses.
const FRIENDLY: &str = "--payment-busy-percent 0 --payment-declined-percent 0";

async fn order_at(shopper: &Shopper, order: &str, customer: &str, at: &str) {
    let order = new_order(order, customer, &[("1", 2)]);
    let key = order["order_id"].as_str().unwrap().to_owned();
    post_at(shopper, "/api/ordering/orders", &key, at, order).await.ok();
}

/// An answer, as soon as it is what is waited for.
pub(crate) async fn wait_for(shopper: &Shopper, path: &str, holds: impl Fn(&Got) -> bool) -> Got {
    let started = Instant::now();
    loop {
        let got = shopper.get(path).await;
        if holds(&got) {
            return got;
        }
        assert!(started.elapsed() < PATIENCE, "{path} is not what is waited for; at last: {got:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

pub(crate) async fn invoice_of(shopper: &Shopper, order: &str) -> Value {
    wait_for(shopper, &format!("/api/invoicing/orders/{order}/invoice"), |got| got.status == StatusCode::OK).await.ok()
}

#[tokio::test]
async fn an_invoice_prints_with_the_address_of_its_day_and_has_the_same_bytes_for_ever() {
    let shop = Shop::open_whole(&format!("--pace demo {FRIENDLY}"), "--allow-backdating").await;
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    register_at(shopper, "7", JANUARY, "Old Street 1").await;
    order_at(shopper, &id("then"), "7", "2017-03-31T10:20:30Z").await;
    let then = invoice_of(shopper, &id("then")).await;
    assert_eq!((&then["number"], &then["dated"]), (&json!("INV-2017-000001"), &json!("2017-03-31")));
    assert_eq!((&then["bill_to"]["street"], &then["bill_to"]["name"]), (&json!("Old Street 1"), &json!("Customer 7")));
    assert_eq!((&then["total_cents"], &then["lines"][0]["total_cents"]), (&json!(518), &json!(518)));
    let printed = shopper.get("/api/invoicing/documents/INV-2017-000001.html").await;
    assert_eq!(printed.header("content-type"), "text/html; charset=utf-8");
    assert!(printed.header("content-security-policy").starts_with("default-src 'none'"));
    let pdf = shopper.get("/api/invoicing/documents/INV-2017-000001.pdf").await;
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert_eq!(pdf.header("content-disposition"), "inline; filename=\"INV-2017-000001.pdf\"");
    assert!(printed.text.contains("Old Street 1") && printed.text.contains("$5.18"), "{}", printed.text);

    // The customer moves, and the next order goes to the new address; what was printed is printed again as it was.
    move_at(shopper, "7", JUNE, "New Street 2").await;
    order_at(shopper, &id("now"), "7", "2017-07-01T00:00:00Z").await;
    let now = invoice_of(shopper, &id("now")).await;
    assert_eq!((&now["number"], &now["bill_to"]["street"]), (&json!("INV-2017-000002"), &json!("New Street 2")));
    assert_eq!(shopper.get("/api/invoicing/documents/INV-2017-000001.html").await.text, printed.text);
    assert_eq!(shopper.get(&format!("/api/invoicing/orders/{}/invoice.html", id("then"))).await.text, printed.text);
    let again = shopper.get(&format!("/api/invoicing/orders/{}/invoice.pdf", id("then"))).await;
    assert!(again.bytes == pdf.bytes && pdf.bytes.starts_with(b"%PDF-"), "the same bytes");
    assert_eq!(shopper.get("/api/invoicing/documents/INV-2017-000001").await.ok(), then);

    // As it was in May, there is the first one only.
    let in_may = [("tradewind-as-of", "2017-05-01T00:00:00Z")];
    let list = "/api/invoicing/customers/7/documents";
    let as_of = shopper.send(Method::GET, list, &in_may, None).await.ok();
    assert_eq!(as_of["items"].as_array().unwrap().len(), 1, "{as_of}");
    let not_yet = shopper.send(Method::GET, "/api/invoicing/documents/INV-2017-000002.html", &in_may, None).await;
    assert_eq!(not_yet.status, StatusCode::NOT_FOUND);
    let there = shopper.send(Method::GET, "/api/invoicing/documents/INV-2017-000001", &in_may, None).await;
    assert_eq!(there.ok(), then);
    let of_order = format!("/api/invoicing/orders/{}/invoice", id("then"));
    assert_eq!(shopper.send(Method::GET, &of_order, &in_may, None).await.ok(), then);
    assert_eq!(shop.whole_pasts("invoicing"), [""; 0], "each answer is made of one order's or customer's events");
    assert_eq!(shopper.get(list).await.ok()["items"][0]["number"], "INV-2017-000002", "the newest comes first");
}

#[tokio::test]
async fn an_order_called_off_after_its_payment_gets_a_credit_note() {
    let shop = Shop::open_whole(&format!("--pace demo {FRIENDLY}"), "").await;
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    let body = json!({"customer_id": "7", "name": "Zoë", "address": address("Old Street 1")});
    shopper.post("/api/customers", "register", body).await.ok();
    let order = id("regretted");
    shopper.place(&order, "7", &[("1", 2)]).await.ok();
    let invoice = invoice_of(shopper, &order).await;
    assert_eq!(invoice["credit_note"], json!(null));
    let cancel = format!("/api/ordering/orders/{order}/cancel");
    shopper.post(&cancel, "c", json!({"reason": "changed my mind"})).await.ok();
    let path = format!("/api/invoicing/orders/{order}/invoice");
    let credited = wait_for(shopper, &path, |got| got.body["credit_note"].is_string()).await;
    let number = credited.body["credit_note"].as_str().unwrap();
    let note = shopper.get_after(&format!("/api/invoicing/documents/{number}"), &credited).await.ok();
    assert!(number.starts_with("CN-") && number.ends_with("-000001"), "{number}");
    assert_eq!((&note["invoice"], &note["reason"]), (&invoice["number"], &json!("changed my mind")));
    assert_eq!((&note["kind"], &note["total_cents"]), (&json!("credit-note"), &json!(518)));
    let printed = shopper.get(&format!("/api/invoicing/documents/{number}.html")).await.text;
    assert!(printed.contains("Credit note") && printed.contains("Reason: changed my mind"), "{printed}");
    let list = shopper.get_after("/api/invoicing/customers/7/documents", &credited).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn whoever_registers_after_ordering_gets_the_invoice_then_and_until_then_it_shows_what_waits() {
    let shop = Shop::open_whole(&format!("--pace fast {FRIENDLY}"), "").await;
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    let (early, other) = (id("early"), id("other"));
    shopper.place(&early, "7", &[("1", 1)]).await.ok();
    let waits = wait_for(shopper, "/api/invoicing/awaited", |got| got.body["total"] == 1).await.ok();
    assert_eq!((&waits["items"][0]["order_id"], &waits["items"][0]["customer_id"]), (&json!(early), &json!("7")));
    // It holds up nobody else.
    let register = async |customer: &str| {
        let body = json!({"customer_id": customer, "name": "Zoë", "address": address("Old Street 1")});
        shopper.post("/api/customers", &format!("register {customer}"), body).await.ok()
    };
    register("8").await;
    shopper.place(&other, "8", &[("1", 1)]).await.ok();
    invoice_of(shopper, &other).await;
    let missing = shopper.get(&format!("/api/invoicing/orders/{early}/invoice")).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND);
    register("7").await;
    assert_eq!(invoice_of(shopper, &early).await["bill_to"]["street"], "Old Street 1");
    wait_for(shopper, "/api/invoicing/awaited", |got| got.body["total"] == 0).await;
}

#[tokio::test]
async fn numbers_have_no_gap_though_invoicing_is_killed_in_the_middle() {
    let folder = tempfile::tempdir().unwrap();
    let data = |name: &str| folder.path().join(name);
    // They follow each other, and neither waits for the other to start.
    let addresses = [free_address(), free_address()];
    let line = format!("catalog --upstream ordering=http://{}", addresses[1]);
    let catalog = Process::begin(&line, addresses[0], &data("catalog"));
    let line = format!("ordering --upstream catalog=http://{} --pace fast {FRIENDLY}", addresses[0]);
    let ordering = Process::begin(&line, addresses[1], &data("ordering"));
    catalog.ready().await;
    ordering.ready().await;
    let customers = Process::start("customers", &data("customers")).await;
    let (told, known) = (ordering.address, customers.address);
    let line = format!("invoicing --upstream ordering=http://{told} --upstream customers=http://{known}");
    let mut invoicing = Process::start(&line, &data("invoicing")).await;
    let all = [("catalog", &catalog), ("ordering", &ordering), ("customers", &customers), ("invoicing", &invoicing)];
    let (url, _gateway) = front(&all.map(|(name, process)| (name, process.address))).await;
    let shopper = Shopper::new(url);
    shopper.list("1", 259).await;
    let body = json!({"customer_id": "7", "name": "Zoë", "address": address("Old Street 1")});
    shopper.post("/api/customers", "register", body).await.ok();

    let mut orders = BTreeSet::new();
    for round in 0..4 {
        for n in 0..10 {
            let order = id(&format!("round {round} order {n}"));
            shopper.place(&order, "7", &[("1", 2)]).await.ok();
            orders.insert(order);
        }
        // Somewhere among the invoices, elsewhere each time.
        tokio::time::sleep(Duration::from_millis(35 * round)).await;
        invoicing.kill_and_start_again().await;
    }
    for order in &orders {
        invoice_of(&shopper, order).await;
    }
    let list = shopper.get("/api/invoicing/customers/7/documents?limit=200").await.ok();
    let text = |item: &Value, name: &str| item[name].as_str().unwrap().to_owned();
    let items = list["items"].as_array().unwrap();
    let billed: BTreeSet<String> = items.iter().map(|item| text(item, "order_id")).collect();
    assert_eq!((billed, items.len()), (orders.clone(), orders.len()), "each order has one");
    let numbers: BTreeSet<String> = items.iter().map(|item| text(item, "number")[9..].to_owned()).collect();
    let expected: BTreeSet<String> = (1..=orders.len()).map(|n| format!("{n:06}")).collect();
    assert_eq!(numbers, expected);
}
