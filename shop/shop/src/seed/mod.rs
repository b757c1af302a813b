//! `shop seed`: fills a running shop with a sample of real baskets, as a client would: products are listed, households
//! registered as customers, and then orders placed at their own times, each under a key that follows from its basket. Doing it again, or going on
//! after it was interrupted, therefore adds only what is missing.

pub(crate) mod client;
mod customers;
mod in_order;
mod invented;
mod plan;
pub(crate) mod report;
pub(crate) mod sample;

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::time::Instant;

use tradewind_events::Timestamp;

pub use client::ClientError;
use client::{Answer, ShopClient};
use in_order::for_each_in_order;
pub use plan::Counts;
use plan::{OrderToPlace, Plan};
use report::Progress;
pub use report::{Lines, Part, Report};
use sample::Sample;
pub use sample::SampleError;

/// How to seed.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The address of the shop's gateway
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub gateway: String,
    /// A folder with a sample; the program carries one of some 2,000 baskets with it
    #[arg(long)]
    pub sample: Option<PathBuf>,
    /// How many requests are under way at a time
    #[arg(long, default_value_t = 32, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub concurrency: u16,
    /// Print nothing but the report, as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// Why the shop could not be filled. What was added stays; seeding again goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// The sample cannot be read.
    #[error(transparent)]
    Sample(#[from] SampleError),
    /// The shop does not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
    /// The shop does not let a client say when something happened.
    #[error(
        "the shop refuses commands with a time of their own ({0}): run catalog, customers and ordering with --allow-backdating"
    )]
    NoBackdating(String),
    /// The report cannot be written.
    #[error("failed to write the report: {0}")]
    Report(#[from] serde_json::Error),
    /// Nor can standard output.
    #[error("failed to write to standard output: {0}")]
    Output(#[from] io::Error),
}

/// When the sample's products were listed and its households registered: before its first basket.
const OPENING: &str = "2017-01-01T00:00:00Z";

/// Fills the shop, and prints what came of it.
///
/// # Errors
/// [`SeedError`] if the sample cannot be read or the shop does not answer.
pub async fn run(options: &Options) -> Result<(), SeedError> {
    let report = fill(options).await?;
    let text = if options.json { serde_json::to_string(&report)? } else { report.to_string() };
    print(&text)
}

/// Prints a report.
pub(crate) fn print(text: &str) -> Result<(), SeedError> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Nobody reads it any more, as behind `| head`: what was done is done.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => Ok(written?),
    }
}

/// Fills the shop.
///
/// # Errors
/// [`SeedError`] if the sample cannot be read or the shop does not answer.
pub async fn fill(options: &Options) -> Result<Report, SeedError> {
    let sample = match &options.sample {
        Some(folder) => Sample::in_folder(folder)?,
        None => Sample::embedded()?,
    };
    fill_with(options, &ShopClient::new(&options.gateway)?, sample).await
}

/// Fills the shop of a client with a sample, wherever the two come from.
///
/// # Errors
/// [`SeedError`] if the shop does not answer.
pub(crate) async fn fill_with(options: &Options, client: &ShopClient, sample: Sample) -> Result<Report, SeedError> {
    let started = Instant::now();
    let plan = Plan::of(&sample);
    let (products, baskets) = (sample.products.len() as u64, sample.baskets.len() as u64);
    // A whole year of it is large, and all that is wanted is in the plan.
    drop(sample);
    let lines = Lines { total: plan.lines_total, not_ordered: plan.lines_not_ordered.clone(), ordered: 0 };
    let mut report = Report { lines, ..Report::default() };
    report.products = list_products(options, client, &plan, products).await?;
    (report.customers, report.moves) = customers::register(options, client, &plan, opening()).await?;
    place_orders(options, client, plan, &mut report).await?;
    report.baskets.total = baskets;
    report.seconds = started.elapsed().as_secs_f64();
    Ok(report)
}

fn opening() -> Timestamp {
    OPENING.parse().unwrap_or(Timestamp::EPOCH)
}

/// Lists the products, and waits until ordering has heard of them.
async fn list_products(options: &Options, client: &ShopClient, plan: &Plan, total: u64) -> Result<Part, SeedError> {
    let opening = opening();
    let part = RefCell::new(Part { total, left_out: plan.products_not_listed.clone(), ..Part::default() });
    let newest = RefCell::new(0);
    let progress = RefCell::new(Progress::new("products", plan.products.len() as u64, options.json));
    for_each_in_order(
        &plan.products,
        options.concurrency.into(),
        |product| &product.id,
        |product| {
            let (part, newest, progress) = (&part, &newest, &progress);
            async move {
                let key = format!("seed-product-{}", product.id);
                match client.command("/api/catalog/products", &key, opening, product).await? {
                    Answer::Done { position, before } => {
                        let mut newest = newest.borrow_mut();
                        *newest = position.max(*newest);
                        let mut part = part.borrow_mut();
                        if before { part.already_there += 1 } else { part.added += 1 }
                    }
                    Answer::Refused { reason } => refused(&mut part.borrow_mut(), reason)?,
                }
                progress.borrow_mut().step();
                Ok::<_, SeedError>(())
            }
        },
    )
    .await?;
    if let Some(product) = plan.products.last() {
        let path = format!("/api/ordering/products/{}", product.id);
        client.exists(&path, newest.into_inner()).await?;
    }
    Ok(part.into_inner())
}

/// Places the orders: those of a customer one after the other, and all of them about in the order of time.
async fn place_orders(
    options: &Options,
    client: &ShopClient,
    plan: Plan,
    report: &mut Report,
) -> Result<(), SeedError> {
    let part = RefCell::new(Part::default());
    let lines = RefCell::new(std::mem::take(&mut report.lines));
    if plan.baskets_empty > 0 {
        part.borrow_mut().left_out.insert("no-line-to-order".to_owned(), plan.baskets_empty);
    }
    let progress = RefCell::new(Progress::new("orders", plan.orders.len() as u64, options.json));
    let customer = |order: &OrderToPlace| order.customer_id.clone();
    for_each_in_order(plan.orders, options.concurrency.into(), customer, |order| {
        let (part, lines, progress) = (&part, &lines, &progress);
        async move {
            let key = format!("seed-basket-{}", order.basket_id);
            let count = order.lines.len() as u64;
            match client.command("/api/ordering/orders", &key, order.placed_at, &order).await? {
                Answer::Done { before, .. } => {
                    lines.borrow_mut().ordered += count;
                    let mut part = part.borrow_mut();
                    if before { part.already_there += 1 } else { part.added += 1 }
                }
                Answer::Refused { reason } => {
                    let of_lines = format!("order refused: {reason}");
                    refused(&mut part.borrow_mut(), reason)?;
                    *lines.borrow_mut().not_ordered.entry(of_lines).or_default() += count;
                }
            }
            progress.borrow_mut().step();
            Ok::<_, SeedError>(())
        }
    })
    .await?;
    report.baskets = part.into_inner();
    report.lines = lines.into_inner();
    Ok(())
}

/// Counts what the shop refused; that it refuses the past altogether is an error, since all the rest would follow.
fn refused(part: &mut Part, reason: String) -> Result<(), SeedError> {
    if reason == crate::backdating::REFUSED {
        return Err(SeedError::NoBackdating(reason));
    }
    *part.left_out.entry(reason).or_default() += 1;
    part.refused += 1;
    Ok(())
}
