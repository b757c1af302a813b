//! From a delivered order to a review of what was delivered, which others find by its stars.

use anyhow::ensure;

use crate::browser::Browser;
use crate::corners::until;

/// What the person who shops has written, among what others have, without a button to find one's own words helpful.
const MINE_IS_THERE: &str = "[...document.querySelectorAll('.review')].some((review) =>
    review.textContent.includes('Customer ' + JSON.parse(localStorage['tradewind.customers'])[0])
    && review.querySelector('strong').textContent === 'Would buy again' && !review.querySelector('button'))";
const SEND: &str = "[data-testid=review-form] button[type=submit]";

/// On the page of an order that was delivered.
pub(crate) async fn write_and_find(browser: &Browser) -> anyhow::Result<()> {
    let order = browser.driver.current_url().await?;
    browser.click(".review-link").await?;
    browser.see("[data-testid=review-form]").await?;
    browser.click(SEND).await?;
    until(browser, "document.querySelector('.star-field .problem').textContent.includes('one to five stars')").await?;
    browser.click("#stars-4").await?;
    browser.see("#review-title").await?.send_keys("Would buy again").await?;
    browser.screenshot("r-1-writing").await?;
    browser.click(SEND).await?;
    until(browser, MINE_IS_THERE).await?;
    until(browser, "document.querySelector('.score strong')?.textContent === '4.0'").await?;
    ensure!(
        browser.text("[data-testid=write-review]").await == "Change my review",
        "a customer has one review of each"
    );
    browser.screenshot("r-2-written").await?;
    let product = browser.evaluate("location.pathname.split('/').pop()").await?;
    let product = product.as_str().unwrap_or_default();
    let found = format!(".product[data-product='{product}'] .rated");
    browser.visit("/products?q=cheese&rating=4&sort=rating", &found).await?;
    ensure!(browser.count(".facet-link[aria-current=true]").await == 1, "the filter is among the facets");
    browser.screenshot("r-3-found").await?;
    // Nobody had written anything on the day before.
    browser.visit(&format!("/product/{product}?as_of=2017-12-31"), ".review-section").await?;
    browser.settle().await?;
    ensure!(browser.count(".review, [data-testid=write-review]").await == 0, "nor can anybody write there");
    browser.driver.goto(order.as_str()).await?;
    browser.see(".stage[data-state=done]").await?;
    Ok(())
}
