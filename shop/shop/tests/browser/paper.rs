//! Invoices and addresses: what is on paper stays as it was on the day of the order, wherever the customer lives later.

use anyhow::{Context, ensure};

use crate::browser::Browser;
use crate::corners::until;

/// The fields of somebody who orders for the first time.
const NEWCOMER: [(&str, &str); 5] = [
    ("#ship-name", "Ada Newcomer"),
    ("#ship-street", "1 First Street"),
    ("#ship-postal_code", "97103"),
    ("#ship-city", "Port Lowell"),
    ("#ship-region", "OR"),
];

/// At the checkout, where nothing is known of a new customer.
pub(crate) async fn say_where_it_goes(browser: &Browser) -> anyhow::Result<()> {
    for (field, text) in NEWCOMER {
        browser.see(field).await?.send_keys(text).await?;
    }
    Ok(())
}

/// From a delivered order's page: its invoice, a move, and the same invoice again, then and now.
pub(crate) async fn move_and_print_again(browser: &Browser) -> anyhow::Result<()> {
    browser.click("[data-testid=invoice]").await?;
    browser.see(".paper").await?;
    let number = browser.text("#main h1").await;
    let printed = format!("await (await fetch('/api/invoicing/documents/{number}.html')).text()");
    let paper = "document.querySelector('.paper').contentDocument.body.innerText";
    until(browser, &format!("{paper}.includes('1 First Street')")).await?;
    browser.settle().await?;
    browser.see("[data-testid=pdf]").await?;
    browser.screenshot("p-1-invoice").await?;
    let before = browser.evaluate(&format!("(async () => {printed})()")).await?;
    let then = browser.evaluate("new Date().toISOString()").await?;
    let then = then.as_str().context("a moment")?;

    browser.visit("/account", "[data-testid=change-address]").await?;
    ensure!(browser.text("#main address").await.contains("1 First Street"), "the address of the checkout is known");
    browser.click("[data-testid=change-address]").await?;
    let street = browser.see("#address-street").await?;
    street.clear().await?;
    browser.click("#main form.stack button[type=submit]").await?;
    until(browser, "document.activeElement.id === 'address-street'").await?;
    ensure!(
        browser.text("#address-street-problem").await == "Street and number is missing.",
        "what is missing is said"
    );
    street.send_keys("2 Second Street").await?;
    browser.screenshot("p-2-moving").await?;
    browser.click("#main form.stack button[type=submit]").await?;
    until(browser, "document.querySelectorAll('.over-time li').length === 2").await?;
    browser.screenshot("p-3-moved").await?;

    browser.visit(&format!("/invoices/{number}"), ".paper").await?;
    until(browser, &format!("{paper}.includes('1 First Street')")).await?;
    let after = browser.evaluate(&format!("(async () => {printed})()")).await?;
    ensure!(before == after, "a document has the same bytes for ever");
    // As of before the move, the customer lives where the invoice says.
    browser.visit(&format!("/account?as_of={then}"), ".over-time li").await?;
    ensure!(browser.text("#main address").await.contains("1 First Street"), "that was the address then");
    browser.visit("/invoices", &format!("[data-document='{number}']")).await?;
    browser.screenshot("p-4-invoices").await
}
