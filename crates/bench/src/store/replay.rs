//! `store/replay`: raw records in a second, every checksum checked, from the page cache, by one thread.
//!
//! `store/replay/mapped` is the same with sealed segments mapped into memory.
//!
//! The ratio compares with reading the same files in pieces as long as the log's, and doing nothing with them.

use std::time::Instant;

use tradewind_log::Log;

use super::{BuiltLog, StoreBench};
use crate::BenchError;
use crate::measure::{Aim, Figure, Report, Spread, cpu_time, read_raw};

const RATE_MIN: f64 = 10e6;

/// Replays everything some times, in turns with reading the files.
pub(super) fn measure(
    bench: &StoreBench,
    built: &BuiltLog,
    log: &Log,
    name: &str,
    report: &Report,
) -> Result<(), BenchError> {
    let (mut rates, mut ratios, mut cpu_us) = (Spread::default(), Spread::default(), Spread::default());
    // Once for the page cache.
    read_raw(built.folder(), ".log")?;
    for _ in 0..bench.rounds {
        let (_, raw) = read_raw(built.folder(), ".log")?;
        let (mut events, mut sum) = (0u64, 0u64);
        let (begun, cpu) = (Instant::now(), cpu_time());
        log.replay(0, |record| {
            events += 1;
            sum = sum.wrapping_add(record.get().position());
            true
        })?;
        let time = begun.elapsed();
        let used = cpu_time().saturating_sub(cpu);
        let all = built.events();
        if events != all || sum != all.wrapping_mul(all + 1) / 2 {
            return Err(BenchError::Wrong(format!("{events} of {all} events came, or not each once")));
        }
        rates.push(events as f64 / time.as_secs_f64());
        ratios.push(raw.as_secs_f64() / time.as_secs_f64());
        cpu_us.push(used.as_secs_f64() * 1e6 / events as f64);
    }
    let mut figure = Figure::new(name, "records/s", &rates).versus("raw-read", ratios.median()).aim(Aim::at_least(
        "value",
        RATE_MIN,
        rates.median(),
    ));
    figure.cpu_us = Some(cpu_us.median());
    Ok(report.figure(&figure)?)
}
