//! How often each duration came: buckets whose width is a sixteenth of their power of two, so that any quantile is
//! right to 6 %.

use std::time::Duration;

/// Buckets for each power of two.
const STEPS: usize = 16;

/// Counts of durations.
#[derive(Debug, Clone)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { counts: vec![0; 64 * STEPS], total: 0 }
    }
}

fn bucket(nanos: u64) -> usize {
    if nanos < STEPS as u64 {
        return nanos as usize;
    }
    let power = nanos.ilog2();
    let step = nanos >> (power - STEPS.ilog2()) & (STEPS as u64 - 1);
    (power - STEPS.ilog2() + 1) as usize * STEPS + step as usize
}

fn middle(bucket: usize) -> f64 {
    if bucket < STEPS {
        return bucket as f64;
    }
    let power = (bucket / STEPS - 1) as i32;
    ((STEPS + bucket % STEPS) as f64 + 0.5) * 2f64.powi(power)
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&mut self, time: Duration) {
        self.counts[bucket(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))] += 1;
        self.total += 1;
    }

    /// Adds another's counts.
    pub fn merge(&mut self, other: &Self) {
        self.counts.iter_mut().zip(&other.counts).for_each(|(count, more)| *count += more);
        self.total += other.total;
    }

    /// The duration that a part of all are shorter than, in microseconds: 0.5 is the median.
    #[must_use]
    pub fn quantile_us(&self, part: f64) -> f64 {
        let wanted = (self.total as f64 * part) as u64;
        let mut seen = 0;
        for (bucket, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen > wanted {
                return middle(bucket) / 1e3;
            }
        }
        0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_is_right_to_six_percent() {
        let mut histogram = Histogram::default();
        (1..=10_000).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        for (part, truth) in [(0.01, 100.0), (0.5, 5_000.0), (0.99, 9_900.0)] {
            let got = histogram.quantile_us(part);
            assert!((got / truth - 1.0).abs() < 0.07, "{part}: {got} is not {truth}");
        }
    }
}
