//! What can be bought.

use hyper::{Method, StatusCode};
use serde_json::json;

use crate::client::id;
use crate::system::Shop;

#[tokio::test]
async fn a_listed_product_is_found_by_its_words() {
    let shop = Shop::open("").await;
    let product = json!({"id": "1", "name": "Crème Brûlée, 4 oz", "department": "Pastry", "type": "Dessert",
        "price_cents": 499});
    let listed = shop.shopper.post("/api/catalog/products", "k", product).await;
    assert_eq!(listed.status, StatusCode::CREATED);
    assert_eq!(listed.header("location"), "/api/catalog/products/1");
    assert_eq!(listed.text, "", "a command answers nothing but its position");
    let found = shop.shopper.get_after("/api/catalog/products?q=creme%20bru", &listed).await;
    assert!(found.position().parse::<u64>().unwrap() >= listed.position().parse().unwrap());
    let found = found.ok();
    assert_eq!(found["total"], 1);
    assert_eq!(found["next"], json!(null));
    assert_eq!(
        found["items"][0],
        json!({"id": "1", "name": "Crème Brûlée, 4 oz", "department": "Pastry", "brand": "", "category": "",
            "type": "Dessert", "size": "", "price_cents": 499})
    );
    let departments = shop.shopper.get_after("/api/catalog/departments", &listed).await.ok();
    assert_eq!(departments["items"], json!([{"name": "Pastry", "products": 1}]));
    assert_eq!(shop.shopper.get("/api/catalog/products/2").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn products_are_read_page_by_page() {
    let shop = Shop::open("").await;
    let mut listed = shop.shopper.list("0", 100).await;
    for n in 1..7 {
        listed = shop.shopper.list(&n.to_string(), 100).await;
    }
    let mut seen = Vec::new();
    let mut after = String::new();
    loop {
        let path = format!("/api/catalog/products?limit=3&after={after}");
        let page = shop.shopper.get_after(&path, &listed).await.ok();
        assert_eq!(page["total"], 7);
        seen.extend(page["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap().to_owned()));
        let Some(next) = page["next"].as_str() else { break };
        next.clone_into(&mut after);
    }
    assert_eq!(seen, ["0", "1", "2", "3", "4", "5", "6"]);
    for nonsense in ["x", "-1", "9223372036854775808", "18446744073709551616"] {
        let got = shop.shopper.get(&format!("/api/catalog/products?after={nonsense}")).await;
        assert_eq!((got.status, &got.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2002")), "{nonsense}");
    }
    let beyond = shop.shopper.get_after("/api/catalog/products?after=4294967295", &listed).await.ok();
    assert_eq!(beyond, json!({"items": [], "total": 7, "next": null}));
}

#[tokio::test]
async fn an_order_keeps_the_price_at_which_it_was_placed() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let (before, after) = (id("before"), id("after"));
    shop.shopper.place(&before, "7", &[("1", 2)]).await.ok();
    let changed = shop.shopper.post("/api/catalog/products/1/price", "dearer", json!({"price_cents": 300})).await;
    assert_eq!(changed.status, StatusCode::NO_CONTENT);
    let known = shop.shopper.get_after("/api/ordering/products/1", &changed).await.ok();
    assert_eq!(known["price_cents"], 300, "ordering's own copy follows the catalog's feed");
    shop.shopper.place(&after, "7", &[("1", 2)]).await.ok();
    assert_eq!(shop.shopper.order_that_is(&before, "delivered").await["total_cents"], 518);
    assert_eq!(shop.shopper.order_that_is(&after, "delivered").await["total_cents"], 600);
}

#[tokio::test]
async fn what_is_taken_off_can_be_neither_found_nor_ordered() {
    let shop = Shop::open("").await;
    shop.shopper.list("1", 259).await;
    let gone = shop.shopper.send(Method::DELETE, "/api/catalog/products/1", &[], None).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT);
    assert_eq!(shop.shopper.get_after("/api/catalog/products/1", &gone).await.status, StatusCode::NOT_FOUND);
    assert_eq!(shop.shopper.get_after("/api/ordering/products/1", &gone).await.status, StatusCode::NOT_FOUND);
    shop.shopper.place(&id("too late"), "7", &[("1", 1)]).await.rejected("unknown-product");
}
