//! The shop as of another day: going there by slider, date and play button, what is different there, and the way back.

use anyhow::ensure;
use thirtyfour::prelude::*;

use crate::axe::HOUSEHOLD;
use crate::browser::Browser;
use crate::corners::until;
use crate::journey::in_cart;

/// Whether every query since the page was loaded carried the day. That the timeline shows all days is its purpose.
const ALL_CARRY_THE_DAY: &str = "performance.getEntriesByType('resource').map(({ name }) => new URL(name))
    .filter(({ pathname, search }) => pathname.startsWith('/web/') && search !== '?by=day')
    .every(({ searchParams }) => searchParams.has('as_of'))";

pub(crate) async fn travel(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/", ".department").await?;
    browser.click("[data-testid=time-open]").await?;
    until(browser, "document.querySelectorAll('.histogram path').length === 2").await?;
    browser.screenshot("t-1-timeline").await?;
    by_keyboard(browser).await?;
    by_date(browser).await?;
    what_is_different(browser).await?;
    let_it_run(browser).await?;
    back_to_now(browser).await
}

/// From the slider's end: to the first day of the year, a month on, a week on, a day on.
async fn by_keyboard(browser: &Browser) -> anyhow::Result<()> {
    let slider = browser.see("[data-testid=time-slider]").await?;
    slider.send_keys(Key::Home + "").await?;
    until(browser, "location.search === '?as_of=2017-01-01'").await?;
    slider.send_keys(Key::PageUp + "").await?;
    slider.send_keys(Key::Shift + Key::Right).await?;
    slider.send_keys(Key::Right + "").await?;
    until(browser, "location.search === '?as_of=2017-02-09'").await?;
    let spoken = slider.attr("aria-valuetext").await?.unwrap_or_default();
    ensure!(spoken.starts_with("Thursday 9 February 2017, ") && spoken.ends_with("orders"), "it says {spoken:?}");
    ensure!(browser.text("[data-testid=as-of]").await == "You see the shop as of 9 February 2017");
    // Debounced: the days that were passed in a moment were not asked for, nor are they in the history.
    browser.driver.back().await?;
    until(browser, "location.search === '' && !document.documentElement.hasAttribute('data-past')").await
}

async fn by_date(browser: &Browser) -> anyhow::Result<()> {
    browser.see("[data-testid=time-date]").await?;
    browser.type_date("[data-testid=time-date]", "2017-03-12").await?;
    until(browser, "location.search === '?as_of=2017-03-12'").await?;
    browser.see(".department").await?;
    browser.settle().await?;
    browser.screenshot("t-2-home-then").await?;
    // Whoever gets the address sees the same.
    browser.visit("/?as_of=2017-03-12", ".department").await?;
    ensure!(browser.text("[data-testid=as-of]").await.ends_with("12 March 2017"));
    browser.settle().await?;
    until(browser, ALL_CARRY_THE_DAY).await
}

async fn what_is_different(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/products?q=milk&as_of=2017-03-12", ".products .product").await?;
    browser.click(".product:first-child .product-foot .button[aria-disabled=true]").await?;
    browser.see(".toast").await?;
    ensure!(in_cart(browser).await == 0, "nothing can be bought in the past");
    browser.click(".product:first-child h3 a").await?;
    browser.see(".notice.past").await?;
    ensure!(browser.count("[data-testid=add-to-cart]").await == 0, "there is no button either");
    ensure!(browser.driver.current_url().await?.query() == Some("as_of=2017-03-12"), "links lead to the same day");
    browser.screenshot("t-3-product-then").await?;

    browser.visit(&format!("/orders?customer={HOUSEHOLD}&as_of=2017-03-12"), ".order-row").await?;
    let newest = browser.text(".order-row .when").await;
    ensure!(newest.contains("2017") && !newest.contains("Dec"), "the newest order then was {newest:?}");
    browser.visit(&format!("/account?customer={HOUSEHOLD}&as_of=2017-03-12"), ".over-time li").await?;
    ensure!(browser.count("[data-testid=change-address]").await == 0, "nobody moves in the past");
    ensure!(browser.count(".over-time li").await == 1, "the move in May had not happened");

    browser.visit("/sales?as_of=2017-03-12", ".chart svg").await?;
    let then = browser.text(".figure dd").await;
    browser.screenshot("t-4-sales-then").await?;
    browser.visit("/sales", ".chart svg").await?;
    ensure!(then != browser.text(".figure dd").await, "less had been sold by then");
    browser.visit("/checkout?as_of=2017-03-12", ".notice.past").await?;
    Ok(())
}

/// Week after week, without being touched, until it is stopped.
async fn let_it_run(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/sales?as_of=2017-11-20", ".chart svg").await?;
    browser.click("[data-testid=time-open]").await?;
    until(browser, "document.querySelectorAll('.histogram path').length === 2").await?;
    browser.click("[data-testid=time-play]").await?;
    until(browser, "new URLSearchParams(location.search).get('as_of') >= '2017-12-04'").await?;
    browser.screenshot("t-5-running").await?;
    browser.click("[data-testid=time-play]").await?;
    until(browser, "document.querySelector('[data-testid=time-play]').textContent === 'Let the year run'").await
}

async fn back_to_now(browser: &Browser) -> anyhow::Result<()> {
    browser.click("[data-testid=back-to-now]").await?;
    until(browser, "location.pathname + location.search === '/sales'").await?;
    ensure!(browser.evaluate("document.documentElement.hasAttribute('data-past')").await? == false);
    until(browser, "document.activeElement.matches('[data-testid=time-open]')").await
}
