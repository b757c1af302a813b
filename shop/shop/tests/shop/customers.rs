//! Who the customers are, and where they live, then and now.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};

use crate::client::{Got, Shopper};
use crate::system::Shop;

pub(crate) const JANUARY: &str = "2017-01-01T08:00:00Z";
pub(crate) const JUNE: &str = "2017-06-01T08:00:00Z";

pub(crate) fn address(street: &str) -> Value {
    json!({"street": street, "city": "Dunmere", "region": "OH", "postal_code": "43712", "country": "United States"})
}

pub(crate) async fn post_at(shopper: &Shopper, path: &str, key: &str, at: &str, body: Value) -> Got {
    let headers = [("idempotency-key", key), ("tradewind-at", at)];
    shopper.send(Method::POST, path, &headers, Some(body)).await
}

pub(crate) async fn register_at(shopper: &Shopper, customer: &str, at: &str, street: &str) -> Got {
    let body = json!({"customer_id": customer, "name": format!("Customer {customer}"), "address": address(street)});
    let registered = post_at(shopper, "/api/customers", &format!("register {customer}"), at, body).await;
    assert_eq!(registered.status, StatusCode::CREATED, "{registered:?}");
    registered
}

pub(crate) async fn move_at(shopper: &Shopper, customer: &str, at: &str, street: &str) -> Got {
    let path = format!("/api/customers/{customer}/address");
    let moved =
        post_at(shopper, &path, &format!("move {customer} {at}"), at, json!({"address": address(street)})).await;
    assert_eq!(moved.status, StatusCode::NO_CONTENT, "{moved:?}");
    moved
}

#[tokio::test]
async fn a_customer_can_be_seen_as_of_any_moment_whenever_it_was_told() {
    let shop = Shop::open_whole("", "--allow-backdating").await;
    let shopper = &shop.shopper;
    assert_eq!(register_at(shopper, "7", JANUARY, "Old Street 1").await.header("location"), "/api/customers/7");
    move_at(shopper, "7", JUNE, "New Street 2").await;
    let told_late = move_at(shopper, "7", "2017-03-01T00:00:00Z", "Between 3").await;
    let now = shopper.get_after("/api/customers/7", &told_late).await.ok();
    assert_eq!((&now["name"], &now["address"]["street"]), (&json!("Customer 7"), &json!("New Street 2")));
    let as_of = async |moment: &str| {
        let got = shopper.send(Method::GET, "/api/customers/7", &[("tradewind-as-of", moment)], None).await;
        (got.status, got.body["address"]["street"].clone())
    };
    assert_eq!(as_of("2016-12-31T00:00:00Z").await.0, StatusCode::NOT_FOUND);
    assert_eq!(as_of("2017-02-01T00:00:00Z").await.1, "Old Street 1");
    assert_eq!(as_of("2017-04-01T00:00:00Z").await.1, "Between 3");
    assert_eq!(as_of("2017-07-01T00:00:00Z").await.1, "New Street 2");
    let held = shopper.get_after("/api/customers/7/addresses", &told_late).await.ok();
    let streets: Vec<&Value> =
        held["items"].as_array().unwrap().iter().map(|held| &held["address"]["street"]).collect();
    assert_eq!(streets, ["Old Street 1", "Between 3", "New Street 2"]);
    assert_eq!((&held["items"][1]["until"], &held["items"][2]["until"]), (&json!(JUNE), &json!(null)));
    let then = shopper.get("/api/customers/7/addresses?as_of=2017-04-01").await.ok();
    assert_eq!((then["items"].as_array().unwrap().len(), &then["items"][1]["until"]), (2, &json!(null)));
    assert_eq!(shopper.get("/api/customers/8/addresses?as_of=2017-04-01").await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.whole_pasts("customers"), [""; 0], "each answer is made of one customer's events");
}

#[tokio::test]
async fn a_customer_registers_once_and_changes_often() {
    let shop = Shop::open_whole("", "").await;
    let shopper = &shop.shopper;
    let register = async |key: &str, street: &str| {
        let body = json!({"customer_id": "7", "name": "Zoë", "address": address(street)});
        shopper.post("/api/customers", key, body).await
    };
    let first = register("a", "Old Street 1").await;
    let again = register("a", "Old Street 1").await;
    assert_eq!((again.status, again.position()), (StatusCode::CREATED, first.position()));
    assert_eq!(again.header("tradewind-duplicate"), "true");
    register("b", "New Street 2").await.rejected("customer-exists");
    assert_eq!(register("c", "Old Street 1").await.status, StatusCode::CREATED, "the same again changes nothing");

    let renamed = shopper.post("/api/customers/7/name", "n", json!({"name": "Zoë L."})).await;
    assert_eq!(renamed.status, StatusCode::NO_CONTENT);
    assert_eq!(shopper.get_after("/api/customers/7", &renamed).await.ok()["name"], "Zoë L.");
    let of_nobody = shopper.post("/api/customers/8/name", "o", json!({"name": "Ann"})).await;
    assert_eq!(of_nobody.status, StatusCode::NOT_FOUND);
    assert_eq!(shopper.get("/api/customers/8").await.status, StatusCode::NOT_FOUND);
    assert_eq!(shopper.get("/api/customers/8/addresses").await.status, StatusCode::NOT_FOUND);
    let past = post_at(shopper, "/api/customers/7/name", "p", JANUARY, json!({"name": "Ann"})).await;
    assert_eq!((past.status, &past.body["reason"]), (StatusCode::FORBIDDEN, &json!("backdating-not-allowed")));
}

#[tokio::test]
async fn customers_are_read_page_by_page_by_name() {
    let shop = Shop::open_whole("", "--allow-backdating").await;
    let mut last = None;
    for customer in ["3", "1", "5", "2", "4"] {
        last = Some(register_at(&shop.shopper, customer, JANUARY, "Old Street 1").await);
    }
    let (last, mut seen, mut after) = (last.unwrap(), Vec::new(), String::new());
    loop {
        let path = format!("/api/customers?limit=2&after={}", after.replace(' ', "%20"));
        let page = shop.shopper.get_after(&path, &last).await.ok();
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    assert_eq!(seen, ["1", "2", "3", "4", "5"]);
    let nonsense = shop.shopper.get("/api/customers?after=x").await;
    assert_eq!((nonsense.status, &nonsense.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2002")));
}
