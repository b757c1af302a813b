use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tradewind_gateway::{Gateway, Route, RouteTable, Upstream};

use super::*;
use crate::seed::sample::Sample;

/// The first baskets of the sample, with all products.
fn part(baskets: usize) -> Sample {
    let mut sample = Sample::embedded().unwrap();
    sample.baskets.truncate(baskets);
    let kept: std::collections::HashSet<String> = sample.baskets.iter().map(|b| b.basket_id.clone()).collect();
    sample.lines.retain(|line| kept.contains(&line.basket_id));
    let wanted: std::collections::HashSet<String> = sample.lines.iter().map(|l| l.product_id.clone()).collect();
    sample.products.retain(|product| wanted.contains(&product.product_id));
    sample
}

fn silently(gateway: &str) -> seed::Options {
    seed::Options { gateway: gateway.to_owned(), sample: None, concurrency: 16, json: true }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_in_in_one_process_is_delivered_and_is_there_already_when_it_comes_over_http() {
    let folder = tempfile::tempdir().unwrap();
    let shop = InProcess::open(folder.path()).await.unwrap();
    let first = seed::fill_with(&silently(""), &shop.client(), part(60)).await.unwrap();
    shop.settled().await.unwrap();
    assert_eq!(first.lines.ordered + first.lines.not_ordered.values().sum::<u64>(), first.lines.total);
    assert!(first.baskets.added > 50, "{first:?}");

    // Placed, planned and taken, and each order's five later stages: nothing else, and nothing twice.
    let store = shop.store("ordering").unwrap();
    assert_eq!(store.head().await.unwrap().0, first.baskets.added * 7);
    let delivered = tradewind_events::Query::category("order");
    let page = store.read(tradewind_events::Position::START, &delivered, 4_096).await.unwrap();
    let count = page.events.iter().filter(|event| event.event_type() == "OrderDelivered").count();
    assert_eq!(count as u64, first.baskets.added);

    let routes = ["catalog", "ordering"].map(|name| {
        Route::new(&format!("/api/{name}"), Upstream::new(name, [shop.handle(name).unwrap().address()])).unwrap()
    });
    let options = tradewind_gateway::Options::new("127.0.0.1:0".parse().unwrap());
    let gateway = Gateway::bind(options, RouteTable::new(routes.to_vec()).unwrap()).await.unwrap();
    let (url, stop) = (format!("http://{}", gateway.address()), CancellationToken::new());
    let _stop = stop.clone().drop_guard();
    tokio::spawn(gateway.run(stop));
    let again = seed::fill_with(&silently(&url), &ShopClient::new(&url).unwrap(), part(60)).await.unwrap();
    assert_eq!((again.baskets.added, again.baskets.already_there), (0, first.baskets.added));
    assert_eq!((again.products.added, again.products.already_there), (0, first.products.added));
    assert_eq!(again.lines, first.lines);
    shop.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_was_closed_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let shop = InProcess::open(folder.path()).await.unwrap();
    let begun = seed::fill_with(&silently(""), &shop.client(), part(20)).await.unwrap();
    // Not settled: what follows from the orders may be anywhere.
    shop.close().await.unwrap();
    let shop = InProcess::open(folder.path()).await.unwrap();
    let ended = seed::fill_with(&silently(""), &shop.client(), part(40)).await.unwrap();
    assert_eq!(ended.baskets.already_there, begun.baskets.added);
    let started = Instant::now();
    shop.settled().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(60));
    let orders = ended.baskets.added + ended.baskets.already_there;
    assert_eq!(shop.store("ordering").unwrap().head().await.unwrap().0, orders * 7);
    shop.close().await.unwrap();
}
