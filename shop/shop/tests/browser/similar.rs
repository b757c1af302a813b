//! From a product to another that is bought together with it.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::corners::until;
use crate::journey::search;
use crate::system::System;

const SIMILAR: &str = "[data-testid=similar] .product";
/// What was asked beside the whole since the last product's page came, of what is in it.
const CALLS_FOR_PARTS: &str = r"(() => {
    const paths = performance.getEntriesByType('resource').map(({ name }) => new URL(name).pathname);
    const whole = paths.findLastIndex((path) => /^\/web\/products\/[^/]+$/.test(path));
    if (whole < 0) return ['nothing for the whole'];
    return paths.slice(whole + 1).filter((path) => /\/(rating|prices)$|^\/web\/inventory\//.test(path));
})()";

/// The page of milk shows what is bought together with it, once the sample is in the shop; one of them leads to its own.
pub(crate) async fn follow(browser: &Browser) -> anyhow::Result<()> {
    search(browser, "milk").await?;
    let product = browser.evaluate("document.querySelector('.products .product').dataset.product").await?;
    let path = format!("/product/{}", product.as_str().context("a product is found")?);
    let end = Instant::now() + Duration::from_secs(120);
    loop {
        browser.visit(&path, ".detail").await?;
        browser.settle().await?;
        if browser.count(SIMILAR).await > 2 {
            break;
        }
        ensure!(Instant::now() < end, "nothing is similar to {path}");
        sleep(Duration::from_secs(1)).await;
    }
    ensure!(
        browser.count(&format!("{SIMILAR}[data-product='{}']", product.as_str().unwrap_or_default())).await == 0,
        "nothing is similar to itself"
    );
    browser.screenshot("s-similar").await?;
    browser.click("[data-testid=similar] .product:nth-child(2) h3 a").await?;
    until(browser, &format!("location.pathname !== '{path}' && location.pathname.startsWith('/product/')")).await?;
    browser.see(".detail").await?;
    Ok(())
}

/// While the service that knows hangs: a page that was looked at before shows what it did, and one that was not is there
/// without this part, and without an error.
pub(crate) async fn without_its_service(system: &System, browser: &Browser) -> anyhow::Result<()> {
    search(browser, "milk").await?;
    browser.click(".products .product:nth-child(1) h3 a").await?;
    browser.see(SIMILAR).await?;
    let seen = browser.evaluate("location.pathname").await?;
    let paused = system.pause("recommendations").await?;
    browser.devtools("Network.enable", json!({})).await?;
    browser.devtools("Network.setBlockedURLs", json!({"urls": ["*/web/recommendations/*"]})).await?;
    browser.visit(seen.as_str().context("a path")?, SIMILAR).await?;
    search(browser, "broccoli").await?;
    browser.click(".products .product:nth-child(1) h3 a").await?;
    browser.see(".review-section").await?;
    browser.settle().await?;
    ensure!(browser.count("[data-testid=similar]").await == 0, "nobody can know what is similar");
    ensure!(browser.count("#main [role=alert]").await == 0, "and that is no error");
    let asked = browser.evaluate(CALLS_FOR_PARTS).await?;
    ensure!(asked == json!([]), "one call is enough for all that a page shows of a product, and {asked} were made");
    browser.devtools("Network.setBlockedURLs", json!({"urls": []})).await?;
    paused.go_on()
}
