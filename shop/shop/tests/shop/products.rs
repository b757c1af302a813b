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
            "type": "Dessert", "size": "", "price_cents": 499, "rating": null, "reviews": 0})
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
    let before = shop.shopper.order_that_is(&before, "delivered").await;
    let after = shop.shopper.order_that_is(&after, "delivered").await;
    assert_eq!((&before["total_cents"], &after["total_cents"]), (&json!(518), &json!(600)));
    // Each order has the price that the catalog says held when it was placed.
    let prices = shop.shopper.get_after("/api/catalog/products/1/prices", &changed).await.ok();
    let prices = prices["items"].as_array().unwrap();
    assert_eq!([&prices[0]["price_cents"], &prices[1]["price_cents"]], [300, 259]);
    assert_eq!((&prices[0]["from"], &prices[0]["until"]), (&prices[1]["until"], &json!(null)));
    for order in [before, after] {
        let placed_at = order["placed_at"].as_str().unwrap();
        let held = prices.iter().find(|price| price["from"].as_str().unwrap() <= placed_at).unwrap();
        assert_eq!(order["lines"][0]["unit_price_cents"], held["price_cents"]);
    }
    assert_eq!(shop.shopper.get("/api/catalog/products/2/prices").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_search_tells_what_else_it_could_be_narrowed_by() {
    let shop = Shop::open("").await;
    let mut last = shop.shopper.list("1", 259).await;
    for (id, department, brand, price_cents) in [("2", "Grocery", "Private", 99), ("3", "Floral", "National", 1_299)] {
        let product = json!({"id": id, "name": format!("Product {id}"), "department": department, "brand": brand,
            "size": "1 ct", "price_cents": price_cents});
        last = shop.shopper.post("/api/catalog/products", id, product).await;
    }
    let find =
        async |params: &str| shop.shopper.get_after(&format!("/api/catalog/products?{params}"), &last).await.ok();
    let found = find("facets=true&brand=Private&sort=price-desc").await;
    assert_eq!((&found["total"], &found["items"][0]["id"]), (&json!(1), &json!("2")));
    let values = |count: u64, value: &str| json!({"value": value, "count": count});
    assert_eq!(
        found["facets"],
        json!({
            "department": {"values": [values(1, "Grocery")], "others": 0},
            "category": {"values": [], "others": 0},
            "brand": {"values": [values(1, "National"), values(1, "Private")], "others": 0},
            "size": {"values": [values(1, "1 ct")], "others": 0},
            "price": [{"min_cents": 0, "max_cents": 99, "count": 1}],
            "rating": [],
        })
    );
    let sorted = find("sort=price-asc&price_min_cents=100&price_max_cents=2000").await;
    let ids: Vec<&str> = sorted["items"].as_array().unwrap().iter().map(|item| item["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["1", "3"]);
    assert_eq!(sorted["facets"], json!(null), "nothing is counted that nobody asked for");
    for nonsense in ["sort=dear", "rating_min=6", "rating_min=0", "price_min_cents=2&price_max_cents=1", "facets=some"]
    {
        let got = shop.shopper.get(&format!("/api/catalog/products?{nonsense}")).await;
        assert_eq!((got.status, &got.body["code"]), (StatusCode::BAD_REQUEST, &json!("TW-2002")), "{nonsense}");
    }
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
