//! Shopping while processes are killed. Each is killed at a random moment of the journey with SIGKILL, which gives it
//! no chance to save anything; the last one is `tradewind up` itself, started again by hand.

use std::time::{Duration, Instant};

use anyhow::ensure;
use tokio::time::sleep;

use crate::browser::Browser;
use crate::http::wait_for;
use crate::journey::{Ending, check_delivered, fill_cart, in_cart, order_on_page, search, watch_until_the_end};
use crate::system::System;

/// Who is killed during which order. Each order is a journey of its own.
const VICTIMS: [&[Victim]; 3] = [
    &[Victim::Service("catalog"), Victim::Service("ordering")],
    &[Victim::Service("storefront"), Victim::Service("ordering")],
    &[Victim::Up],
];

#[derive(Debug, Clone, Copy)]
enum Victim {
    Service(&'static str),
    Up,
}

pub(crate) async fn shop_while_killing(system: &System, browser: &Browser) -> anyhow::Result<()> {
    let mut dice = Dice::new();
    eprintln!("moments chosen by TRADEWIND_TEST_SEED={}", dice.0);
    let customer = format!("77{:06}", dice.next() % 1_000_000);
    // The first journey is undisturbed: it shows how long one takes.
    let begun = Instant::now();
    let mut orders = vec![shop_once(browser, &customer).await?];
    let usual = begun.elapsed();
    for victims in VICTIMS {
        let moments: Vec<Duration> = victims.iter().map(|_| usual.mul_f64(dice.fraction())).collect();
        let killer = async {
            let begun = Instant::now();
            let mut plan: Vec<_> = victims.iter().zip(moments).collect();
            plan.sort_by_key(|(_, moment)| *moment);
            for (victim, moment) in plan {
                sleep(moment.saturating_sub(begun.elapsed())).await;
                eprintln!("killing {victim:?} {:?} into the journey", begun.elapsed());
                match victim {
                    Victim::Service(name) => system.kill(name).await?,
                    Victim::Up => system.kill_up_and_start_again().await?,
                }
            }
            anyhow::Ok(())
        };
        let ((), order) = tokio::try_join!(killer, shop_once(browser, &customer))?;
        orders.push(order);
    }
    let mut delivered = 0;
    for (order, ending) in &orders {
        if matches!(ending, Ending::Delivered { .. }) {
            delivered += 1;
            check_delivered(&system.url, order).await?;
        }
    }
    ensure!(delivered > 0, "at least one payment in four is accepted");
    check_history(system, &customer, &orders).await?;
    browser.visit(&format!("/orders?customer={customer}"), ".order-row").await?;
    ensure!(browser.count(".pill[data-status=delivered]").await == delivered, "the page shows each order as it ended");
    browser.screenshot("k-after-the-kills").await
}

/// Nothing lost and nothing twice.
async fn check_history(system: &System, customer: &str, orders: &[(String, Ending)]) -> anyhow::Result<()> {
    let url = format!("{}/api/ordering/customers/{customer}/orders?limit=50", system.url);
    let expected = orders.len();
    let all = move |page: &serde_json::Value| page["items"].as_array().is_some_and(|items| items.len() >= expected);
    let page = wait_for(&url, Duration::from_secs(60), all).await?;
    let mut listed: Vec<_> =
        page["items"].as_array().into_iter().flatten().filter_map(|item| item["id"].as_str()).collect();
    let mut placed: Vec<_> = orders.iter().map(|(id, _)| id.as_str()).collect();
    listed.sort_unstable();
    placed.sort_unstable();
    ensure!(listed == placed, "placed {placed:?}, but the history lists {listed:?}");
    Ok(())
}

/// One journey, by the page's own means only: what a person would do when something does not answer.
async fn shop_once(browser: &Browser, customer: &str) -> anyhow::Result<(String, Ending)> {
    search(browser, "milk").await?;
    fill_cart(browser).await?;
    browser.visit("/checkout", "#customer").await?;
    let field = browser.see("#customer").await?;
    field.clear().await?;
    field.send_keys(customer).await?;
    browser.click("[data-testid=place-order]").await?;
    browser.see(".stages").await?;
    ensure!(in_cart(browser).await == 0, "what was ordered has left the cart");
    let order = order_on_page(browser).await?;
    let ending = watch_until_the_end(browser, Duration::from_secs(180)).await?;
    Ok((order, ending))
}

/// Random moments that can be had again by their seed.
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        let given = std::env::var("TRADEWIND_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
        Self(given.unwrap_or_else(|| u64::from(std::process::id()) * 7919))
    }

    /// SplitMix64 (Steele, Lea and Flood 2014).
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn fraction(&mut self) -> f64 {
        (self.next() % 1000) as f64 / 1000.0
    }
}
