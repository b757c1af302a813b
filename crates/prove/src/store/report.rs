//! What a proof found.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

/// A promise that was not kept, and how to see it again.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Which kind of round.
    pub kind: String,
    /// The seed that repeats it.
    pub seed: u64,
    /// What was seen.
    pub problem: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} round with seed {}: {}", self.kind, self.seed, self.problem)
    }
}

/// What a proof did and found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The seed of the whole.
    pub seed: u64,
    /// How many rounds on a simulated disk.
    pub simulated_rounds: u64,
    /// How many rounds in which a process was killed on a real disk.
    pub kill_rounds: u64,
    /// How often what happened, by name: crashes, faults, refusals, recoveries.
    pub counts: BTreeMap<String, u64>,
    /// What was not kept. Empty: everything was.
    pub failures: Vec<Failure>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Report {
    /// Whether every promise was kept.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.failures.is_empty()
    }

    /// Counts what happened.
    pub(crate) fn count(&mut self, what: &str, times: u64) {
        *self.counts.entry(what.to_owned()).or_default() += times;
    }

    /// Notes a promise that was not kept.
    pub(crate) fn fail(&mut self, kind: &str, seed: u64, problem: String) {
        self.failures.push(Failure { kind: kind.to_owned(), seed, problem });
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} simulated rounds and {} kills from seed {}, in {:.1} s",
            self.simulated_rounds,
            self.kill_rounds,
            self.seed,
            self.elapsed_ms as f64 / 1000.0
        )?;
        for (what, times) in &self.counts {
            writeln!(f, "  {times:>9}  {what}")?;
        }
        for failure in &self.failures {
            writeln!(f, "FAILED: {failure}")?;
        }
        if self.is_proven() {
            write!(f, "every acknowledged event was there, and nothing else")
        } else {
            write!(f, "{} promises were not kept", self.failures.len())
        }
    }
}
