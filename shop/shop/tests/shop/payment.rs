//! Orders that end early.

use crate::client::id;
use crate::system::Shop;

#[tokio::test]
async fn an_order_over_the_limit_is_rejected() {
    let shop = Shop::open("--order-cents-max 10000").await;
    shop.shopper.list("1", 5_000).await;
    let (within, over) = (id("within"), id("over"));
    shop.shopper.place(&within, "7", &[("1", 2)]).await.ok();
    shop.shopper.place(&over, "7", &[("1", 3)]).await.ok();
    shop.shopper.order_that_is(&within, "delivered").await;
    let rejected = shop.shopper.order_that_is(&over, "rejected").await;
    assert!(rejected["timeline"][1]["note"].as_str().unwrap().contains("$100"), "{rejected}");
}

#[tokio::test]
async fn a_declined_payment_ends_the_order_and_sells_nothing() {
    let shop = Shop::open_with("--pace fast --payment-declined-percent 100", "").await;
    shop.shopper.list("1", 259).await;
    let order = id("declined");
    shop.shopper.place(&order, "7", &[("1", 1)]).await.ok();
    let failed = shop.shopper.see_order_that_is(&order, "payment-failed").await;
    let note = failed.body["timeline"][2]["note"].as_str().unwrap();
    assert!(note.contains("stand-in"), "it says that nobody's bank said no: {note}");
    let sales = shop.shopper.get_after("/api/ordering/sales?by=day", &failed).await.ok();
    assert_eq!(sales["items"].as_array().unwrap().len(), 0);
}

#[tokio::test]
async fn a_busy_payment_provider_is_asked_until_it_answers() {
    let shop = Shop::open_with("--pace fast --payment-busy-percent 60 --payment-declined-percent 0", "").await;
    shop.shopper.list("1", 259).await;
    // Which of them meet a busy provider, and how often, follows from their ids.
    let orders: Vec<String> = (0..12).map(|n| id(&format!("busy {n}"))).collect();
    for order in &orders {
        shop.shopper.place(order, "7", &[("1", 1)]).await.ok();
    }
    let mut delivered = 0;
    for order in &orders {
        let options = shop_ordering::payment::PaymentOptions { busy_percent: 60, declined_percent: 0, attempts_max: 4 };
        let provider = shop_ordering::payment::StandInProvider::new(options);
        let paid = (1..=4)
            .any(|attempt| matches!(provider.collect(order, attempt), shop_ordering::payment::Answer::Accepted { .. }));
        let status = if paid { "delivered" } else { "payment-failed" };
        shop.shopper.order_that_is(order, status).await;
        delivered += u32::from(paid);
    }
    assert!(delivered > 0, "of twelve, some get through");
}
