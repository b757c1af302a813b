//! What customers say of what was delivered to them.

use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::client::{Got, Shopper, id};
use crate::system::Shop;

const REVIEWS: &str = "/api/catalog/products/1/reviews";

fn review(word: &str, customer: &str, stars: u8) -> Value {
    json!({"review_id": id(word), "customer_id": customer, "stars": stars, "title": word, "text": "As it was."})
}

async fn write(shopper: &Shopper, word: &str, customer: &str, stars: u8) -> Got {
    shopper.post(REVIEWS, &format!("write {word}"), review(word, customer, stars)).await
}

/// A customer receives product 1, and the catalog has heard of it.
async fn receives(shopper: &Shopper, customer: &str) {
    let order = id(&format!("for {customer}"));
    shopper.place(&order, customer, &[("1", 1)]).await.ok();
    let seen = shopper.see_order_that_is(&order, "delivered").await;
    let heard = shopper.get_after(&format!("/api/catalog/customers/{customer}/delivered/1"), &seen).await.ok();
    assert_eq!(heard["order_id"], order);
}

async fn rating(shopper: &Shopper, seen: &Got) -> (Value, Value) {
    let product = shopper.get_after("/api/catalog/products/1", seen).await.ok();
    let found = shopper.get_after("/api/catalog/products?q=product", seen).await.ok();
    assert_eq!(found["items"][0], product, "a product is the same wherever it is shown");
    let rating = shopper.get_after("/api/catalog/products/1/rating", seen).await.ok();
    assert_eq!((&rating["average"], &rating["count"]), (&product["rating"], &product["reviews"]));
    (product["rating"].clone(), product["reviews"].clone())
}

#[tokio::test]
async fn who_has_received_a_product_can_review_it_and_nobody_else() {
    let shop = Shop::open("").await;
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    write(shopper, "too early", "7", 4).await.rejected("not-delivered");
    receives(shopper, "7").await;
    let written = write(shopper, "fair", "7", 4).await;
    assert_eq!(written.status, StatusCode::CREATED, "{written:?}");
    assert_eq!(written.header("location"), format!("{REVIEWS}/{}", id("fair")));
    let page = shopper.get_after(REVIEWS, &written).await.ok();
    let only = &page["items"][0];
    assert_eq!((&only["title"], &only["stars"], &only["revised_at"]), (&json!("fair"), &json!(4), &json!(null)));
    assert_eq!(rating(shopper, &written).await, (json!(4.0), json!(1)));
    write(shopper, "hearsay", "8", 1).await.rejected("not-delivered");
    assert_eq!(shopper.get("/api/catalog/customers/8/delivered/1").await.status, StatusCode::NOT_FOUND);
    let keyless = shopper.send(Method::POST, REVIEWS, &[], Some(review("keyless", "7", 4))).await;
    assert_eq!((keyless.status, &keyless.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2007")));
}

#[tokio::test]
async fn a_customer_has_one_review_of_a_product_however_many_they_write_at_once() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    receives(&shop.shopper, "7").await;
    let mut writing = JoinSet::new();
    for n in 0..12 {
        let shopper = shop.shopper.clone();
        writing.spawn(async move { (n, write(&shopper, &format!("attempt {n}"), "7", 5).await) });
    }
    let (mut written, mut refused) = (Vec::new(), 0);
    while let Some(answer) = writing.join_next().await {
        match answer.unwrap() {
            (n, got) if got.status == StatusCode::CREATED => written.push((n, got)),
            (_, got) => {
                got.rejected("already-reviewed");
                refused += 1;
            }
        }
    }
    assert_eq!((written.len(), refused), (1, 11));
    let (n, first) = written.remove(0);
    let again = write(&shop.shopper, &format!("attempt {n}"), "7", 5).await;
    assert_eq!((again.status, again.position()), (StatusCode::CREATED, first.position()));
    assert_eq!(again.header("tradewind-duplicate"), "true");
    assert_eq!(shop.shopper.get_after(REVIEWS, &first).await.ok()["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn its_author_can_revise_a_review_and_others_can_find_it_helpful() {
    let shop = Shop::open("").await;
    let shopper = &shop.shopper;
    shopper.list("1", 259).await;
    for customer in ["7", "8"] {
        receives(shopper, customer).await;
    }
    write(shopper, "first", "7", 2).await.ok();
    let second = write(shopper, "second", "8", 5).await;
    assert_eq!(rating(shopper, &second).await, (json!(3.5), json!(2)));

    let path = format!("{REVIEWS}/{}", id("first"));
    let revise = async |key: &str, customer: &str, stars: u8| {
        let body = json!({"customer_id": customer, "stars": stars, "title": "second thoughts"});
        shopper.send(Method::PUT, &path, &[("idempotency-key", key)], Some(body)).await
    };
    revise("theirs", "8", 1).await.rejected("review-of-another");
    let revised = revise("mine", "7", 4).await;
    assert_eq!(revised.status, StatusCode::NO_CONTENT, "{revised:?}");
    assert_eq!(rating(shopper, &revised).await, (json!(4.5), json!(2)));
    let unknown = format!("{REVIEWS}/{}", id("never written"));
    let body = json!({"customer_id": "7", "stars": 1});
    let unknown = shopper.send(Method::PUT, &unknown, &[("idempotency-key", "u")], Some(body)).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);

    let helps = async |customer: &str, key: &str| {
        shopper.post(&format!("{path}/helpful"), key, json!({"customer_id": customer})).await
    };
    helps("7", "own").await.rejected("own-review");
    let helped = helps("9", "once").await;
    assert_eq!(helped.status, StatusCode::NO_CONTENT, "{helped:?}");
    let again = helps("9", "twice").await;
    assert_eq!((again.status, again.position()), (StatusCode::NO_CONTENT, helped.position()));
    let titles = async |sort: &str| {
        let page = shopper.get_after(&format!("{REVIEWS}?sort={sort}"), &again).await.ok();
        let items = page["items"].as_array().unwrap().clone();
        items.into_iter().map(|of| (of["title"].clone(), of["helpful"].clone())).collect::<Vec<_>>()
    };
    let (first, second) = ((json!("second thoughts"), json!(1)), (json!("second"), json!(0)));
    assert_eq!(titles("newest").await, [second.clone(), first.clone()]);
    assert_eq!(titles("most-helpful").await, [first, second]);
}

#[tokio::test]
async fn a_review_is_told_to_who_follows_the_catalog() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    receives(&shop.shopper, "7").await;
    let catalog = Shopper::new(format!("http://{}", shop.catalog.address));
    let written = write(&catalog, "fair", "7", 4).await;
    assert_eq!(written.status, StatusCode::CREATED);
    let feed = catalog.get("/feed/events?after=0").await;
    assert!(feed.text.contains("ReviewWritten"), "{feed:?}");
}
