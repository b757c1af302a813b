//! Filling the shop with its history.

use std::path::Path;

use clap::Parser;
use serde_json::Value;
use shop::seed::{Report, SeedError};

use crate::client::Shopper;
use crate::system::Shop;

#[derive(Debug, Parser)]
struct CommandLine {
    #[command(flatten)]
    options: shop::seed::Options,
}

/// The first baskets of the sample, with what is in them.
fn cut_sample(folder: &Path, baskets_max: usize) {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sample");
    let read = |name: &str| std::fs::read_to_string(sample.join(name)).unwrap();
    let first = |line: &str| line.split(',').next().unwrap().to_owned();
    let baskets: Vec<String> = read("baskets.csv").lines().take(baskets_max + 1).map(str::to_owned).collect();
    let kept: std::collections::HashSet<String> = baskets.iter().map(|line| first(line)).collect();
    let lines: Vec<String> =
        read("lines.csv").lines().filter(|line| kept.contains(&first(line))).map(str::to_owned).collect();
    let wanted: std::collections::HashSet<&str> = lines.iter().map(|line| line.split(',').nth(1).unwrap()).collect();
    let products: Vec<String> =
        read("products.csv").lines().filter(|line| wanted.contains(&*first(line))).map(str::to_owned).collect();
    for (name, rows) in [("baskets.csv", baskets), ("lines.csv", lines), ("products.csv", products)] {
        std::fs::write(folder.join(name), rows.join("\n")).unwrap();
    }
}

async fn seed(shop: &Shop, sample: &Path) -> Result<Report, SeedError> {
    let line = ["seed", "--json", "--gateway", &shop.url, "--sample", &sample.display().to_string()].map(str::to_owned);
    shop::seed::fill(&CommandLine::try_parse_from(line).unwrap().options).await
}

/// Orders and cents of all days.
async fn sold(shopper: &Shopper) -> (u64, u64) {
    let sales = shopper.get("/api/ordering/sales?by=day").await.ok();
    let sum =
        |name: &str| sales["items"].as_array().unwrap().iter().map(|day: &Value| day[name].as_u64().unwrap()).sum();
    (sum("orders"), sum("sales_cents"))
}

#[tokio::test]
async fn every_line_becomes_an_order_line_or_has_a_reason_and_doing_it_again_adds_nothing() {
    let shop = Shop::open_whole("--pace ordinary", "--allow-backdating").await;
    let sample = tempfile::tempdir().unwrap();
    cut_sample(sample.path(), 60);
    let first = seed(&shop, sample.path()).await.unwrap();
    assert_eq!(first.lines.ordered + first.lines.not_ordered.values().sum::<u64>(), first.lines.total);
    assert_eq!(first.baskets.added + first.baskets.left_out.values().sum::<u64>(), 60);
    assert!(first.baskets.added > 50 && first.products.added > 100, "{first:?}");
    assert!(first.customers.added == first.customers.total && first.customers.total > 10, "{first:?}");
    assert!(first.moves.added == first.moves.total && first.moves.total > 0, "{first:?}");

    let again = seed(&shop, sample.path()).await.unwrap();
    assert_eq!((again.products.added, again.products.already_there), (0, first.products.added));
    assert_eq!((again.baskets.added, again.baskets.already_there), (0, first.baskets.added));
    assert_eq!((again.customers.added, again.customers.already_there), (0, first.customers.added));
    assert_eq!((again.moves.added, again.moves.already_there), (0, first.moves.added));
    assert_eq!(again.lines, first.lines);

    // Everything is sold on its own day, and each once, as soon as the fulfilment has come so far.
    let started = std::time::Instant::now();
    while sold(&shop.shopper).await.0 < first.baskets.added {
        assert!(started.elapsed() < crate::client::PATIENCE, "{:?}", sold(&shop.shopper).await);
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    assert_eq!(sold(&shop.shopper).await.0, first.baskets.added);
    let sales = shop.shopper.get("/api/ordering/sales?by=day&from=2017-01-01&to=2017-12-31").await.ok();
    let days = sales["items"].as_array().unwrap();
    assert!(days.len() > 5 && days.iter().all(|day| day["key"].as_str().unwrap().starts_with("2017-01-")), "{days:?}");
}

#[tokio::test]
async fn seeding_that_was_interrupted_goes_on() {
    let shop = Shop::open_whole("--pace ordinary", "--allow-backdating").await;
    let (part, whole) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    cut_sample(part.path(), 20);
    cut_sample(whole.path(), 40);
    let begun = seed(&shop, part.path()).await.unwrap();
    let ended = seed(&shop, whole.path()).await.unwrap();
    assert_eq!(ended.baskets.already_there, begun.baskets.added);
    assert_eq!(ended.baskets.added + ended.baskets.already_there + ended.baskets.left_out.values().sum::<u64>(), 40);
}

#[tokio::test]
async fn a_sample_whose_prices_were_corrected_is_refused_and_the_report_says_so() {
    let shop = Shop::open_whole("--pace ordinary", "--allow-backdating").await;
    let sample = tempfile::tempdir().unwrap();
    cut_sample(sample.path(), 5);
    seed(&shop, sample.path()).await.unwrap();
    // Every price a cent higher, under the keys of before.
    let path = sample.path().join("products.csv");
    let products = std::fs::read_to_string(&path).unwrap();
    let (heading, rows) = products.split_once('\n').unwrap();
    assert!(heading.ends_with(",price_cents"), "{heading}");
    let raised = rows.lines().map(|row| {
        let (rest, cents) = row.rsplit_once(',').unwrap();
        cents.parse::<u64>().map_or(row.to_owned(), |cents| format!("{rest},{}", cents + 1))
    });
    let raised: Vec<String> = raised.collect();
    std::fs::write(&path, format!("{heading}\n{}", raised.join("\n"))).unwrap();

    let again = seed(&shop, sample.path()).await.unwrap();
    assert!(again.products.refused > 0 && again.products.added == 0, "{again:?}");
    let told = again.to_string();
    assert!(told.contains(&format!("the shop refused {}", again.products.refused)), "{told}");
}

#[tokio::test]
async fn a_shop_that_takes_no_past_says_so_at_once() {
    let shop = Shop::open("").await;
    let sample = tempfile::tempdir().unwrap();
    cut_sample(sample.path(), 5);
    let refused = seed(&shop, sample.path()).await.unwrap_err();
    assert!(matches!(refused, SeedError::NoBackdating(_)), "{refused}");
    assert!(refused.to_string().contains("--allow-backdating"));
}
