//! Read models that are built anew beside those that answer.

use std::fmt;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use crate::import::{InProcess, usage};

/// How often it is looked at whether a read model that is made for newer code is there.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// How many times as long as its last answer took the client waits before it asks again.
const THINKS_TIMES: u32 = 9;

/// A read model that was built anew.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Rebuild {
    model: &'static str,
    seconds: f64,
    /// How much time processors spent on it and on the queries: what it takes on a machine that does nothing else.
    cpu_seconds: f64,
    /// How many queries the old one answered meanwhile; not one may fail.
    queries: u64,
    slowest_query_ms: f64,
}

/// Builds each read model anew, one after the other, or `only` these. `order` is one that there is.
pub(super) async fn measure(shop: &InProcess, order: &str, only: &[String]) -> anyhow::Result<Vec<Rebuild>> {
    let order = format!("/api/ordering/orders/{order}");
    let contexts: Vec<&str> = shop.names().collect();
    let mut rebuilds = Vec::new();
    for (context, model, asked) in [
        ("ordering", "order-detail", &*order),
        ("ordering", "order-history", "/api/ordering/customers/1/orders"),
        ("ordering", "sales-by-day", "/api/ordering/sales?by=day"),
        ("ordering", "sales-by-department", "/api/ordering/sales?by=department"),
        ("ordering", "sales-by-product", "/api/ordering/sales?by=product"),
        ("ordering", "product-prices", "/api/ordering/products/1029743"),
        ("catalog", "product-search", "/api/catalog/products/1029743"),
        ("catalog", "price-history", "/api/catalog/products/1029743/prices"),
        ("catalog", "product-reviews", "/api/catalog/products/1029743/reviews"),
        ("catalog", "product-ratings", "/api/catalog/products/1029743/rating"),
        ("catalog", "delivered-products", "/api/catalog/customers/1/delivered/1029743"),
        ("catalog", "departments", "/api/catalog/departments"),
        ("customers", "directory", "/api/customers/1"),
        ("customers", "address-history", "/api/customers/1/addresses"),
        ("invoicing", "order-copies", "/api/invoicing/documents/INV-2017-000001"),
        ("invoicing", "customer-copies", "/api/invoicing/documents/INV-2017-000001"),
        ("invoicing", "documents", "/api/invoicing/customers/1/documents"),
        ("invoicing", "awaited", "/api/invoicing/awaited"),
    ] {
        let is_wanted = only.is_empty() || only.iter().any(|wanted| wanted == model);
        if is_wanted && contexts.contains(&context) {
            rebuilds.push(rebuild(shop, context, model, asked).await?);
        }
    }
    Ok(rebuilds)
}

async fn rebuild(shop: &InProcess, context: &str, model: &'static str, asked: &str) -> anyhow::Result<Rebuild> {
    let client = shop.client();
    let control = shop.handle(context)?.control(model).with_context(|| format!("{context} has no {model}"))?;
    let (mut queries, mut slowest) = (0, Duration::ZERO);
    let (started, (cpu_before, _)) = (Instant::now(), usage());
    control.rebuild().await?;
    loop {
        let asking = Instant::now();
        client.exists(asked, 0).await?;
        let took = asking.elapsed();
        slowest = slowest.max(took);
        queries += 1;
        if !is_rebuilding(shop, context, Some(model))? {
            break;
        }
        // A client that thinks for longer than its questions take, so that it is not these that are measured.
        tokio::time::sleep(took * THINKS_TIMES).await;
    }
    let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), usage().0 - cpu_before);
    Ok(Rebuild { model, seconds, cpu_seconds, queries, slowest_query_ms: slowest.as_secs_f64() * 1e3 })
}

/// Waits until no read model is being built any more.
pub(super) async fn ended(shop: &InProcess) -> anyhow::Result<()> {
    for context in shop.names() {
        while is_rebuilding(shop, context, None)? {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
    Ok(())
}

/// Whether this read model is being built anew; or any one of the context's.
fn is_rebuilding(shop: &InProcess, context: &str, model: Option<&str>) -> anyhow::Result<bool> {
    let mut any = false;
    for status in shop.handle(context)?.followers() {
        if model.is_none_or(|model| model == status.name) {
            if let Some(stopped) = &status.rebuild_stopped {
                anyhow::bail!("the rebuild of {} has stopped: {stopped:?}", status.name);
            }
            any |= status.rebuilding.is_some();
        }
    }
    Ok(any)
}

impl fmt::Display for Rebuild {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, seconds, cpu_seconds, queries, slowest_query_ms } = self;
        write!(
            f,
            "{model:<20} rebuilt in {seconds:>5.2} s, {cpu_seconds:>5.2} s of processor time; {queries} queries answered \
             meanwhile, the slowest in {slowest_query_ms:.1} ms"
        )
    }
}
