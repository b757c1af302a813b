//! `peers/append/N/ENGINE`: events made durable in a second, with N on their way at once.

use std::thread;
use std::time::Duration;

use tradewind_bench::measure::{Aim, Engine, Figure, Folder, Histogram, Lengths, Report, Spread, Until, Work, drive};
use tradewind_bench::store::SEED;

use crate::Options;
use crate::error::Failure;
use crate::fjall::Fjall;
use crate::group::Group;
use crate::ours;
use crate::peer::Peer;
use crate::redb::Redb;
use crate::sqlite::Sqlite;

/// What the disk is left alone for between two engines, so that neither pays for the other's afterthoughts.
const PAUSE: Duration = Duration::from_millis(300);
const WARM_UP: Duration = Duration::from_secs(1);
const WARM_UP_IN_FLIGHT: usize = 64;
/// At these counts the log is to be so many times as fast as the best of the others.
const AIMS: [(usize, f64); 2] = [(64, 2.5), (256, 2.5)];

#[derive(Default)]
struct Rounds {
    rate: Spread,
    cpu_us: Spread,
    latency: Histogram,
    last: f64,
}

/// An engine, with its rounds for each count.
struct Contender {
    name: &'static str,
    engine: Box<dyn Engine>,
    rounds: Vec<Rounds>,
}

fn contender<P: Peer>(folder: &Folder, counts: usize) -> Result<Contender, Failure> {
    let engine = Group::new(P::open(&folder.sub(P::NAME)?)?)?;
    Ok(Contender { name: P::NAME, engine: Box::new(engine), rounds: rounds(counts) })
}

fn rounds(counts: usize) -> Vec<Rounds> {
    (0..counts).map(|_| Rounds::default()).collect()
}

/// Measures all engines in turns; each round begins with another of them.
pub(crate) fn measure(options: &Options, folder: &Folder, report: &Report) -> Result<(), Failure> {
    let wanted = options.in_flight.iter().copied();
    let counts: Vec<usize> = wanted.filter(|count| options.wants(&format!("peers/append/{count}"))).collect();
    let mut all = vec![
        contender::<Sqlite>(folder, counts.len())?,
        contender::<Fjall>(folder, counts.len())?,
        contender::<Redb>(folder, counts.len())?,
    ];
    let engine = Box::new(ours::open(&folder.sub(ours::NAME)?)?);
    all.push(Contender { name: ours::NAME, engine, rounds: rounds(counts.len()) });
    for contender in &all {
        // Files come to be, and are grown: that is not the steady state.
        let mut works = [Work::new(SEED ^ 1, WARM_UP_IN_FLIGHT, Lengths::default())];
        drive(contender.engine.as_ref(), &mut works, WARM_UP_IN_FLIGHT, Until::Time(WARM_UP))?;
        thread::sleep(PAUSE);
    }
    let mut ratios = vec![Spread::default(); counts.len()];
    let contenders = all.len();
    for round in 0..options.rounds {
        for (which, count) in counts.iter().enumerate() {
            for turn in 0..contenders {
                let contender = &mut all[(round + turn) % contenders];
                // Every engine gets the same events.
                let seed = SEED ^ (round as u64) << 40 ^ (*count as u64) << 20;
                let mut works = [Work::new(seed, *count, Lengths::default())];
                let run = drive(contender.engine.as_ref(), &mut works, *count, Until::Time(options.time()))?;
                let rounds = &mut contender.rounds[which];
                rounds.last = run.rate();
                rounds.rate.push(run.rate());
                rounds.cpu_us.push(run.cpu_us());
                rounds.latency.merge(&run.latency);
                thread::sleep(PAUSE);
            }
            let (ours, peers) = all.split_last().ok_or_else(|| Failure::new("there are engines"))?;
            let best = peers.iter().map(|peer| peer.rounds[which].last).fold(0.0, f64::max);
            ratios[which].push(ours.rounds[which].last / best);
        }
    }
    for (which, count) in counts.iter().enumerate() {
        for contender in &all {
            report.figure(&figure(contender, which, *count, &ratios[which]))?;
        }
    }
    Ok(())
}

fn figure(contender: &Contender, which: usize, count: usize, ratios: &Spread) -> Figure {
    let rounds = &contender.rounds[which];
    let mut figure = Figure::new(format!("peers/append/{count}/{}", contender.name), "events/s", &rounds.rate);
    figure.p50_us = Some(rounds.latency.quantile_us(0.5));
    figure.p99_us = Some(rounds.latency.quantile_us(0.99));
    figure.cpu_us = Some(rounds.cpu_us.median());
    if contender.name == ours::NAME {
        figure = figure.versus("best-peer", ratios.median());
        for (_, times) in AIMS.iter().filter(|(aimed, _)| *aimed == count) {
            figure = figure.aim(Aim::at_least("ratio", *times, ratios.median()));
        }
    }
    figure
}
