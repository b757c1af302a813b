//! Every page as who does not see it, or does not use a mouse, meets it: checked by axe-core, which is fetched from npm into
//! a temporary folder, since it is no part of the shop.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::process::Command;

use crate::browser::Browser;
use crate::http::{get_json, wait_for};

/// A household of the sample that has bought much.
pub(crate) const HOUSEHOLD: &str = "1467";

const RUN: &str = "axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 160)).join(' | ')))";

/// The checker's script.
pub(crate) struct Axe(String);

impl Axe {
    pub(crate) async fn fetch() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir()?;
        let mut npm = Command::new("npm");
        npm.args(["install", "--no-save", "--no-audit", "--no-fund", "--silent", "axe-core@4", "--prefix"]);
        npm.arg(folder.path()).stdin(Stdio::null());
        let status = npm.status().await.context("npm does not start; leave this out with TRADEWIND_TEST_SKIP=axe")?;
        ensure!(status.success(), "npm cannot fetch axe-core; leave this out with TRADEWIND_TEST_SKIP=axe");
        let script = folder.path().join(Path::new("node_modules/axe-core/axe.min.js"));
        Ok(Self(std::fs::read_to_string(script)?))
    }

    /// Checks what the browser shows, and fails for anything serious.
    async fn check(&self, browser: &Browser, what: &str) -> anyhow::Result<()> {
        browser.driver.execute(self.0.as_str(), Vec::new()).await?;
        let found = browser.evaluate(RUN).await?;
        ensure!(found.as_array().is_some_and(Vec::is_empty), "{what}: {found:#}");
        Ok(())
    }

    /// Visits every page, by day and by night, and as of another day.
    pub(crate) async fn check_every_page(&self, browser: &Browser) -> anyhow::Result<()> {
        let pages = pages(&browser.url).await?;
        browser.visit("/cart", "h1").await?;
        browser.evaluate(&format!("localStorage.setItem('tradewind.customers', '[\"{HOUSEHOLD}\"]')")).await?;
        browser.visit("/products?q=milk", ".products .product").await?;
        browser.click(".product .product-foot .button").await?;
        for scheme in ["light", "dark"] {
            let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
            browser.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await?;
            for (name, path, css) in &pages {
                browser.visit(path, css).await?;
                browser.settle().await?;
                self.check(browser, &format!("{name} ({scheme})")).await?;
                browser.screenshot(&format!("x-{scheme}-{name}")).await?;
            }
        }
        Ok(())
    }
}

/// Each page with its path, and what must be there before it is looked at.
async fn pages(shop: &str) -> anyhow::Result<Vec<(&'static str, String, &'static str)>> {
    let first = |list: Value, what: &str| list["items"][0][what].as_str().map(str::to_owned).context("nothing listed");
    let orders = get_json(&format!("{shop}/api/ordering/customers/{HOUSEHOLD}/orders?limit=1")).await?;
    // Invoices follow the orders by themselves.
    let listed = |list: &Value| list["items"].as_array().is_some_and(|items| !items.is_empty());
    let documents = format!("{shop}/api/invoicing/customers/{HOUSEHOLD}/documents?limit=1");
    let documents = wait_for(&documents, Duration::from_secs(60), listed).await?;
    let products = get_json(&format!("{shop}/api/catalog/products?q=cheese&limit=1")).await?;
    let product = first(products, "id")?;
    Ok(vec![
        ("home", "/".to_owned(), ".department"),
        ("products", "/products?q=milk&department=Grocery".to_owned(), ".products .product"),
        ("product", format!("/product/{product}"), ".review-section"),
        ("cart", "/cart".to_owned(), ".lines > li"),
        ("checkout", "/checkout".to_owned(), "[data-testid=ship-to]"),
        ("orders", "/orders".to_owned(), ".order-row"),
        ("order", format!("/orders/{}", first(orders, "id")?), ".receipt"),
        ("invoices", "/invoices".to_owned(), ".order-row"),
        ("invoice", format!("/invoices/{}", first(documents, "number")?), ".paper"),
        ("account", "/account".to_owned(), ".over-time"),
        ("sales", "/sales".to_owned(), ".chart svg"),
        ("missing", "/nowhere".to_owned(), ".empty"),
        ("past-home", "/?as_of=2017-03-12".to_owned(), ".department"),
        ("past-product", format!("/product/{product}?as_of=2017-03-12"), ".notice.past"),
        ("past-sales", "/sales?as_of=2017-03-12".to_owned(), ".chart svg"),
    ])
}
