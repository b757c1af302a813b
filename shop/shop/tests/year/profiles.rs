//! The whole year through the gateway of `tradewind up`, over each of the manifest's profiles, with real servers: nothing
//! but a URL differs, and at the end every context has what the files say, and all the others what it told them.
//!
//! ```sh
//! TRADEWIND_YEAR=FOLDER cargo test --release -p shop --features import,kafka --test year -- --ignored --test-threads=1
//! ```

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use serde_json::Value;
use tokio::process::Command;
use tradewind_testkit::servers::{Kafka, Nats, Postgres, RabbitMq, is_left_out};

use crate::http::get_json;
use crate::system::{Manifest, System, target};
use crate::{Asked, check_lines, check_orders, expected, totals_of};

/// The contexts that follow something.
const CONTEXTS: [&str; 6] = ["catalog", "customers", "ordering", "inventory", "invoicing", "recommendations"];
/// How often it is looked at how far everything has come.
const LOOK_EVERY: Duration = Duration::from_secs(2);
/// How many looks in a row must show that all is done and nothing moves any more.
const LOOKS_AT_REST: u32 = 3;
/// How long nothing may move before it is told that it never will.
const STANDSTILL_MAX: Duration = Duration::from_secs(180);
/// How many positions one question about what was told covers, so that it is answered in time.
const DIGEST_POSITIONS: u64 = 50_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes the Parquet files of the year and minutes"]
async fn the_year_over_feeds() -> anyhow::Result<()> {
    bring_in("feeds", None).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes the Parquet files of the year and minutes"]
async fn the_year_over_nats() -> anyhow::Result<()> {
    if is_left_out("nats") {
        return Ok(());
    }
    let server = Nats::start();
    bring_in("nats", Some(("nats://127.0.0.1:4222", &server.url()))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes the Parquet files of the year and minutes"]
async fn the_year_over_rabbitmq() -> anyhow::Result<()> {
    if is_left_out("rabbitmq") {
        return Ok(());
    }
    let server = tokio::task::spawn_blocking(RabbitMq::start).await?;
    bring_in("rabbitmq", Some(("amqp://guest:guest@127.0.0.1:5672/%2f", &server.url()))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes the Parquet files of the year and minutes"]
async fn the_year_over_kafka() -> anyhow::Result<()> {
    // Programs that were built elsewhere have it if they were meant to.
    let has_client = cfg!(feature = "kafka") || std::env::var_os("TRADEWIND_TEST_PROGRAMS").is_some();
    if !has_client || is_left_out("kafka") {
        return Ok(());
    }
    let server = tokio::task::spawn_blocking(Kafka::start).await?;
    bring_in("kafka", Some(("kafka://127.0.0.1:9092", &server.url()))).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "it takes the Parquet files of the year and minutes"]
async fn the_year_on_postgresql() -> anyhow::Result<()> {
    if is_left_out("postgres") {
        return Ok(());
    }
    let server = tokio::task::spawn_blocking(|| Postgres::start("max_connections = 100")).await?;
    let here = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    bring_in("postgres", Some(("postgres://postgres@127.0.0.1:5432/postgres", &here))).await
}

async fn bring_in(profile: &'static str, server: Option<(&str, &str)>) -> anyhow::Result<()> {
    let folder = std::env::var("TRADEWIND_YEAR").context("TRADEWIND_YEAR names the folder with the year's files")?;
    let mut manifest = Manifest::of_this_build()?;
    // The year is all that there is to be.
    manifest.text.truncate(manifest.text.find("[seed]").context("the manifest's last table is [seed]")?);
    let system = System::start_empty(match server {
        Some((usual, here)) => manifest.with_profile(profile, usual, here)?,
        None => manifest,
    });
    let system = system.await?;
    let begun = Instant::now();
    let (report, most) = import(&system, Path::new(&folder)).await?;
    let placed = begun.elapsed();
    at_rest(&system).await.with_context(|| format!("{profile} after {placed:?}"))?;
    let settled = begun.elapsed() - placed;
    let checking = Instant::now();
    check(&system, &report).await?;
    eprintln!(
        "{profile}: {:.1} min to bring in, all done {:.0} s later, at most {} events behind ({}); checked in {:.0} s",
        placed.as_secs_f64() / 60.0,
        settled.as_secs_f64(),
        most.1,
        most.0,
        checking.elapsed().as_secs_f64(),
    );
    system.stop().await
}

/// Brings the year in, and looks meanwhile who is furthest behind.
async fn import(system: &System, folder: &Path) -> anyhow::Result<(Value, (String, u64))> {
    let mut command = Command::new(target().join("shop"));
    command.arg("import").arg(folder).args(["--json", "--gateway", &system.url]);
    let running = command.stdin(Stdio::null()).stdout(Stdio::piped()).kill_on_drop(true).spawn()?;
    let ended = running.wait_with_output();
    tokio::pin!(ended);
    let mut most = (String::new(), 0);
    loop {
        tokio::select! {
            ended = &mut ended => {
                let ended = ended?;
                ensure!(ended.status.success(), "the import ended with {}", ended.status);
                return Ok((serde_json::from_slice(&ended.stdout)?, most));
            }
            () = tokio::time::sleep(LOOK_EVERY) => {
                // On a busy machine one may not answer in time; the next look will show it.
                let followers = followers(system).await.unwrap_or_default();
                if let Some(furthest) = followers.into_iter().max_by_key(|follower| follower.lag)
                    && furthest.lag > most.1
                {
                    most = (furthest.name, furthest.lag);
                }
            }
        }
    }
}

/// What follows something.
#[derive(Debug, PartialEq, Eq)]
struct Follower {
    name: String,
    position: u64,
    lag: u64,
    is_live: bool,
    aside: u64,
    parked: u64,
}

async fn followers(system: &System) -> anyhow::Result<Vec<Follower>> {
    let mut followers = Vec::new();
    for context in CONTEXTS {
        let (_, url) = system.wait_for_instance(context, 1).await?;
        let told = get_json(&format!("{url}/admin/projections")).await?;
        for item in told["items"].as_array().context("a list")? {
            let number = |value: &Value| value.as_u64().with_context(|| format!("no number in {item}"));
            let aside = |state: &str| number(&item["aside"][state]["keys"]);
            ensure!(item["state"] != "stopped", "{context}: {item}");
            followers.push(Follower {
                name: format!("{context}/{}", item["name"].as_str().unwrap_or_default()),
                position: number(&item["position"])?,
                lag: number(&item["lag_events"])?,
                is_live: item["state"] == "live",
                aside: aside("waiting")? + aside("delayed")?,
                parked: aside("parked")?,
            });
        }
    }
    Ok(followers)
}

/// Waits until everything that follows has happened: nobody is behind, nothing is set aside, and nothing moves any more.
async fn at_rest(system: &System) -> anyhow::Result<()> {
    let (mut last, mut moved, mut quiet) = (Vec::new(), Instant::now(), 0);
    while quiet < LOOKS_AT_REST {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = match followers(system).await {
            Ok(now) => now,
            Err(error) if moved.elapsed() < STANDSTILL_MAX => {
                eprintln!("{error:#}");
                continue;
            }
            Err(error) => return Err(error.context("nothing is told any more")),
        };
        ensure!(now.iter().all(|follower| follower.parked == 0), "something is parked: {now:?}");
        let is_done = now.iter().all(|follower| follower.is_live && follower.lag == 0 && follower.aside == 0);
        if now != last {
            (last, moved, quiet) = (now, Instant::now(), 0);
        } else if is_done {
            quiet += 1;
        }
        ensure!(moved.elapsed() < STANDSTILL_MAX, "nothing moves: {last:?}");
    }
    Ok(())
}

async fn check(system: &System, report: &Value) -> anyhow::Result<()> {
    let expected = expected();
    check_lines(report, &expected);
    let asked = Asked::at(system.url.clone());
    check_orders(&asked, &expected).await;

    // Each household has an invoice for each of its orders, of the same cents.
    for (household, [orders, _, cents]) in totals_of(&expected, "by_household") {
        let invoiced = asked.invoices(&household).await;
        ensure!(invoiced == (orders, cents), "household {household}: invoices {invoiced:?}, orders {orders}, {cents}");
    }
    let awaited = asked.get("/api/invoicing/awaited").await;
    ensure!(awaited["total"] == 0, "{awaited}");

    // What each has told is what the files say, and what others made of it was counted above.
    let added = |part: &str| {
        let number = |key: &str| report[part][key].as_u64().unwrap_or_default();
        number("added") + number("already_there")
    };
    let orders = expected["baskets"]["ordered"].as_u64().context("a number")?;
    for (context, event_type, count) in [
        ("catalog", "ProductListed", added("products")),
        ("customers", "CustomerRegistered", added("customers")),
        ("ordering", "OrderPlaced", orders),
        ("ordering", "OrderDelivered", orders),
        ("ordering", "OrderCalledOff", 0),
        ("invoicing", "InvoiceIssued", orders),
        ("invoicing", "CreditNoteIssued", 0),
    ] {
        let told = told(system, context, event_type).await?;
        ensure!(told == count, "{context} has told {told} times {event_type}, not {count} times");
    }

    // Each product has a stock, of which nothing was taken: the past had its goods in the past.
    for row in expected["best_products"].as_array().into_iter().flatten() {
        let product = row[0].as_str().context("a product")?;
        let level = asked.get(&format!("/api/inventory/products/{product}")).await;
        ensure!(level["available"] == 1_000, "product {product}: {level}");
        let similar = asked.get(&format!("/api/recommendations/products/{product}/similar")).await;
        ensure!(similar["items"].as_array().is_some_and(|items| !items.is_empty()), "{product} is like nothing");
    }
    Ok(())
}

/// How many events of a type a context's feed has.
async fn told(system: &System, context: &str, event_type: &str) -> anyhow::Result<u64> {
    let (_, url) = system.wait_for_instance(context, 1).await?;
    let head = get_json(&format!("{url}/feed/head")).await?["position"].as_u64().context("a position")?;
    let query = format!("%5B%7B%22types%22%3A%5B%22{event_type}%22%5D%7D%5D");
    let (mut after, mut count) = (0, 0);
    while after < head {
        let through = (after + DIGEST_POSITIONS).min(head);
        let path = format!("/feed/digest?after={after}&through={through}&query={query}");
        count += get_json(&format!("{url}{path}")).await?["count"].as_u64().context("a count")?;
        after = through;
    }
    Ok(count)
}
