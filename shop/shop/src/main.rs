//! The reference shop: one program that runs any of its contexts by name, and fills a running shop with a sample.

mod seed;

use clap::{Parser, Subcommand};

/// What a service answers to a command with a time of its own, if it does not take the past.
const BACKDATING_REFUSED: &str = "backdating-not-allowed";

/// The reference shop of Tradewind.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Fill a running shop with a sample of real baskets; what is there already is not added again
    Seed(seed::Options),
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Arguments::parse().action {
        Action::Seed(options) => seed::run(&options).await?,
    }
    Ok(())
}
