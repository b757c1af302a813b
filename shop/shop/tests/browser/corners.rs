//! What goes wrong between two pages, two tabs or two services, and what a person is shown then.

use std::time::Duration;

use anyhow::ensure;
use serde_json::{Value, json};
use thirtyfour::prelude::*;
use tokio::time::{Instant, sleep};

use crate::browser::Browser;
use crate::journey::{in_cart, order_on_page};

/// The home page stays where it was in the history; what is searched for keeps what it was narrowed by.
pub(crate) async fn search_and_go_back(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/", ".department[data-department=Grocery]").await?;
    browser.click(".department[data-department=Grocery]").await?;
    until(browser, "location.pathname + location.search === '/products?department=Grocery'").await?;
    browser.see(".products .product").await?;
    let field = browser.driver.find(By::Id("search")).await?;
    field.send_keys("milk").await?;
    until(browser, "location.search === '?q=milk&department=Grocery'").await?;
    until(browser, "document.querySelector('#main h1').textContent.includes('milk')").await?;
    ensure!(browser.evaluate("document.activeElement.id").await? == "search", "who types goes on typing");
    field.clear().await?;
    field.send_keys("cheese").await?;
    until(browser, "location.search === '?q=cheese&department=Grocery'").await?;
    browser.click(".chip.set[data-filter=department]").await?;
    until(browser, "location.search === '?q=cheese'").await?;
    browser.driver.back().await?;
    until(browser, "location.search === '?q=cheese&department=Grocery'").await?;
    browser.driver.back().await?;
    until(browser, "location.search === '?department=Grocery'").await?;
    browser.driver.back().await?;
    until(browser, "location.pathname + location.search === '/'").await?;
    browser.see(".hero").await?;
    Ok(())
}

/// The page asks without the browser's cache, which is no reason to go past the gateway's: whoever comes back to the home
/// page is given its departments from there.
pub(crate) async fn come_back_to_what_the_gateway_has_stored(browser: &Browser) -> anyhow::Result<()> {
    const HITS: &str = r#"(async () => {
        const counted = (await (await fetch('/_gateway/metrics')).text()).split('\n');
        const of = (line) => ['cache_requests_total', '/web/catalog/departments', '"Hit"'].every((part) => line.includes(part));
        return Number(counted.find(of)?.split(' ').pop() ?? 0);
    })()"#;
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        browser.visit("/", ".department").await?;
        let before = browser.evaluate(HITS).await?.as_u64().unwrap_or_default();
        browser.visit("/", ".department").await?;
        let after = browser.evaluate(HITS).await?.as_u64().unwrap_or_default();
        if after > before {
            return Ok(());
        }
        // An event of a product may have come between.
        ensure!(Instant::now() < end, "the departments are never given from the gateway's cache");
    }
}

/// Skipping to the content moves the focus there, and leaves the page as it is.
pub(crate) async fn skip_to_the_content(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/sales", ".chart svg").await?;
    browser.evaluate("(document.querySelector('#main > .page').isTheSame = true)").await?;
    browser.driver.find(By::Css(".skip")).await?.send_keys(Key::Enter + "").await?;
    until(browser, "location.hash === '#main' && document.activeElement.id === 'main'").await?;
    ensure!(browser.evaluate("document.querySelector('#main > .page').isTheSame === true").await? == true);
    Ok(())
}

/// An order that does not exist says so, and waits for nothing.
pub(crate) async fn look_for_an_order_that_does_not_exist(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/orders/0192f3a1-5b1c-7c3e-9d2a-0123456789ab", ".empty").await?;
    ensure!(browser.count(".stages, .live, .notice").await == 0, "nothing is followed any more");
    browser.screenshot("b-no-such-order").await
}

/// Nothing is ordered at another total than the one on the button; the person is shown what has changed, and decides.
pub(crate) async fn order_at_a_price_that_changes(browser: &Browser) -> anyhow::Result<()> {
    let product = fill_cart(browser, "bread", 1).await?.remove(0);
    browser.visit("/checkout", "[data-testid=new-customer]").await?;
    browser.click("[data-testid=new-customer]").await?;
    // What is asked of somebody new moves the button down when it comes: a click on its way then would miss.
    browser.see("#ship-name").await?;
    command(browser, "POST", &format!("{product}/price"), r#"{"price_cents": 4321}"#).await?;
    until(browser, &format!("(await (await fetch('/api/ordering/{product}')).json()).price_cents === 4321")).await?;
    browser.click("[data-testid=place-order]").await?;
    browser.see("[data-testid=outcome] .notice.warn").await?;
    let told = browser.text("[data-testid=outcome]").await;
    ensure!(told.contains("$43.21"), "the new price is told: {told}");
    ensure!(browser.text("[data-testid=place-order]").await.ends_with("$43.21"), "and stands on the button");
    browser.screenshot("c-price-changed").await?;
    browser.click("[data-testid=place-order]").await?;
    browser.see(".receipt tfoot .money").await?;
    ensure!(browser.text(".receipt tfoot .money:last-child").await == "$43.21", "what was agreed to is what it costs");
    Ok(())
}

/// What is no longer sold stays in the cart, marked, and stands in nobody's way.
pub(crate) async fn order_beside_what_is_no_longer_sold(browser: &Browser) -> anyhow::Result<()> {
    let products = fill_cart(browser, "yogurt", 2).await?;
    command(browser, "DELETE", &products[0], "").await?;
    until(browser, &format!("(await fetch('/api/ordering/{}')).status === 404", products[0])).await?;
    // The checkout has not heard of it: ordering says so.
    browser.visit("/checkout", "[data-testid=place-order]").await?;
    browser.click("[data-testid=place-order]").await?;
    browser.see("[data-testid=outcome] .notice.warn").await?;
    ensure!(browser.count(".brief > li").await == 1, "one product is left in the order");
    browser.visit("/cart", ".lines .gone").await?;
    browser.screenshot("d-no-longer-sold").await?;
    browser.click("[data-testid=to-checkout]").await?;
    browser.click("[data-testid=place-order]").await?;
    browser.see(".receipt tfoot .money").await?;
    ensure!(browser.count(".receipt tbody tr").await == 1, "only what is sold was ordered");
    browser.visit("/cart", ".lines .gone").await?;
    browser.click(".lines .gone .link-button").await?;
    browser.see(".empty").await?;
    ensure!(browser.evaluate("document.activeElement.tagName").await? == "H1", "the focus goes to the heading");
    Ok(())
}

/// An order that is on its way arrives, also when the person goes elsewhere meanwhile.
pub(crate) async fn leave_while_the_order_is_under_way(browser: &Browser) -> anyhow::Result<()> {
    fill_cart(browser, "cheese", 1).await?;
    browser.visit("/checkout", "[data-testid=place-order]").await?;
    let customer = browser.evaluate("document.querySelector('#customer').value").await?;
    let orders = format!("/api/ordering/customers/{}/orders", customer.as_str().unwrap_or_default());
    let many = format!("(await (await fetch('{orders}')).json()).items.length");
    let before = browser.evaluate(&format!("(async () => {many})()")).await?.as_u64().unwrap_or_default();
    browser.evaluate(SLOW_COMMANDS).await?;
    browser.click("[data-testid=place-order]").await?;
    browser.click(".tab[data-route=cart]").await?;
    browser.see(".lines > li").await?;
    browser.see(".toast a[href^='/orders/']").await?;
    browser.see(".empty").await?;
    ensure!(in_cart(browser).await == 0, "what was ordered has left the cart");
    browser.click(".toast a").await?;
    browser.see(".stage[data-state=done]").await?;
    order_on_page(browser).await?;
    until(browser, &format!("{many} === {}", before + 1)).await
}

/// Each part of a page asks by itself: what one service does not answer, the others do not miss.
pub(crate) async fn a_service_that_does_not_answer_leaves_the_rest(browser: &Browser) -> anyhow::Result<()> {
    browser.devtools("Network.enable", json!({})).await?;
    browser.devtools("Network.setBlockedURLs", json!({"urls": ["*/web/ordering/*", "*/web/customers/*"]})).await?;
    browser.visit("/", ".department").await?;
    browser.see(".shelf .product").await?;
    browser.visit("/products?q=bread", ".products .product").await?;
    browser.click(".product:first-child .product-foot .button").await?;
    browser.driver.goto(format!("{}/checkout", browser.url)).await?;
    until(browser, "document.querySelector('#where ~ div .notice.warn') !== null").await?;
    ensure!(browser.count("[data-testid=place-order]").await == 1, "who has no address can order all the same");
    browser.driver.goto(format!("{}/sales", browser.url)).await?;
    until(browser, "document.querySelector('.notice.bad') !== null").await?;
    browser.screenshot("e-ordering-away").await?;
    browser.devtools("Network.setBlockedURLs", json!({"urls": []})).await?;
    // Without being touched: what failed tries again.
    until(browser, "document.querySelector('.chart svg') !== null").await
}

const SLOW_COMMANDS: &str = "(() => {
    const soon = window.fetch;
    window.fetch = async (url, options) => {
        if (options?.method === 'POST') await new Promise((resolve) => setTimeout(resolve, 1500));
        return soon(url, options);
    };
    return true;
})()";

/// Empties the cart and puts the first products of a search into it, by the page's own buttons. Gives their paths behind
/// the name of a service.
async fn fill_cart(browser: &Browser, words: &str, many: usize) -> anyhow::Result<Vec<String>> {
    browser.visit("/cart", "h1").await?;
    browser.evaluate("localStorage.removeItem('tradewind.cart')").await?;
    browser.visit(&format!("/products?q={words}"), ".products .product").await?;
    let mut products = Vec::new();
    for nth in 1..=many {
        browser.click(&format!(".products > :nth-child({nth}) .product-foot .button")).await?;
        let id = format!("document.querySelector('.products > :nth-child({nth})').dataset.product");
        let id = browser.evaluate(&id).await?;
        products.push(format!("products/{}", id.as_str().unwrap_or_default()));
    }
    ensure!(in_cart(browser).await == many, "{many} are in the cart");
    Ok(products)
}

/// What whoever runs the shop does meanwhile.
async fn command(browser: &Browser, method: &str, path: &str, body: &str) -> anyhow::Result<()> {
    let body = if body.is_empty() { "undefined".to_owned() } else { format!("'{body}'") };
    let sent = format!(
        "(async () => (await fetch('/api/catalog/{path}', {{ method: '{method}', body: {body},
            headers: {{ 'Content-Type': 'application/json', 'Idempotency-Key': crypto.randomUUID() }} }})).status)()"
    );
    let status = browser.evaluate(&sent).await?;
    ensure!(status == 204, "{method} {path} answered {status}");
    Ok(())
}

/// Waits until a JavaScript expression, which may await, is true.
pub(crate) async fn until(browser: &Browser, expression: &str) -> anyhow::Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        let value = browser.evaluate(&format!("(async () => {expression})()")).await;
        if matches!(value, Ok(Value::Bool(true))) {
            return Ok(());
        }
        ensure!(Instant::now() < end, "never came true: {expression}; at last: {value:?}");
        sleep(Duration::from_millis(100)).await;
    }
}
