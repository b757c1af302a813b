//! `tradewind bench command`: `command/http/64`, a service as a whole. A command comes over HTTP with its idempotency
//! key, is decided on its entity's state, made durable and acknowledged with its position; a projection in SQLite
//! follows.
//!
//! 64 clients have a connection each and one command on its way. Beside them one more asks, now and then, for a read
//! model's answer that includes a command that was just acknowledged (`Tradewind-After`): from that acknowledgement
//! until the answer is there is the lag, one HTTP request included.

mod client;
mod parcel;
mod probe;
mod service;

use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use tokio::sync::mpsc;

use crate::BenchError;
use crate::http::{Works, runtime};
use crate::measure::{Aim, Client, Figure, Folder, Fresh, Histogram, Report, Spread, drive_clients};
use client::HttpClient;
use parcel::ParcelScanned;
use probe::{Acknowledgement, probe};
use service::Running;

const RATE_MIN: f64 = 15_000.0;
const LAG_US_MAX: f64 = 20_000.0;

/// How commands are measured.
#[derive(Debug, Clone, Args)]
pub struct CommandBench {
    /// Where to write; a folder in it is made and removed. Default: here
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// How long each measurement takes, in seconds
    #[arg(long, default_value_t = 4.0)]
    pub seconds: f64,
    /// How often it is repeated
    #[arg(long, default_value_t = 5)]
    pub rounds: usize,
    /// How many clients
    #[arg(long, default_value_t = 64)]
    pub clients: usize,
    /// A line of JSON for each figure
    #[arg(long)]
    pub json: bool,
}

/// One of the clients.
struct CommandClient {
    http: HttpClient,
    acknowledged: mpsc::Sender<Acknowledgement>,
}

impl Client for CommandClient {
    async fn append(&mut self, event: &Fresh<'_>) -> Result<(), String> {
        let id = &event.stream["order-".len()..];
        let key = format!("{:032x}", event.id);
        let note = String::from_utf8_lossy(&event.data[1..event.data.len() - 1]).into_owned();
        let scan = ParcelScanned { depot: event.tag.to_owned(), note };
        let body = serde_json::to_vec(&scan).map_err(|error| error.to_string())?;
        let done = self.http.scan(id, &key, Bytes::from(body)).await?;
        let scans = event.last.map_or(1, |last| last + 2);
        // Only if the prober has nothing to look for.
        if let Ok(permit) = self.acknowledged.try_reserve() {
            permit.send(Acknowledgement::now(done.position, id, scans));
        }
        Ok(())
    }
}

impl CommandBench {
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
        let running = Running::start(&folder.sub("parcels")?)?;
        let runtime = runtime("clients")?;
        let (mut rate, mut cpu_us, mut lags) = (Spread::default(), Spread::default(), Spread::default());
        let (mut latency, mut lag) = (Histogram::default(), Histogram::default());
        let mut works = Works::default();
        for _ in 0..self.rounds {
            let (run, seen) = runtime.block_on(self.round(&running, &mut works))?;
            rate.push(run.rate());
            cpu_us.push(run.cpu_us());
            lags.push(seen.quantile_us(0.5) / 1e3);
            latency.merge(&run.latency);
            lag.merge(&seen);
        }
        let name = format!("command/http/{}", self.clients);
        let mut figure = Figure::new(&name, "commands/s", &rate).aim(Aim::at_least("value", RATE_MIN, rate.median()));
        figure.p50_us = Some(latency.quantile_us(0.5));
        figure.p99_us = Some(latency.quantile_us(0.99));
        figure.cpu_us = Some(cpu_us.median());
        report.figure(&figure)?;
        let mut figure = Figure::new(format!("{name}/lag"), "ms", &lags);
        figure.p50_us = Some(lag.quantile_us(0.5));
        figure.p99_us = Some(lag.quantile_us(0.99));
        report.figure(&figure.aim(Aim::at_most("p50_us", LAG_US_MAX, lag.quantile_us(0.5))))?;
        Ok(())
    }

    async fn round(
        &self,
        running: &Running,
        works: &mut Works,
    ) -> Result<(crate::measure::Run, Histogram), BenchError> {
        let (sender, receiver) = mpsc::channel(1);
        let mut clients = Vec::new();
        for _ in 0..self.clients {
            let http = HttpClient::connect(running.address()).await.map_err(BenchError::Engine)?;
            clients.push(CommandClient { http, acknowledged: sender.clone() });
        }
        drop(sender);
        let prober = HttpClient::connect(running.address()).await.map_err(BenchError::Engine)?;
        let probing = tokio::spawn(probe(prober, receiver));
        let run = drive_clients(works.give(clients), Duration::from_secs_f64(self.seconds)).await?;
        let seen = probing.await.map_err(|_| BenchError::Panicked)?.map_err(BenchError::Engine)?;
        Ok((run, seen))
    }
}
