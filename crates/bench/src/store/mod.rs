//! `tradewind bench store`: the embedded log, a file for each figure.

mod append;
mod built;
mod condition;
mod decode;
mod engine;
mod reopen;
mod replay;
mod stream;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub use built::BuiltLog;
pub use engine::LogEngine;

use crate::BenchError;
use crate::measure::{Folder, Report};

/// The seed of all work, so that two runs do the same.
pub const SEED: u64 = 0x7261_6465_7769_6e64;

/// How the embedded log is measured.
#[derive(Debug, Clone, Args)]
pub struct StoreBench {
    /// Where to write; a folder in it is made and removed. Default: here
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// How long each measurement of appends takes, in seconds
    #[arg(long, default_value_t = 2.0)]
    pub seconds: f64,
    /// How often each measurement is repeated, in turns with what it is compared with
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How many events are written for the measurements of reading
    #[arg(long, default_value_t = 10_000_000)]
    pub events: u64,
    /// How many events are on their way at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64, 256, 1024])]
    pub in_flight: Vec<usize>,
    /// How many threads hand over events, when more than one is on its way
    #[arg(long, default_value_t = 1)]
    pub clients: usize,
    /// Only the figures whose names contain this
    #[arg(long)]
    pub only: Option<String>,
    /// A line of JSON for each figure
    #[arg(long)]
    pub json: bool,
}

impl StoreBench {
    /// Measures everything that was asked for, and shows it.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn run(&self) -> Result<(), BenchError> {
        self.check()?;
        let folder = Folder::within(self.folder.as_deref())?;
        let report = Report::begin(self.json, folder.path())?;
        if self.in_flight.iter().any(|count| self.wants(&format!("store/append/{count}"))) {
            append::measure(self, &folder.sub("append")?, &report)?;
        }
        if self.wants("store/condition") {
            condition::measure(self, &folder.sub("condition")?, &report)?;
        }
        if self.wants("store/decode") {
            decode::measure(self, &folder.sub("decode")?, &report)?;
        }
        if ["store/replay", "store/stream-20", "store/reopen"].iter().any(|name| self.wants(name)) {
            let built = BuiltLog::build(&folder.sub("built")?, self.events)?;
            if self.wants("store/reopen") {
                reopen::measure(self, &built, &report)?;
            }
            for (mapped, ending) in [(false, ""), (true, "/mapped")] {
                let log = built.open(mapped)?;
                if self.wants("store/replay") {
                    replay::measure(self, &built, &log, &format!("store/replay{ending}"), &report)?;
                }
                if self.wants("store/stream-20") {
                    stream::measure(self, &built, &log, &format!("store/stream-20{ending}"), &report)?;
                }
            }
        }
        Ok(())
    }

    fn check(&self) -> Result<(), BenchError> {
        let refuse = |what: &str| Err(BenchError::Option(what.to_owned()));
        if self.rounds == 0 || self.clients == 0 {
            return refuse("--rounds and --clients must be at least 1");
        }
        if !self.seconds.is_finite() || self.seconds <= 0.0 || self.seconds > 3_600.0 {
            return refuse("--seconds must be above 0 and at most 3600");
        }
        if self.in_flight.iter().any(|count| !(1..=16_384).contains(count)) {
            return refuse("--in-flight must be from 1 to 16384");
        }
        if self.events < 10_000 {
            return refuse("--events must be at least 10000");
        }
        Ok(())
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_deref().is_none_or(|part| name.contains(part))
    }

    fn time(&self) -> Duration {
        Duration::from_secs_f64(self.seconds)
    }
}
