//! `store/append/N`: events made durable in a second, with N on their way at once.
//!
//! The ratio compares with the raw disk: pieces as long as the log's own writes were in the same round, on average,
//! written and synced one behind the other into a zero-filled file. It is the log's syncs a second by the raw
//! ones; since both put the same bytes into a sync, that is also the log's events a second by those that the disk
//! would allow.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use super::{LogEngine, SEED, StoreBench};
use crate::BenchError;
use crate::measure::{Aim, Figure, Histogram, Lengths, RawDisk, Report, Spread, Until, Work, drive};

/// Which bounds each count has: at least this ratio, at least this rate.
const AIMS: [(usize, Option<f64>, Option<f64>); 2] = [(1, Some(0.75), None), (256, None, Some(300_000.0))];
const WARM_UP: Duration = Duration::from_secs(2);
const WARM_UP_IN_FLIGHT: usize = 64;
/// How often a round goes from the one to the other.
const SLICES: u32 = 10;
const CPU_US_MAX: f64 = 5.0;
const BYTES_RATIO_MAX: f64 = 1.35;

/// Syncs, and how long they took.
#[derive(Default)]
struct Sum {
    syncs: u64,
    time: Duration,
}

impl Sum {
    fn add(&mut self, syncs: u64, time: Duration) {
        self.syncs += syncs;
        self.time += time;
    }

    fn rate(&self) -> f64 {
        self.syncs as f64 / self.time.as_secs_f64()
    }
}

struct Rounds {
    in_flight: usize,
    works: Vec<Work>,
    rate: Spread,
    ratio: Spread,
    raw: Spread,
    cpu_us: Spread,
    latency: Histogram,
    raw_latency: Histogram,
    events: u64,
    handed: u64,
    syncs: u64,
    bytes: u64,
}

impl Rounds {
    fn new(in_flight: usize, clients: usize) -> Self {
        let clients = clients.min(in_flight);
        let seed = |client: usize| SEED ^ (in_flight as u64) << 32 ^ (client as u64) << 48;
        let work = |client| Work::new(seed(client), in_flight.div_ceil(clients), Lengths::default());
        Self {
            in_flight,
            works: (0..clients).map(work).collect(),
            rate: Spread::default(),
            ratio: Spread::default(),
            raw: Spread::default(),
            cpu_us: Spread::default(),
            latency: Histogram::default(),
            raw_latency: Histogram::default(),
            events: 0,
            handed: 0,
            syncs: 0,
            bytes: 0,
        }
    }

    /// A round is many short slices of both in turns, so that whatever else happens on the disk happens to both.
    fn round(&mut self, bench: &StoreBench, engine: &LogEngine, raw: &mut RawDisk) -> Result<(), BenchError> {
        let (mut ours, mut limit) = (Sum::default(), Sum::default());
        let before = self.events;
        let mut cpu = Duration::ZERO;
        for _ in 0..SLICES {
            let start = engine.written();
            let run = drive(engine, &mut self.works, self.in_flight, Until::Time(bench.time() / SLICES))?;
            let end = engine.written();
            let (syncs, bytes) = (end.syncs - start.syncs, end.bytes - start.bytes);
            let alone = raw.run((bytes / syncs.max(1)) as usize, bench.time() / 2 / SLICES)?;
            ours.add(syncs, run.time);
            limit.add(alone.syncs, alone.time);
            cpu += run.cpu;
            self.latency.merge(&run.latency);
            self.raw_latency.merge(&alone.latency);
            self.events += run.events;
            self.handed += run.bytes;
            self.syncs += syncs;
            self.bytes += bytes;
        }
        let events = (self.events - before).max(1) as f64;
        self.rate.push(events / ours.time.as_secs_f64());
        self.ratio.push(ours.rate() / limit.rate());
        self.raw.push(limit.rate());
        self.cpu_us.push(cpu.as_secs_f64() * 1e6 / events);
        Ok(())
    }

    fn figure(&self, index_share: f64) -> Figure {
        let name = format!("store/append/{}", self.in_flight);
        let mut figure = Figure::new(name, "events/s", &self.rate).versus("raw-disk", self.ratio.median());
        let on_disk = self.bytes as f64 * (1.0 + index_share);
        figure.p50_us = Some(self.latency.quantile_us(0.5));
        figure.p99_us = Some(self.latency.quantile_us(0.99));
        figure.cpu_us = Some(self.cpu_us.median());
        figure.bytes_ratio = Some(on_disk / self.handed.max(1) as f64);
        figure.bytes_per_event = Some(on_disk / self.events.max(1) as f64);
        figure.bytes_per_sync = Some(self.bytes as f64 / self.syncs.max(1) as f64);
        figure.events_per_sync = Some(self.events as f64 / self.syncs.max(1) as f64);
        for (_, ratio, rate) in AIMS.iter().filter(|(in_flight, ..)| *in_flight == self.in_flight) {
            if let Some(least) = ratio {
                figure = figure.aim(Aim::at_least("ratio", *least, self.ratio.median()));
            }
            if let Some(least) = rate {
                figure = figure.aim(Aim::at_least("value", *least, self.rate.median()));
            }
        }
        if self.in_flight == 256 {
            figure = figure.aim(Aim::at_most("cpu_us", CPU_US_MAX, self.cpu_us.median()));
        }
        figure.aim(Aim::at_most("bytes_ratio", BYTES_RATIO_MAX, on_disk / self.handed.max(1) as f64))
    }

    fn raw_figure(&self) -> Figure {
        let mut figure = Figure::new(format!("store/raw-disk/{}", self.in_flight), "syncs/s", &self.raw);
        figure.p50_us = Some(self.raw_latency.quantile_us(0.5));
        figure.p99_us = Some(self.raw_latency.quantile_us(0.99));
        figure.bytes_per_sync = Some(self.bytes as f64 / self.syncs.max(1) as f64);
        figure
    }
}

/// Measures all counts that are asked for, in turns.
pub(super) fn measure(bench: &StoreBench, folder: &Path, report: &Report) -> Result<(), BenchError> {
    let mut raw = RawDisk::new(folder)?;
    let place = folder.join("log");
    let engine = LogEngine::open(&place)?;
    let counts = bench.in_flight.iter().filter(|count| bench.wants(&format!("store/append/{count}")));
    let mut all: Vec<Rounds> = counts.map(|count| Rounds::new(*count, bench.clients)).collect();
    // The log's files come to be: that is not the steady state.
    let mut works = [Work::new(SEED ^ 1, WARM_UP_IN_FLIGHT, Lengths::default())];
    drive(&engine, &mut works, WARM_UP_IN_FLIGHT, Until::Time(WARM_UP))?;
    for _ in 0..bench.rounds {
        for rounds in &mut all {
            rounds.round(bench, &engine, &mut raw)?;
        }
    }
    engine.log().settle();
    let share = index_share(&place)?;
    for rounds in &all {
        report.figure(&rounds.raw_figure())?;
        report.figure(&rounds.figure(share))?;
    }
    Ok(())
}

/// How long the index files are for each byte of the sealed segments that they belong to. The rest of the log has
/// its index in memory, and will have files like these when it is sealed.
fn index_share(folder: &Path) -> io::Result<f64> {
    let (mut indexes, mut segments) = (0, 0);
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|ending| ending == "index") {
            indexes += fs::metadata(&path)?.len();
            segments += fs::metadata(path.with_extension("log"))?.len();
        }
    }
    Ok(if segments == 0 { 0.0 } else { indexes as f64 / segments as f64 })
}
