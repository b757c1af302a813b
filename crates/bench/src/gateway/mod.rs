//! `tradewind bench gateway`: what a request costs at the gateway, beside nginx, HAProxy and Varnish on the same machine.
//!
//! Whoever is measured has one core for itself; the load and the service behind are on another, and cost less than what
//! is measured (`floor`). All are up at the same time and have their turns one after the other, round by round. A
//! request's cost is the processor time of all of a contender's processes, in user and in kernel mode, by the requests
//! that it answered meanwhile.
//!
//! Read in this order: `answers` is what the `service` says; `load` asks; `stand` is who takes part, each a `process` on
//! a core of `cores`; `own` is our gateway and `peers` the others; `rounds` has the turns. Then there is a file for each
//! figure: `floor`, `proxy`, `cached`, `composed`, `killed`, `memory`.

mod answers;
mod cached;
mod child;
mod composed;
mod cores;
mod floor;
mod killed;
mod load;
mod memory;
mod own;
mod peers;
mod process;
mod proxy;
mod rounds;
mod service;
mod stand;
mod verifier;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use tokio::runtime::Runtime;

pub use child::GatewayProcess;
pub use peers::Peer;

use crate::BenchError;
use crate::measure::{Folder, Report};
use cores::{Cores, pin_to};
use rounds::WARM;

/// How the gateway is measured.
#[derive(Debug, Clone, Args)]
pub struct GatewayBench {
    /// Only these figures; several with commas between
    #[arg(long, value_enum, value_delimiter = ',')]
    pub only: Vec<GatewayFigure>,
    /// Beside these; several with commas between. Default: all
    #[arg(long, value_enum, value_delimiter = ',')]
    pub peers: Vec<Peer>,
    /// Also beside another build of this program, as `before`
    #[arg(long)]
    pub before: Option<PathBuf>,
    /// Leave out those that are not installed
    #[arg(long)]
    pub skip_missing: bool,
    /// How long each turn takes, in seconds
    #[arg(long, default_value_t = 3.0)]
    pub seconds: f64,
    /// How many turns each has
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How many connections, each with one request on its way
    #[arg(long, default_value_t = 64)]
    pub connections: usize,
    /// Over how many requests memory is looked at
    #[arg(long, default_value_t = 1_000_000)]
    pub requests: u64,
    /// A line of JSON for each figure
    #[arg(long)]
    pub json: bool,
}

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum GatewayFigure {
    /// The load and the service alone
    Floor,
    /// Passing through, with everything off
    Proxy,
    /// Passing through, with a token, limits, a rate and a log
    Policies,
    /// An answer that is stored
    CacheHit,
    /// One answer of three
    Compose,
    /// What is stored, when the service has been killed
    Killed,
    /// Memory over a million requests
    Memory,
}

/// What all figures share.
struct Settings {
    cores: Cores,
    peers: Vec<Peer>,
    before: Option<PathBuf>,
    time: Duration,
    rounds: usize,
    connections: usize,
    requests: u64,
    folder: Folder,
    report: Report,
    /// The load's: one thread, on the core of the others.
    runtime: Runtime,
}

impl GatewayBench {
    /// Measures and shows.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn run(&self) -> Result<(), BenchError> {
        let sensible = (0.01..=600.0).contains(&self.seconds)
            && (1..=1_000).contains(&self.rounds)
            && (1..=1_000).contains(&self.connections)
            && (1_000..=1_000_000_000).contains(&self.requests);
        if !sensible {
            let limits = "--seconds from 0.01 to 600, --rounds and --connections from 1 to 1000, --requests from 1000";
            return Err(BenchError::Option(limits.to_owned()));
        }
        let cores = Cores::here()?;
        let peers = self.peers_here()?;
        let folder = Folder::in_memory()?;
        let report = Report::begin(self.json, folder.path())?;
        pin_to(cores.others)?;
        let settings = Settings {
            cores,
            peers,
            before: self.before.clone(),
            time: Duration::from_secs_f64(self.seconds),
            rounds: self.rounds,
            connections: self.connections,
            requests: self.requests,
            report,
            folder,
            runtime: tokio::runtime::Builder::new_current_thread().enable_all().build()?,
        };
        let wanted = |figure: &GatewayFigure| self.only.is_empty() || self.only.contains(figure);
        for figure in GatewayFigure::value_variants().iter().filter(|figure| wanted(figure)) {
            match figure {
                GatewayFigure::Floor => floor::show(&settings)?,
                GatewayFigure::Proxy => proxy::show(&settings, false)?,
                GatewayFigure::Policies => proxy::show(&settings, true)?,
                GatewayFigure::CacheHit => cached::show(&settings)?,
                GatewayFigure::Compose => composed::show(&settings)?,
                GatewayFigure::Killed => killed::show(&settings)?,
                GatewayFigure::Memory => memory::show(&settings)?,
            }
        }
        Ok(())
    }

    /// Those beside whom it is measured, of whom each is there.
    fn peers_here(&self) -> Result<Vec<Peer>, BenchError> {
        let wanted = if self.peers.is_empty() { Peer::value_variants() } else { &self.peers };
        let mut here = Vec::new();
        for peer in wanted {
            match peer.find() {
                Ok(_) => here.push(*peer),
                Err(_) if self.skip_missing => {}
                Err(missing) => return Err(missing),
            }
        }
        Ok(here)
    }
}
