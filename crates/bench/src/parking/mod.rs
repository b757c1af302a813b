//! `tradewind bench parking`: `parking/poison`, what one event that cannot be handled costs all the others.
//!
//! A reaction follows a log in which the events of many keys come in turns. In one half of the rounds the first event of
//! one key is poison, so that the key is parked and all its later events, one in each turn, queue behind it; in the
//! other half none is. Both halves alternate, each with a ledger of its own over the same log. No other key may be set
//! aside, and all their events must be met.

mod counting;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;
use tokio_util::sync::CancellationToken;
use tradewind_events::{
    Append, Event, EventStore, EventType, ExpectedRevision, Position, StreamAppend, StreamId, SystemClock, Timestamp,
};
use tradewind_service::{Host, HostOptions, ServiceHandle};
use tradewind_store::OpenOptions;

use crate::BenchError;
use crate::http::runtime;
use crate::measure::{Aim, Figure, Folder, Report, Spread};
use counting::Counting;

const RATIO_MIN: f64 = 0.99;
/// How long one round may take.
const ROUND_MAX: Duration = Duration::from_secs(600);
/// How often it is looked at how far it has come.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How parking is measured.
#[derive(Debug, Clone, Args)]
pub struct ParkingBench {
    /// Where to write; a folder in it is made and removed. Default: here
    #[arg(long)]
    pub folder: Option<PathBuf>,
    /// How many keys, of which one is parked
    #[arg(long, default_value_t = 10_000)]
    pub keys: u64,
    /// How many events each has
    #[arg(long, default_value_t = 100)]
    pub events: u64,
    /// How often each half is repeated
    #[arg(long, default_value_t = 9)]
    pub rounds: usize,
    /// A line of JSON for each figure
    #[arg(long)]
    pub json: bool,
}

impl ParkingBench {
    /// Measures and shows.
    ///
    /// # Errors
    /// [`BenchError`]; [`BenchError::Wrong`] if a neighbour was set aside, or an event not met.
    pub fn run(&self) -> Result<(), BenchError> {
        if self.rounds == 0 || self.keys < 2 || self.events == 0 || self.keys.saturating_mul(self.events) > 100_000_000
        {
            let problem = "--rounds and --events from 1, --keys from 2, and at most 100 million events in all";
            return Err(BenchError::Option(problem.to_owned()));
        }
        let folder = Folder::within(self.folder.as_deref())?;
        let report = Report::begin(self.json, folder.path())?;
        runtime("parking")?.block_on(self.measure(folder.path(), &report))
    }

    async fn measure(&self, folder: &Path, report: &Report) -> Result<(), BenchError> {
        let url = format!("file:{}", folder.join("events").display());
        let store = tradewind_store::open(&url, OpenOptions::default()).await?;
        let head = self.fill(&*store).await?;
        let (mut plain, mut poisoned, mut ratio) = (Spread::default(), Spread::default(), Spread::default());
        // The first round finds nothing in any cache.
        self.round(&store, &folder.join("warm"), head, None).await?;
        for round in 0..self.rounds {
            let poison = Some(self.keys / 2);
            let mut rates = [0.0; 2];
            // Neither is always the first.
            for half in [round % 2, (round + 1) % 2] {
                let ledger = folder.join(format!("round-{round}-{half}"));
                rates[half] = self.round(&store, &ledger, head, poison.filter(|_| half == 1)).await?;
                std::fs::remove_dir_all(&ledger)?;
            }
            plain.push(rates[0]);
            poisoned.push(rates[1]);
            ratio.push(rates[1] / rates[0]);
        }
        report.figure(&Figure::new("parking/none", "events/s", &plain))?;
        let figure = Figure::new("parking/poison", "events/s", &poisoned).versus("none", ratio.median());
        report.figure(&figure.aim(Aim::at_least("ratio", RATIO_MIN, ratio.median())))?;
        Ok(())
    }

    /// The events of all keys, in turns.
    async fn fill(&self, store: &dyn EventStore) -> Result<Position, BenchError> {
        let engine = |error: &dyn std::fmt::Display| BenchError::Engine(error.to_string());
        let event_type = EventType::new(counting::EVENT_TYPE).map_err(|error| engine(&error))?;
        let mut head = Position::START;
        for turn in 0..self.events {
            let keys: Vec<u64> = (0..self.keys).collect();
            for some in keys.chunks(Append::EVENTS_MAX / 2) {
                let mut append = Append::default();
                for key in some {
                    let stream = StreamId::of(counting::CATEGORY, key.to_string()).map_err(|error| engine(&error))?;
                    let data = serde_json::json!({ "turn": turn });
                    let event =
                        Event::new(event_type.clone(), Timestamp::EPOCH, &data).map_err(|error| engine(&error))?;
                    append.streams.push(StreamAppend { stream, expected: ExpectedRevision::Any, events: vec![event] });
                }
                head = store.append(append).await.map_err(|error| engine(&error))?.last;
            }
        }
        Ok(head)
    }

    /// Events each second, from the start of a service until all of them are met or set aside.
    async fn round(
        &self,
        store: &Arc<dyn EventStore>,
        folder: &Path,
        head: Position,
        poison: Option<u64>,
    ) -> Result<f64, BenchError> {
        let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut host = Host::new(HostOptions::new("parking", listen, folder), store.clone(), Arc::new(SystemClock));
        let (counting, met) = Counting::with_poison(poison);
        host.reaction(counting)?;
        let (service, handle) = host.bind().await?;
        let stop = CancellationToken::new();
        let began = Instant::now();
        let serving = tokio::spawn(service.run(stop.clone().cancelled_owned()));
        let reached = tokio::time::timeout(ROUND_MAX, until_at(&handle, head)).await;
        let took = began.elapsed();
        let aside = handle.followers().first().map(|status| status.aside).unwrap_or_default();
        stop.cancel();
        serving.await.map_err(|_| BenchError::Panicked)?.map_err(|error| BenchError::Engine(error.to_string()))?;
        reached.map_err(|_| BenchError::Engine(format!("it did not come to position {head} within {ROUND_MAX:?}")))?;
        let (keys, events) = if poison.is_some() { (1, self.events) } else { (0, 0) };
        let all = self.keys * self.events;
        if (aside.parked.keys, aside.events()) != (keys, events) || met.get() != all - events {
            let found = format!("{keys} keys were to be parked with {events} events, and the rest met: {aside:?}");
            return Err(BenchError::Wrong(found));
        }
        Ok(all as f64 / took.as_secs_f64())
    }
}

async fn until_at(handle: &ServiceHandle, head: Position) {
    while handle.followers().iter().any(|status| status.position < head) {
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
