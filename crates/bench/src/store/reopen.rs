//! `store/reopen`: how long it takes to open a log of ten million events, until it takes appends and answers reads.

use std::time::Instant;

use super::{BuiltLog, StoreBench};
use crate::BenchError;
use crate::measure::{Aim, Figure, Report, Spread};

/// The aim holds for this many events.
const EVENTS: u64 = 10_000_000;
const MILLISECONDS_MAX: f64 = 1_000.0;

/// Opens and closes the log some times.
pub(super) fn measure(bench: &StoreBench, built: &BuiltLog, report: &Report) -> Result<(), BenchError> {
    let mut times = Spread::default();
    for _ in 0..bench.rounds {
        let begun = Instant::now();
        let log = built.open(false)?;
        times.push(begun.elapsed().as_secs_f64() * 1e3);
        if log.head() != built.events() {
            return Err(BenchError::Wrong(format!("{} of {} events are there", log.head(), built.events())));
        }
    }
    let mut figure = Figure::new("store/reopen", "ms", &times);
    if built.events() >= EVENTS {
        figure = figure.aim(Aim::at_most("value", MILLISECONDS_MAX, times.median()));
    }
    Ok(report.figure(&figure)?)
}
