//! `peers/{replay,stream-20,reopen}/ENGINE`: the same events, read from each.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use tradewind_bench::measure::{Engine, Figure, Folder, Lengths, Random, Report, Spread, Until, Work, drive};
use tradewind_bench::store::{LogEngine, SEED};

use crate::Options;
use crate::error::Failure;
use crate::fjall::Fjall;
use crate::group::Group;
use crate::ours;
use crate::peer::Peer;
use crate::redb::Redb;
use crate::sqlite::Sqlite;

/// The figures.
pub(crate) const NAMES: [&str; 3] = ["peers/replay", "peers/stream-20", "peers/reopen"];
/// How many streams grow side by side.
const STREAMS_AT_ONCE: usize = 1_024;
const LENGTH: usize = 20;
/// How many streams are read in a round.
const READS: usize = 5_000;

/// An engine that is open for reading.
trait Reader {
    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;
    fn stream(&mut self, name: &str) -> Result<usize, Failure>;
}

impl<P: Peer> Reader for P {
    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        Peer::replay(self, each)
    }

    fn stream(&mut self, name: &str) -> Result<usize, Failure> {
        Peer::stream(self, name)
    }
}

struct OurReader(LogEngine);

impl Reader for OurReader {
    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
        ours::replay(&self.0, each)
    }

    fn stream(&mut self, name: &str) -> Result<usize, Failure> {
        ours::stream(&self.0, name)
    }
}

type Open = Box<dyn Fn() -> Result<Box<dyn Reader>, Failure>>;

struct Contender {
    name: &'static str,
    open: Open,
    reopen: Spread,
    replay: Spread,
    stream: Spread,
}

impl Contender {
    fn new(name: &'static str, open: Open) -> Self {
        Self { name, open, reopen: Spread::default(), replay: Spread::default(), stream: Spread::default() }
    }
}

/// Fills an engine with the events that all get, and answers the streams of twenty.
fn fill(engine: &dyn Engine, events: u64) -> Result<Vec<String>, Failure> {
    let mut works = [Work::new(SEED, STREAMS_AT_ONCE, Lengths::default()).watching(LENGTH as u64)];
    drive(engine, &mut works, STREAMS_AT_ONCE, Until::Events(events))?;
    let [work] = works;
    let mut streams = work.found();
    streams.truncate(streams.len().saturating_sub(STREAMS_AT_ONCE));
    Ok(streams)
}

fn peer<P: Peer>(place: &Path, events: u64) -> Result<Contender, Failure> {
    let place = place.to_owned();
    fill(&Group::new(P::open(&place)?)?, events)?;
    Ok(Contender::new(P::NAME, Box::new(move || Ok(Box::new(P::open(&place)?)))))
}

/// Fills all engines, and reads from each in turns.
pub(crate) fn measure(options: &Options, folder: &Folder, report: &Report) -> Result<(), Failure> {
    let sub = |name: &str| folder.sub(&format!("read-{name}"));
    let place = sub(ours::NAME)?;
    let (streams, events) = {
        let engine = ours::open(&place)?;
        let streams = fill(&engine, options.events)?;
        engine.log().settle();
        (streams, engine.log().head())
    };
    if streams.is_empty() {
        return Err(Failure::new("--events is too small: no stream has 20 events"));
    }
    let mut all = vec![
        peer::<Sqlite>(&sub(Sqlite::NAME)?, options.events)?,
        peer::<Fjall>(&sub(Fjall::NAME)?, options.events)?,
        peer::<Redb>(&sub(Redb::NAME)?, options.events)?,
        Contender::new(ours::NAME, Box::new(move || Ok(Box::new(OurReader(ours::open(&place)?))))),
    ];
    // The first round only warms up.
    for round in 0..=options.rounds {
        for contender in &mut all {
            let [reopen, replay, stream] = read(contender, &streams, events)?;
            if round > 0 {
                contender.reopen.push(reopen);
                contender.replay.push(replay);
                contender.stream.push(stream);
            }
        }
    }
    show(&all, "peers/reopen", "ms", |contender| &contender.reopen, options, report)?;
    show(&all, "peers/replay", "records/s", |contender| &contender.replay, options, report)?;
    show(&all, "peers/stream-20", "us", |contender| &contender.stream, options, report)
}

fn read(contender: &Contender, streams: &[String], events: u64) -> Result<[f64; 3], Failure> {
    let begun = Instant::now();
    let mut reader = (contender.open)()?;
    let reopen = begun.elapsed().as_secs_f64() * 1e3;
    let (mut count, mut bytes, begun) = (0u64, 0usize, Instant::now());
    reader.replay(&mut |data| {
        count += 1;
        bytes += black_box(data).len();
    })?;
    let replay = count as f64 / begun.elapsed().as_secs_f64();
    if count != events || bytes == 0 {
        return Err(Failure::new(format!("{} replayed {count} of {events} events", contender.name)));
    }
    let (mut random, begun) = (Random::new(SEED), Instant::now());
    for _ in 0..READS {
        let name = &streams[random.below(streams.len() as u64) as usize];
        let found = reader.stream(name)?;
        if found != LENGTH {
            return Err(Failure::new(format!("{} has {found} events of {name}", contender.name)));
        }
    }
    Ok([reopen, replay, begun.elapsed().as_secs_f64() * 1e6 / READS as f64])
}

/// Shows what all of them did, and how the log compares with the best of the others.
fn show(
    all: &[Contender],
    name: &str,
    unit: &'static str,
    of: impl Fn(&Contender) -> &Spread,
    options: &Options,
    report: &Report,
) -> Result<(), Failure> {
    if !options.wants(name) {
        return Ok(());
    }
    let peers = all.iter().filter(|contender| contender.name != ours::NAME).map(|peer| of(peer).median());
    let faster = unit == "records/s";
    let best = if faster { peers.fold(0.0, f64::max) } else { peers.fold(f64::INFINITY, f64::min) };
    for contender in all {
        let spread = of(contender);
        let mut figure = Figure::new(format!("{name}/{}", contender.name), unit, spread);
        if contender.name == ours::NAME {
            // However it is counted, more than 1 is better.
            let ratio = if faster { spread.median() / best } else { best / spread.median() };
            figure = figure.versus("best-peer", ratio);
        }
        report.figure(&figure)?;
    }
    Ok(())
}
