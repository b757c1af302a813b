//! `store/condition`: what an append condition costs, as appends with it by the same appends without.
//!
//! The usual condition: no event of this type with this tag since the head that the writer last saw. Beside it one
//! over the whole log, on a tag that nobody uses: a name that must be unique.

use std::path::Path;

use super::engine::Rule;
use super::{LogEngine, SEED, StoreBench};
use crate::BenchError;
use crate::measure::{Aim, Figure, Histogram, Lengths, Report, Run, Spread, Until, Work, drive};

const IN_FLIGHT: usize = 64;
const RATIO_MIN: f64 = 0.9;

#[derive(Default)]
struct Rounds {
    rate: Spread,
    ratio: Spread,
    cpu_us: Spread,
    latency: Histogram,
}

impl Rounds {
    fn push(&mut self, run: &Run, without: f64) {
        self.rate.push(run.rate());
        self.ratio.push(run.rate() / without);
        self.cpu_us.push(run.cpu_us());
        self.latency.merge(&run.latency);
    }

    fn figure(&self, name: &str) -> Figure {
        let mut figure = Figure::new(name, "events/s", &self.rate);
        figure.p50_us = Some(self.latency.quantile_us(0.5));
        figure.p99_us = Some(self.latency.quantile_us(0.99));
        figure.cpu_us = Some(self.cpu_us.median());
        figure
    }
}

/// Measures with and without in turns, on the same log; each round begins with another of them, since a disk may
/// be getting faster or slower.
pub(super) fn measure(bench: &StoreBench, folder: &Path, report: &Report) -> Result<(), BenchError> {
    let mut engine = LogEngine::open(folder)?;
    let rules = [Rule::Tagged, Rule::SinceHead, Rule::Ever];
    let mut works: Vec<[Work; 1]> =
        (0..3).map(|rule| [Work::new(SEED ^ rule << 40, IN_FLIGHT, Lengths::default())]).collect();
    let (mut without, mut since, mut ever) = (Rounds::default(), Rounds::default(), Rounds::default());
    for round in 0..bench.rounds {
        let mut runs: [Option<Run>; 3] = [None, None, None];
        for turn in 0..rules.len() {
            let which = (round + turn) % rules.len();
            engine.set_rule(rules[which]);
            runs[which] = Some(drive(&engine, &mut works[which], IN_FLIGHT, Until::Time(bench.time()))?);
        }
        if let [Some(plain), Some(head), Some(all)] = &runs {
            without.push(plain, plain.rate());
            since.push(head, plain.rate());
            ever.push(all, plain.rate());
        }
    }
    report.figure(&without.figure("store/condition/none"))?;
    let ratio = since.ratio.median();
    let figure = since.figure("store/condition").versus("store/condition/none", ratio);
    report.figure(&figure.aim(Aim::at_least("ratio", RATIO_MIN, ratio)))?;
    let ratio = ever.ratio.median();
    let figure = ever.figure("store/condition/whole-log").versus("store/condition/none", ratio);
    report.figure(&figure.aim(Aim::at_least("ratio", RATIO_MIN, ratio)))?;
    Ok(())
}
