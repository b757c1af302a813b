//! `shop measure`: what a shop with a year in it does. Each read model is built anew beside the one that answers, which
//! is asked all the while; orders are loaded as they were at moments of their lives; and the questions that people ask
//! most, about now and about then, are asked as a client asks them.

mod asking;
mod orders;
mod pasts;
mod rebuilds;
pub mod recommendations;
mod search;

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;

use self::asking::Asked;
use self::orders::Loads;
use self::pasts::Pasts;
use self::rebuilds::Rebuild;
use super::{InProcess, usage};
use crate::seed;

/// What to measure.
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Options {
    #[command(subcommand)]
    what: Option<What>,
    /// The folder of a shop that is not running, as `shop import --in-process` filled it
    #[arg(required = true)]
    pub data: Option<PathBuf>,
    /// How many orders to load as of some moment
    #[arg(long, default_value_t = 5_000)]
    pub loads: u64,
    /// How many times to ask each question
    #[arg(long, default_value_t = 200)]
    pub questions: u64,
    /// Open invoicing, too. Where it was never open before it first writes an invoice for each order, which takes minutes
    #[arg(long)]
    pub invoicing: bool,
    /// Build no read models anew but these
    #[arg(long, value_name = "MODEL")]
    pub only: Vec<String>,
    /// Print nothing but the figures, as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// What else can be measured.
#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Measure whether what is bought together says more of a basket than what sells best
    Recommendations(recommendations::Options),
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    rebuilds: Vec<Rebuild>,
    as_of: Loads,
    searches: Vec<Asked>,
    pasts: Pasts,
    /// The most memory that the process had, all contexts in it, in MiB.
    memory_mib: u64,
}

/// Measures, and prints the figures.
///
/// # Errors
/// If the shop cannot be opened, or a query fails.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    if let Some(What::Recommendations(options)) = &options.what {
        return recommendations::run(options).await;
    }
    let data = options.data.as_deref().context("say where the shop's data is")?;
    let shop = match options.invoicing {
        true => InProcess::open_with_invoicing(data).await?,
        false => InProcess::open(data).await?,
    };
    let measured = measure(options, data, &shop).await;
    let closed = shop.close().await;
    let figures = measured?;
    closed?;
    let text = if options.json { serde_json::to_string(&figures)? } else { figures.to_string() };
    Ok(seed::print(&text)?)
}

async fn measure(options: &Options, data: &Path, shop: &InProcess) -> anyhow::Result<Figures> {
    shop.settled().await?;
    // One that is made anew for newer code than that which filled the folder.
    rebuilds::ended(shop).await?;
    let some = orders::some(shop, options.loads.max(options.questions)).await?;
    let (order, _) = some.first().context("there are no orders here: import a year first")?;
    let as_of = orders::load(shop, &some).await?;
    let searches = search::measure(shop, options.questions).await?;
    let pasts = pasts::measure(shop, data, &some, options.questions).await?;
    let rebuilds = rebuilds::measure(shop, order, &options.only).await?;
    Ok(Figures { rebuilds, as_of, searches, pasts, memory_mib: usage().1 })
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.rebuilds.iter().try_for_each(|rebuild| writeln!(f, "{rebuild}"))?;
        writeln!(f, "{}", self.as_of)?;
        self.searches.iter().try_for_each(|asked| writeln!(f, "{asked}"))?;
        writeln!(f, "{}", self.pasts)?;
        write!(f, "{} MiB of memory at most", self.memory_mib)
    }
}
