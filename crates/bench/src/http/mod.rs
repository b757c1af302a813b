//! `tradewind bench http`: `store/http/64`, the event store through its own server and client on this machine.
//!
//! Server and clients share the process, each with its own runtime, as two processes would share the machine.
//! `store/http/64` is 64 clients with a connection each; `store/http/64-shared` is 64 tasks of one service that share
//! a store, whose client gathers what they append at the same time.

mod ours;
mod served;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

pub use ours::OurClient;
pub use served::Served;

use crate::BenchError;
use crate::measure::{Figure, Folder, Histogram, Lengths, Report, Run, Spread, Work, drive_clients};
use crate::store::SEED;

/// How the store over HTTP is measured.
#[derive(Debug, Clone, Args)]
pub struct HttpBench {
    /// Where to write; a folder in it is made and removed. Default: here
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// How often each measurement is repeated, in turns
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How many clients
    #[arg(long, default_value_t = 64)]
    pub clients: usize,
    /// A line of JSON for each figure
    #[arg(long)]
    pub json: bool,
}

/// The rounds of one figure.
#[derive(Debug, Default)]
pub struct HttpRounds {
    rate: Spread,
    cpu_us: Spread,
    latency: Histogram,
}

impl HttpRounds {
    /// Adds a round.
    pub fn push(&mut self, run: &Run) {
        self.rate.push(run.rate());
        self.cpu_us.push(run.cpu_us());
        self.latency.merge(&run.latency);
    }

    /// The figure.
    #[must_use]
    pub fn figure(&self, name: impl Into<String>) -> Figure {
        let mut figure = Figure::new(name, "events/s", &self.rate);
        figure.p50_us = Some(self.latency.quantile_us(0.5));
        figure.p99_us = Some(self.latency.quantile_us(0.99));
        figure.cpu_us = Some(self.cpu_us.median());
        figure
    }
}

/// A runtime for a number of threads.
pub(crate) fn runtime(name: &'static str) -> Result<tokio::runtime::Runtime, BenchError> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let built =
        tokio::runtime::Builder::new_multi_thread().worker_threads(threads).thread_name(name).enable_all().build();
    Ok(built?)
}

/// Work for so many clients, one after the other, for round after round.
#[derive(Debug)]
pub struct Works {
    first: Work,
    next: u64,
}

impl Default for Works {
    fn default() -> Self {
        Self { first: Work::new(SEED, 1, Lengths::default()), next: SEED }
    }
}

impl Works {
    /// Gives each client work of its own, which nobody had before.
    pub fn give<C>(&mut self, clients: impl IntoIterator<Item = C>) -> Vec<(C, Work)> {
        let mut give = |client| {
            self.next = self.next.wrapping_add(1 << 20);
            (client, self.first.another(self.next))
        };
        clients.into_iter().map(&mut give).collect()
    }
}

impl HttpBench {
    /// Measures and shows.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn run(&self) -> Result<(), BenchError> {
        if self.rounds == 0 || self.clients == 0 || !(0.01..=3_600.0).contains(&self.seconds) {
            return Err(BenchError::Option("--rounds and --clients from 1, --seconds from 0.01 to 3600".to_owned()));
        }
        let folder = Folder::within(self.folder.as_deref())?;
        let report = Report::begin(self.json, folder.path())?;
        let served = Served::start(&folder.sub("store")?)?;
        let runtime = runtime("clients")?;
        let (mut apart, mut shared) = (HttpRounds::default(), HttpRounds::default());
        let mut works = Works::default();
        let time = Duration::from_secs_f64(self.seconds);
        for _ in 0..self.rounds {
            let clients = OurClient::apart(served.url(), self.clients)?;
            apart.push(&runtime.block_on(drive_clients(works.give(clients), time))?);
            let clients = OurClient::sharing(served.url(), self.clients)?;
            shared.push(&runtime.block_on(drive_clients(works.give(clients), time))?);
        }
        report.figure(&apart.figure(format!("store/http/{}", self.clients)))?;
        report.figure(&shared.figure(format!("store/http/{}-shared", self.clients)))?;
        Ok(())
    }
}
