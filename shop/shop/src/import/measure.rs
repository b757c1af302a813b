//! `shop measure`: what a shop with a year in it does. Each read model is built anew beside the one that answers, which
//! is asked all the while; and orders are loaded as they were at moments of their lives.

use std::fmt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;
use shop_ordering::order::Order;
use tradewind_events::{EventId, Position, Query, Timestamp};
use tradewind_service::{AsOf, Entities, Entity, Upcasters};

use super::{InProcess, usage};
use crate::seed;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The folder of a shop that is not running, as `shop import --in-process` filled it
    pub data: PathBuf,
    /// How many orders to load as of some moment
    #[arg(long, default_value_t = 5_000)]
    pub loads: u64,
    /// Print nothing but the figures, as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    rebuilds: Vec<Rebuild>,
    as_of: Loads,
}

/// A read model that was built anew.
#[derive(Debug, Clone, Serialize)]
struct Rebuild {
    model: &'static str,
    seconds: f64,
    /// How much time processors spent on it and on the queries: what it takes on a machine that does nothing else.
    cpu_seconds: f64,
    /// How many queries the old one answered meanwhile; not one may fail.
    queries: u64,
    slowest_query_ms: f64,
}

/// Orders that were loaded as of some moment, one after the other, in microseconds.
#[derive(Debug, Clone, Serialize)]
struct Loads {
    loads: u64,
    mean_us: f64,
    p50_us: f64,
    p99_us: f64,
}

/// Measures, and prints the figures.
///
/// # Errors
/// If the shop cannot be opened, or a query fails.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let shop = InProcess::open(&options.data).await?;
    let measured = measure(options, &shop).await;
    let closed = shop.close().await;
    let figures = measured?;
    closed?;
    let text = if options.json { serde_json::to_string(&figures)? } else { figures.to_string() };
    Ok(seed::print(&text)?)
}

async fn measure(options: &Options, shop: &InProcess) -> anyhow::Result<Figures> {
    shop.settled().await?;
    let orders = some_orders(shop, options.loads).await?;
    let (order, _) = orders.first().context("there are no orders here: import a year first")?;
    let as_of = load(shop, &orders).await?;
    let order = format!("/api/ordering/orders/{order}");
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
        ("catalog", "delivered-products", "/api/catalog/products/1029743/reviews"),
        ("catalog", "departments", "/api/catalog/departments"),
    ] {
        rebuilds.push(rebuild(shop, context, model, asked).await?);
    }
    Ok(Figures { rebuilds, as_of })
}

/// Orders from all over the log, each with a moment of its life. They follow from their number, so that each run takes
/// the same ones.
async fn some_orders(shop: &InProcess, count: u64) -> anyhow::Result<Vec<(String, Timestamp)>> {
    let (store, query) = (shop.store("ordering")?, Query::category(Order::CATEGORY));
    let head = store.head().await?.0.max(1);
    let mut orders = Vec::new();
    for number in 0..count {
        let chance = EventId::derived("measured order", usize::try_from(number)?).0.as_u128();
        let page = store.read(Position(u64::try_from(chance % u128::from(head))?), &query, 1).await?;
        if let Some(event) = page.events.first() {
            let later = Duration::from_secs(u64::try_from((chance >> 64) % (2 * 24 * 3_600))?);
            orders.push((event.entity_id().to_owned(), event.time().plus(later)));
        }
    }
    Ok(orders)
}

async fn load(shop: &InProcess, orders: &[(String, Timestamp)]) -> anyhow::Result<Loads> {
    let entities = Entities::new(shop.store("ordering")?, Upcasters::default());
    let mut took = Vec::with_capacity(orders.len());
    for (order, moment) in orders {
        let started = Instant::now();
        let loaded = entities.load_as_of::<Order>(order, AsOf::Time(*moment)).await?;
        took.push(started.elapsed());
        anyhow::ensure!(loaded.state.status.is_some(), "order {order} was not there at {moment}");
    }
    took.sort_unstable();
    let us = |took: Duration| took.as_secs_f64() * 1e6;
    let at = |percent: usize| took.get(took.len() * percent / 100).map_or(0.0, |took| us(*took));
    let mean_us = us(took.iter().sum()) / took.len().max(1) as f64;
    Ok(Loads { loads: took.len() as u64, mean_us, p50_us: at(50), p99_us: at(99) })
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
        slowest = slowest.max(asking.elapsed());
        queries += 1;
        let statuses = shop.handle(context)?.followers();
        let status = statuses.iter().find(|status| status.name == model).with_context(|| format!("{model} is gone"))?;
        if let Some(stopped) = &status.rebuild_stopped {
            anyhow::bail!("the rebuild of {model} has stopped: {stopped:?}");
        }
        if status.rebuilding.is_none() {
            break;
        }
        // A client that thinks for a moment, so that it is not the queries that are measured.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), usage().0 - cpu_before);
    Ok(Rebuild { model, seconds, cpu_seconds, queries, slowest_query_ms: slowest.as_secs_f64() * 1e3 })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Rebuild { model, seconds, cpu_seconds, queries, slowest_query_ms } in &self.rebuilds {
            writeln!(
                f,
                "{model:<20} rebuilt in {seconds:>5.2} s, {cpu_seconds:>5.2} s of processor time; {queries} queries answered meanwhile, \
                 the slowest in {slowest_query_ms:.1} ms"
            )?;
        }
        let Loads { loads, mean_us, p50_us, p99_us } = &self.as_of;
        write!(
            f,
            "{loads} orders as of some moment: {mean_us:.0} µs each, half in {p50_us:.0}, 99 of 100 in {p99_us:.0}"
        )
    }
}
