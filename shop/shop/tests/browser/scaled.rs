//! Ordering and the catalog in two instances each, on PostgreSQL, and one instance after the other killed with SIGKILL
//! while people order and prices change.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::{Value, json};
use tokio::time::sleep;
use tradewind_events::EventId;
use tradewind_testkit::servers::{Postgres, is_left_out};

use crate::ONE_AT_A_TIME;
use crate::http::{get_json, post_keyed, wait_for};
use crate::system::{Manifest, System};

/// How many people order at a time.
const CUSTOMERS: usize = 4;
/// How long any answer may be missing, with all repetitions: less than an instance needs to be back.
const ANSWERED_WITHIN: Duration = Duration::from_secs(20);
/// How long everything may take to come to rest. An order that nobody pays for is given up after a while.
const REST_WITHIN: Duration = Duration::from_secs(240);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instances_are_killed_one_after_the_other_and_no_order_is_lost_or_doubled() -> anyhow::Result<()> {
    if is_left_out("postgres") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    // Two more instances have connections of their own.
    let server = tokio::task::spawn_blocking(|| Postgres::start("max_connections = 200")).await?;
    let here = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    let manifest = Manifest::of_this_build()?;
    let manifest = manifest.with_profile("postgres", "postgres://postgres@127.0.0.1:5432/postgres", &here)?;
    let system = System::start_as(manifest.scaled(&[("catalog", 2), ("ordering", 2)])).await?;
    system.wait_until_seeded().await?;

    let products = products(&system.url).await?;
    let done = AtomicBool::new(false);
    let repeated = AtomicU64::new(0);
    let shopping = futures_util::future::try_join_all(
        (0..CUSTOMERS).map(|customer| order_until(&system.url, customer, &products, &done, &repeated)),
    );
    let killing = async {
        let killed = kill_one_after_the_other(&system, &products[0]).await;
        done.store(true, Ordering::SeqCst);
        killed
    };
    let (placed, ()) = tokio::try_join!(shopping, killing)?;
    let count: usize = placed.iter().map(|(_, orders)| orders.len()).sum();
    eprintln!("{count} orders, {} requests repeated by those who sent them", repeated.load(Ordering::SeqCst));
    ensure!(count > CUSTOMERS * 4, "hardly anything was ordered");
    for (customer, orders) in &placed {
        check_history(&system.url, customer, orders).await?;
    }
    check_followers(&system).await?;
    eprintln!("{} connections to the database", server.query("SELECT count(*) FROM pg_stat_activity"));
    system.stop().await
}

/// Some that are on sale.
async fn products(gateway: &str) -> anyhow::Result<Vec<String>> {
    let page = get_json(&format!("{gateway}/api/catalog/products?q=milk&limit=5")).await?;
    let items = page["items"].as_array().into_iter().flatten();
    let ids: Vec<String> = items.filter_map(|item| item["id"].as_str()).map(str::to_owned).collect();
    ensure!(ids.len() > 1, "nothing to buy: {page}");
    Ok(ids)
}

/// Kills each instance as often as `TRADEWIND_KILLS` says, three times if it does not, and waits for it before the next.
/// While it is away a price changes, of which ordering hears from the instance of the catalog that is left.
async fn kill_one_after_the_other(system: &System, product: &str) -> anyhow::Result<()> {
    let rounds = std::env::var("TRADEWIND_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(3);
    for round in 0..rounds {
        for (place, (service, number)) in
            [("ordering", 1), ("catalog", 1), ("ordering", 2), ("catalog", 2)].into_iter().enumerate()
        {
            sleep(Duration::from_millis(700)).await;
            eprintln!("killing {service}.{number}");
            system.kill_instance(service, number).await?;
            let price = 100 + round * 10 + place as u64;
            let changed = Instant::now();
            let path = format!("/api/catalog/products/{product}/price");
            let key = format!("price {round} {place}");
            ask_until_answered(&system.url, &path, &key, &json!({ "price_cents": price }), &AtomicU64::new(0)).await?;
            let known = format!("{}/api/ordering/products/{product}", system.url);
            wait_for(&known, ANSWERED_WITHIN, |known| known["price_cents"] == price).await?;
            eprintln!("ordering knows the new price after {:?}", changed.elapsed());
            system.wait_for_instance(service, number).await?;
        }
    }
    Ok(())
}

/// Orders one thing after the other, each under a key of its own, and tells which.
async fn order_until(
    gateway: &str,
    customer: usize,
    products: &[String],
    done: &AtomicBool,
    repeated: &AtomicU64,
) -> anyhow::Result<(String, BTreeSet<String>)> {
    let name = format!("{}{customer}", 88_000 + std::process::id() % 1_000);
    let mut orders = BTreeSet::new();
    while !done.load(Ordering::SeqCst) {
        let order = EventId::derived(&name, orders.len()).to_string();
        let product = &products[orders.len() % products.len()];
        let body =
            json!({ "order_id": order, "customer_id": name, "lines": [{ "product_id": product, "quantity": 1 }] });
        ask_until_answered(gateway, "/api/ordering/orders", &order, &body, repeated).await?;
        orders.insert(order);
        sleep(Duration::from_millis(100)).await;
    }
    Ok((name, orders))
}

/// Gives a command, again under the same key when it is not known what came of it, and expects it to be taken.
async fn ask_until_answered(
    gateway: &str,
    path: &str,
    key: &str,
    body: &Value,
    repeated: &AtomicU64,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    loop {
        let answer = post_keyed(&format!("{gateway}{path}"), key, body).await;
        match answer {
            Ok((status, _)) if status.is_success() => return Ok(()),
            Ok((status, text)) if status.is_client_error() => anyhow::bail!("{path} was refused: {status} {text}"),
            last => {
                ensure!(begun.elapsed() < ANSWERED_WITHIN, "{path} was never answered; at last: {last:?}");
                repeated.fetch_add(1, Ordering::SeqCst);
                sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

/// Everything that was ordered is there, once, and nothing else, and all of it has come to its end.
async fn check_history(gateway: &str, customer: &str, placed: &BTreeSet<String>) -> anyhow::Result<()> {
    let end = Instant::now() + REST_WITHIN;
    loop {
        let listed = history(gateway, customer).await?;
        let open =
            |status: &String| !["delivered", "payment-failed", "cancelled", "rejected"].contains(&status.as_str());
        let is_there = listed.iter().map(|(id, _)| id).collect::<BTreeSet<_>>() == placed.iter().collect();
        if is_there && listed.len() == placed.len() && !listed.iter().any(|(_, status)| open(status)) {
            let mut endings = BTreeMap::<&str, usize>::new();
            listed.iter().for_each(|(_, status)| *endings.entry(status).or_default() += 1);
            eprintln!("{customer}: {endings:?}");
            ensure!(endings.contains_key("delivered"), "nothing was ever delivered");
            return Ok(());
        }
        ensure!(Instant::now() < end, "{customer} placed {placed:?}; the history lists {listed:?}");
        sleep(Duration::from_millis(500)).await;
    }
}

/// A customer's orders and their statuses, page by page.
async fn history(gateway: &str, customer: &str) -> anyhow::Result<Vec<(String, String)>> {
    let (mut orders, mut after) = (Vec::new(), String::new());
    loop {
        let page =
            get_json(&format!("{gateway}/api/ordering/customers/{customer}/orders?limit=200&after={after}")).await?;
        for item in page["items"].as_array().into_iter().flatten() {
            let text = |key: &str| item[key].as_str().unwrap_or_default().to_owned();
            orders.push((text("id"), text("status")));
        }
        let Some(next) = page["next"].as_str() else { return Ok(orders) };
        next.clone_into(&mut after);
    }
}

/// Everything is done by one instance each, has been handed over, and has come to the end.
async fn check_followers(system: &System) -> anyhow::Result<()> {
    for service in ["catalog", "ordering"] {
        let end = Instant::now() + REST_WITHIN;
        while let Err(problem) = all_followed(system, service).await {
            ensure!(Instant::now() < end, "{service}: {problem:#}");
            sleep(Duration::from_millis(200)).await;
        }
    }
    Ok(())
}

async fn all_followed(system: &System, service: &str) -> anyhow::Result<()> {
    let mut holders = BTreeMap::<String, Vec<u16>>::new();
    for number in [1, 2] {
        let url = system.url_of(service, number).await.context("it is away")?;
        let told = get_json(&format!("{url}/admin/projections")).await?;
        for follower in told["items"].as_array().into_iter().flatten().filter(|it| it["lease"].is_object()) {
            let name = follower["name"].as_str().unwrap_or_default();
            let does = holders.entry(name.to_owned()).or_default();
            if follower["state"] == "standby" {
                continue;
            }
            does.push(number);
            ensure!(follower["state"] == "live" && follower["lag_events"] == 0, "{follower}");
            ensure!(follower["aside"]["parked"]["keys"] == 0, "{follower}");
            // Both instances were killed, so whoever does it has taken it over, more than once.
            ensure!(follower["lease"]["epoch"].as_u64().is_some_and(|epoch| epoch > 2), "{follower}");
        }
    }
    ensure!(!holders.is_empty(), "nothing is shared");
    let wrong = holders.iter().find(|(_, instances)| instances.len() != 1);
    ensure!(wrong.is_none(), "{wrong:?}");
    eprintln!("{service}: {holders:?}");
    Ok(())
}
