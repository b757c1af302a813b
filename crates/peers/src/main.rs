//! The same work on Tradewind's log and on SQLite, fjall and redb, in the same run and in turns.
//!
//! Each peer gets the design that suits it best for an event store with streams, expected revisions and a total
//! order (its file says which), and the same group commit: whoever finds nobody writing writes itself; what comes
//! meanwhile shares the next transaction, which is durable before anyone is answered. `docs/benchmarks.md` says what
//! came of it. Not part of the workspace: nobody but its reader should wait for three foreign engines.
//!
//! Run it from its own folder, whose `.cargo/config.toml` tells SQLite to use `fdatasync`:
//! `cd crates/peers && cargo run --release -- store`.

mod append;
mod error;
mod fjall;
mod group;
mod heads;
mod ours;
mod peer;
mod read;
mod redb;
mod sqlite;
#[cfg(feature = "umadb")]
mod umadb;
mod value;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use tradewind_bench::measure::{Folder, Report};

use crate::error::Failure;

/// As in the program: all engines get the allocator that ours is used with.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The embedded log beside embedded engines
    Store(Options),
    /// The store over HTTP beside UmaDB over gRPC
    #[cfg(feature = "umadb")]
    Umadb(umadb::UmaDb),
}

/// How it is measured.
#[derive(Debug, Clone, Args)]
pub(crate) struct Options {
    /// Where to write; a folder in it is made and removed. Default: here
    #[arg(long)]
    folder: Option<PathBuf>,
    /// How long each measurement of appends takes, in seconds
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How often each is repeated, in turns with the others
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How many events are written for the measurements of reading
    #[arg(long, default_value_t = 1_000_000)]
    events: u64,
    /// How many events are on their way at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256, 1024])]
    in_flight: Vec<usize>,
    /// Only the figures whose names contain this
    #[arg(long)]
    only: Option<String>,
    /// A line of JSON for each figure
    #[arg(long)]
    json: bool,
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|part| name.contains(part))
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds.clamp(0.01, 3_600.0))
    }
}

fn store(options: &Options) -> Result<(), Failure> {
    let folder = Folder::within(options.folder.as_deref())?;
    let report = Report::begin(options.json, folder.path())?;
    if options.in_flight.iter().any(|count| options.wants(&format!("peers/append/{count}"))) {
        append::measure(options, &folder, &report)?;
    }
    if read::NAMES.iter().any(|name| options.wants(name)) {
        read::measure(options, &folder, &report)?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let ended = match Arguments::parse().command {
        Command::Store(options) => store(&options),
        #[cfg(feature = "umadb")]
        Command::Umadb(bench) => bench.run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}
