//! How soon somebody who presses "Place order" sees the order among their own. Measured, never judged: a slow machine is
//! no bug.

use anyhow::{Context, ensure};

use crate::axe::HOUSEHOLD;
use crate::browser::Browser;

/// How many orders are placed and not counted, while page and services warm up.
const WARM_UP: usize = 10;
const ROUNDS: usize = 100;

/// Puts something into the cart, by the page's own modules, and goes to the checkout.
const PREPARE: &str = "(async () => {
    const [{ cart }, { rememberCustomer }, { go }] = await Promise.all(
        ['cart', 'customer', 'router'].map((name) => import(`/assets/js/${name}.js`)));
    window.found ??= (await (await fetch('/api/catalog/products?q=milk&limit=1')).json()).items[0];
    rememberCustomer('HOUSEHOLD');
    cart.add(window.found, 1);
    go('/checkout');
    return true;
})()";

/// From the click on: as soon as the order's own page is there, on to "My orders", as a person may who is quick; there,
/// until the order's line is in the page, and until the screen shows it.
const WATCH: &str = "(() => {
    window.seen = new Promise((resolve) => {
        const times = {};
        document.addEventListener('click', (event) => { times.clicked = event.timeStamp; }, { capture: true, once: true });
        let order;
        const watcher = new MutationObserver(() => {
            const page = location.pathname.match(/^\\/orders\\/(.+)$/);
            if (page && !order && document.querySelector('.page-order')) {
                order = page[1];
                times.placed = performance.now();
                document.querySelector('.tab[data-route=orders]').click();
            } else if (order && document.querySelector(`[data-order='${order}']`)) {
                watcher.disconnect();
                times.listed = performance.now();
                // A task behind a frame's own callbacks runs when that frame has been drawn.
                requestAnimationFrame(() => {
                    const drawn = new MessageChannel();
                    drawn.port1.onmessage = () => { times.drawn = performance.now(); resolve(times); };
                    drawn.port2.postMessage(null);
                });
            }
        });
        watcher.observe(document.getElementById('main'), { childList: true, subtree: true });
    });
    return true;
})()";

/// Milliseconds from the click to each of these moments.
struct Round {
    placed_ms: f64,
    listed_ms: f64,
    drawn_ms: f64,
}

/// Places orders one after the other and prints what was measured.
pub(crate) async fn measure(browser: &Browser) -> anyhow::Result<()> {
    browser.visit("/", ".department").await?;
    let mut rounds = Vec::with_capacity(ROUNDS);
    for round in 0..WARM_UP + ROUNDS {
        let measured = one(browser).await.with_context(|| format!("round {round}"))?;
        if round >= WARM_UP {
            rounds.push(measured);
        }
    }
    println!(
        "from the click on \"Place order\", {ROUNDS} orders of one customer, one after the other, in milliseconds:"
    );
    print("the order is acknowledged, its page is there", rounds.iter().map(|round| round.placed_ms));
    print("its line is in \"My orders\"", rounds.iter().map(|round| round.listed_ms));
    print("the screen shows it", rounds.iter().map(|round| round.drawn_ms));
    Ok(())
}

async fn one(browser: &Browser) -> anyhow::Result<Round> {
    browser.evaluate(&PREPARE.replace("HOUSEHOLD", HOUSEHOLD)).await?;
    browser.see("[data-testid=ship-to]").await?;
    browser.settle().await?;
    browser.evaluate(WATCH).await?;
    // By the browser's own mouse, so that what it takes to hear of a click is counted.
    browser.click("[data-testid=place-order]").await?;
    let times = browser.evaluate("window.seen").await?;
    let since = |name: &str| -> anyhow::Result<f64> {
        let at = |name: &str| times[name].as_f64().with_context(|| format!("no time at which it was {name}: {times}"));
        Ok(at(name)? - at("clicked")?)
    };
    let round = Round { placed_ms: since("placed")?, listed_ms: since("listed")?, drawn_ms: since("drawn")? };
    ensure!(browser.evaluate("location.pathname").await? == "/orders", "the list of orders is open");
    Ok(round)
}

fn print(what: &str, figures: impl Iterator<Item = f64>) {
    let mut sorted: Vec<f64> = figures.collect();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted[(sorted.len() * percent).div_ceil(100).saturating_sub(1)];
    println!("  {what}: median {:.1}, p90 {:.1}, p99 {:.1}, most {:.1}", at(50), at(90), at(99), at(100));
}
