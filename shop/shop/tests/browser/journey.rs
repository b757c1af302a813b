//! What a person does in the shop.

use std::time::Duration;

use anyhow::{Context, ensure};
use thirtyfour::prelude::*;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::http::wait_for;
use crate::paper;
use crate::reviews;
use crate::similar;

const STAGES: usize = 6;

const DOUBLE_CLICK: &str = "(() => {
    const button = document.querySelector('[data-testid=place-order]');
    button.click();
    button.click();
    return true;
})()";

/// From the first look to "my orders", with a screenshot of each page.
pub(crate) async fn walk(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/", ".department").await?;
    ensure!(browser.count(".department").await > 3, "the departments are shown");
    browser.settle().await?;
    browser.screenshot("1-home").await?;

    search(browser, "cheese").await?;
    ensure!(!browser.text("#main h1").await.is_empty(), "the results have a heading");
    browser.screenshot("2-search").await?;

    fill_cart(browser).await?;
    browser.see("[data-stock=in]").await?;
    browser.screenshot("3-product").await?;
    browser.click(".tab[data-route=cart]").await?;
    browser.see(".lines > li").await?;
    let total = browser.text(".summary .total[data-total]").await;
    browser.screenshot("4-cart").await?;

    let mut orders = 0;
    let order = loop {
        orders += 1;
        browser.click("[data-testid=to-checkout]").await?;
        if orders == 1 {
            browser.click("[data-testid=new-customer]").await?;
            paper::say_where_it_goes(browser).await?;
        }
        browser.screenshot("5-checkout").await?;
        let started = browser.evaluate("performance.timeOrigin").await?;
        // A double click, as impatient people do: one order all the same.
        browser.evaluate(DOUBLE_CLICK).await?;
        browser.see(".stage[data-state=done]").await?;
        browser.screenshot("6-timeline").await?;
        let ending = watch_until_the_end(browser, Duration::from_secs(120)).await?;
        ensure!(browser.evaluate("performance.timeOrigin").await? == started, "the page was not loaded anew");
        if let Ending::Delivered { steps } = ending {
            ensure!(steps > 2, "the stages came one after the other, live: {steps} steps");
            break order_on_page(browser).await?;
        }
        browser.screenshot("6-payment-failed").await?;
        ensure!(orders < 4, "the stand-in for payments declines too often to be true");
        order_again(browser).await?;
    };
    browser.see(".receipt tfoot .money").await?;
    let receipt = browser.text(".receipt tfoot .money:last-child").await;
    ensure!(receipt == total, "the receipt says {receipt}, the cart said {total}");
    browser.screenshot("7-delivered").await?;
    reviews::write_and_find(browser).await?;
    paper::move_and_print_again(browser).await?;

    browser.click(".tab[data-route=orders]").await?;
    browser.see(&format!("[data-order='{order}']")).await?;
    ensure!(browser.count(".order-row").await == orders, "one order each time, though the button was pressed twice");
    browser.screenshot("8-orders").await?;
    browser.click(".tab[data-route=sales]").await?;
    browser.see(".chart svg").await?;
    browser.screenshot("9-sales").await?;

    similar::follow(browser).await?;

    browser.visit("/products?q=zzzzqqqq", ".empty").await?;
    browser.screenshot("a-nothing-found").await?;
    browser.visit("/nowhere", ".empty").await?;
    Ok(())
}

/// Types into the search box and waits until the results are for it.
pub(crate) async fn search(browser: &Browser, words: &str) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        browser.visit("/", "#search").await?;
        browser.driver.find(By::Id("search")).await?.send_keys(words).await?;
        for _ in 0..40 {
            let heading = browser.text("#main h1").await;
            if heading.contains(words) && browser.count(".products .product").await > 0 {
                return Ok(());
            }
            sleep(Duration::from_millis(100)).await;
        }
        ensure!(Instant::now() < end, "no results for {words:?}");
    }
}

/// From the results: the first product by its page, a second one from the list.
pub(crate) async fn fill_cart(browser: &Browser) -> anyhow::Result<()> {
    let before = in_cart(browser).await;
    browser.click(".product:nth-child(2) .product-foot .button").await?;
    browser.click(".product:first-child h3 a").await?;
    browser.click(".quantity button:last-child").await?;
    browser.click("[data-testid=add-to-cart]").await?;
    let now = in_cart(browser).await;
    ensure!(now == before + 3, "one and two were put into the cart with {before}, and it has {now}");
    Ok(())
}

pub(crate) async fn in_cart(browser: &Browser) -> usize {
    browser.text("[data-testid=cart-count]").await.parse().unwrap_or(0)
}

/// How an order's page ends. The stand-in for payments declines some orders, as a real one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Delivered {
        /// How many different states of the timeline were seen on the way.
        steps: usize,
    },
    Declined,
}

/// Watches the timeline, as it is, without reloading.
pub(crate) async fn watch_until_the_end(browser: &Browser, within: Duration) -> anyhow::Result<Ending> {
    let end = Instant::now() + within;
    let mut seen = Vec::new();
    while seen.last() != Some(&STAGES) {
        let done = browser.count(".stage[data-state=done]").await;
        if seen.last() != Some(&done) {
            seen.push(done);
        }
        if browser.count(".stage[data-state=stopped]").await > 0 {
            browser.see(".pill[data-status=payment-failed]").await?;
            return Ok(Ending::Declined);
        }
        ensure!(Instant::now() < end, "not delivered in time; seen {seen:?}");
        sleep(Duration::from_millis(50)).await;
    }
    ensure!(seen.is_sorted(), "what has happened stays on the page: {seen:?}");
    browser.see(".pill[data-status=delivered]").await?;
    Ok(Ending::Delivered { steps: seen.len() })
}

/// From an order that has ended, by its button, to a cart with the same things.
pub(crate) async fn order_again(browser: &Browser) -> anyhow::Result<()> {
    browser.click("[data-testid=again]").await?;
    browser.see(".lines > li").await?;
    Ok(())
}

/// The id of the order whose page is open.
pub(crate) async fn order_on_page(browser: &Browser) -> anyhow::Result<String> {
    let url = browser.driver.current_url().await?;
    let id = url.path().strip_prefix("/orders/").context("an order's page is open")?;
    Ok(id.to_owned())
}

/// Asks the services whether an order is there once, whole, and delivered.
pub(crate) async fn check_delivered(shop: &str, order: &str) -> anyhow::Result<()> {
    let url = format!("{shop}/api/ordering/orders/{order}");
    let order = wait_for(&url, Duration::from_secs(60), |order| order["status"] == "delivered").await?;
    let events: Vec<_> =
        order["timeline"].as_array().into_iter().flatten().filter_map(|entry| entry["event"].as_str()).collect();
    let expected = ["OrderCreated", "OrderApproved", "OrderPaid", "OrderPrepared", "OrderShipped", "OrderDelivered"];
    ensure!(events == expected, "each stage once and in order, but: {events:?}");
    Ok(())
}
