//! `store/stream-20`: reading a stream of twenty events whose records lie far apart, from the page cache.
//! `store/stream-20/mapped` is the same with sealed segments mapped into memory.

use std::time::Instant;

use tradewind_log::Log;

use super::{BuiltLog, SEED, StoreBench};
use crate::BenchError;
use crate::measure::{Aim, Figure, Histogram, Random, Report, Spread, cpu_time};

const EVENTS: usize = 20;
const MICROSECONDS_MAX: f64 = 15.0;
/// How many streams are read in a round.
const READS: usize = 20_000;

/// Reads streams by chance, some rounds of many.
pub(super) fn measure(
    bench: &StoreBench,
    built: &BuiltLog,
    log: &Log,
    name: &str,
    report: &Report,
) -> Result<(), BenchError> {
    let streams = built.streams();
    if streams.is_empty() {
        return Err(BenchError::Option("--events is too small: no stream has 20 events".to_owned()));
    }
    let mut random = Random::new(SEED);
    let (mut times, mut latency, mut cpu_us) = (Spread::default(), Histogram::default(), Spread::default());
    // The first round only warms up.
    for round in 0..=bench.rounds {
        let (begun, cpu) = (Instant::now(), cpu_time());
        for _ in 0..READS {
            let stream = &streams[random.below(streams.len() as u64) as usize];
            let since = Instant::now();
            let page = log.read_stream(stream, 0, false, EVENTS + 1)?;
            if round > 0 {
                latency.record(since.elapsed());
            }
            if page.records.len() != EVENTS || !page.end {
                return Err(BenchError::Wrong(format!("{} of {EVENTS} events of {stream} came", page.records.len())));
            }
        }
        if round > 0 {
            times.push(begun.elapsed().as_secs_f64() * 1e6 / READS as f64);
            cpu_us.push(cpu_time().saturating_sub(cpu).as_secs_f64() * 1e6 / (READS * EVENTS) as f64);
        }
    }
    let mut figure = Figure::new(name, "us", &times).aim(Aim::at_most("value", MICROSECONDS_MAX, times.median()));
    figure.p50_us = Some(latency.quantile_us(0.5));
    figure.p99_us = Some(latency.quantile_us(0.99));
    figure.cpu_us = Some(cpu_us.median());
    Ok(report.figure(&figure)?)
}
