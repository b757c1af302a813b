//! A person shops in a browser: headless Chromium, driven over the WebDriver protocol, against `tradewind up` as a
//! newcomer starts it. Screenshots are kept in `target/screenshots/`, to be looked at.
//!
//! `TRADEWIND_TEST_SKIP=chromium` leaves these tests out where no browser can be had, `TRADEWIND_TEST_SKIP=axe` only the
//! one that fetches a checker from npm.

mod axe;
mod browser;
mod client;
mod corners;
mod http;
mod journey;
mod killing;
mod own_order;
mod paper;
mod past;
mod profiles;
mod reviews;
mod scaled;
mod similar;
mod system;

use std::time::Duration;

use anyhow::Context;

use axe::Axe;
use browser::{Browser, Screen};
use system::System;

/// One system and one browser are enough for a small machine.
static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Tests skipped by the person who runs them say so.
fn skipped(what: &str) -> bool {
    let skips = std::env::var("TRADEWIND_TEST_SKIP").unwrap_or_default();
    let skipped = skips.split(',').any(|skip| skip.trim() == what);
    if skipped {
        eprintln!("skipped: TRADEWIND_TEST_SKIP names {what}");
    }
    skipped
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_searches_orders_and_watches_the_order_live_until_it_is_delivered() -> anyhow::Result<()> {
    if skipped("chromium") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let system = System::start().await?;
    for screen in [Screen::DESKTOP, Screen::PHONE] {
        let browser = Browser::open(&system.url, screen).await?;
        let walked = tokio::time::timeout(Duration::from_secs(240), journey::walk(&browser)).await;
        let walked = walked.context("the journey took too long").flatten();
        browser.close(walked).await?;
    }
    system.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_changes_behind_a_persons_back_is_shown_and_nothing_is_ordered_unseen() -> anyhow::Result<()> {
    if skipped("chromium") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let system = System::start().await?;
    let browser = Browser::open(&system.url, Screen::PHONE).await?;
    let corners = async {
        corners::search_and_go_back(&browser).await?;
        corners::skip_to_the_content(&browser).await?;
        corners::look_for_an_order_that_does_not_exist(&browser).await?;
        corners::order_at_a_price_that_changes(&browser).await?;
        corners::order_beside_what_is_no_longer_sold(&browser).await?;
        corners::leave_while_the_order_is_under_way(&browser).await?;
        corners::a_service_that_does_not_answer_leaves_the_rest(&browser).await?;
        system.wait_until_seeded().await?;
        corners::come_back_to_what_the_gateway_has_stored(&browser).await?;
        similar::without_its_service(&system, &browser).await
    };
    let seen = tokio::time::timeout(Duration::from_secs(300), corners).await;
    browser.close(seen.context("it took too long").flatten()).await?;
    system.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_as_of_another_day_is_another_shop_in_which_nothing_can_be_bought() -> anyhow::Result<()> {
    if skipped("chromium") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let system = System::start().await?;
    system.wait_until_seeded().await?;
    for screen in [Screen::DESKTOP, Screen::PHONE] {
        let browser = Browser::open(&system.url, screen).await?;
        let travelled = tokio::time::timeout(Duration::from_secs(300), past::travel(&browser)).await;
        browser.close(travelled.context("it took too long").flatten()).await?;
    }
    system.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_page_keeps_anybody_out_by_day_or_by_night() -> anyhow::Result<()> {
    if skipped("chromium") || skipped("axe") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let axe = Axe::fetch().await?;
    let system = System::start().await?;
    system.wait_until_seeded().await?;
    for screen in [Screen::DESKTOP, Screen::PHONE] {
        let browser = Browser::open(&system.url, screen).await?;
        let checked = tokio::time::timeout(Duration::from_secs(300), axe.check_every_page(&browser)).await;
        browser.close(checked.context("it took too long").flatten()).await?;
    }
    system.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killing_any_process_at_any_moment_loses_nothing_and_the_order_goes_on() -> anyhow::Result<()> {
    if skipped("chromium") {
        return Ok(());
    }
    let _alone = ONE_AT_A_TIME.lock().await;
    let system = System::start().await?;
    let browser = Browser::open(&system.url, Screen::DESKTOP).await?;
    let survived = tokio::time::timeout(Duration::from_secs(600), killing::shop_while_killing(&system, &browser)).await;
    let survived = survived.context("the shop did not recover in time").flatten();
    browser.close(survived).await?;
    system.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement: in release, on a machine that does nothing else"]
async fn how_soon_an_order_is_among_ones_own() -> anyhow::Result<()> {
    let _alone = ONE_AT_A_TIME.lock().await;
    let system = System::start().await?;
    system.wait_until_seeded().await?;
    let browser = Browser::open(&system.url, Screen::DESKTOP).await?;
    let measured = tokio::time::timeout(Duration::from_secs(600), own_order::measure(&browser)).await;
    browser.close(measured.context("it took too long").flatten()).await?;
    system.stop().await
}
