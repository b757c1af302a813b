//! From a product to another that is bought together with it.

use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::corners::until;
use crate::journey::search;

const SIMILAR: &str = "[data-testid=similar] .product";

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
    is_absent(browser, &path).await
}

/// The product's page without the service that knows: all is there but this, and no error.
async fn is_absent(browser: &Browser, path: &str) -> anyhow::Result<()> {
    browser.devtools("Network.enable", json!({})).await?;
    browser.devtools("Network.setBlockedURLs", json!({"urls": ["*/api/recommendations/*"]})).await?;
    browser.visit(path, ".review-section").await?;
    browser.settle().await?;
    ensure!(browser.count("[data-testid=similar]").await == 0, "nobody can know what is similar");
    ensure!(browser.count("#main [role=alert]").await == 0, "and that is no error");
    browser.devtools("Network.setBlockedURLs", json!({"urls": []})).await
}
