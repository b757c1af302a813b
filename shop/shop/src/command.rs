//! The command line of the reference shop.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

#[cfg(feature = "import")]
use crate::import;
use crate::{run, seed};

/// The reference shop of Tradewind.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Run one context of the shop as a service
    Run(Box<run::Options>),
    /// Fill a running shop with a sample of real baskets; what is there already is not added again
    Seed(seed::Options),
    /// Bring in a whole year of shopping from its Parquet files; what is there already is not added again
    #[cfg(feature = "import")]
    Import(import::Options),
    /// Measure a shop that has a year in it: rebuilding its read models, finding products, answers from the past
    #[cfg(feature = "import")]
    Measure(import::measure::Options),
}

/// Does what the command line says, to its end. It is here and not in the program's own crate, where all futures of this
/// one would be compiled a second time.
#[tokio::main]
pub async fn main() -> ExitCode {
    let done = match Arguments::parse().action {
        Action::Run(options) => run::run(&options).await,
        Action::Seed(options) => seed::run(&options).await.map_err(anyhow::Error::from),
        #[cfg(feature = "import")]
        Action::Import(options) => import::run(&options).await,
        #[cfg(feature = "import")]
        Action::Measure(options) => import::measure::run(&options).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
