//! The same shop and the same journey over other engines: the manifest's profiles, with real servers.

use std::time::Duration;

use anyhow::Context;
#[cfg(feature = "kafka")]
use tradewind_testkit::servers::Kafka;
use tradewind_testkit::servers::{Nats, Postgres, RabbitMq, is_left_out};

use crate::browser::{Browser, Screen};
use crate::system::{Manifest, System};
use crate::{ONE_AT_A_TIME, journey, skipped};

/// From the first look to "my orders", with nothing changed but a URL.
async fn shop_with(profile: &'static str, usual: &str, here: &str) -> anyhow::Result<()> {
    let system = System::start_as(Manifest::of_this_build()?.with_profile(profile, usual, here)?).await?;
    let browser = Browser::open(&system.url, Screen::DESKTOP).await?;
    let walked = tokio::time::timeout(Duration::from_secs(300), journey::walk(&browser)).await;
    let walked = walked.context("the journey took too long").flatten();
    browser.close(walked).await?;
    system.wait_until_seeded().await?;
    system.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_over_nats() -> anyhow::Result<()> {
    if skipped("chromium") || is_left_out("nats") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = Nats::start();
    shop_with("nats", "nats://127.0.0.1:4222", &server.url()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_over_rabbitmq() -> anyhow::Result<()> {
    if skipped("chromium") || is_left_out("rabbitmq") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = tokio::task::spawn_blocking(RabbitMq::start).await?;
    shop_with("rabbitmq", "amqp://guest:guest@127.0.0.1:5672/%2f", &server.url()).await
}

#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_over_kafka() -> anyhow::Result<()> {
    if skipped("chromium") || is_left_out("kafka") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let server = tokio::task::spawn_blocking(Kafka::start).await?;
    shop_with("kafka", "kafka://127.0.0.1:9092", &server.url()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_on_postgresql() -> anyhow::Result<()> {
    if skipped("chromium") || is_left_out("postgres") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    // As many connections as a server has that nobody has configured.
    let server = tokio::task::spawn_blocking(|| Postgres::start("max_connections = 100")).await?;
    let here = format!("postgres://postgres@127.0.0.1:{}/postgres", server.port());
    shop_with("postgres", "postgres://postgres@127.0.0.1:5432/postgres", &here).await
}
