//! What a proof found.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

/// A promise that was not kept, and how to see it again.
#[derive(Debug, Clone, Serialize)]
pub struct Failure {
    /// Which kind of round.
    pub kind: String,
    /// The seed that repeats it, if one does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// The folder that was kept to look at, where nothing repeats it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    /// What was seen.
    pub problem: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} round", self.kind)?;
        if let Some(seed) = self.seed {
            write!(f, " with seed {seed}")?;
        }
        if let Some(folder) = &self.folder {
            write!(f, " (not repeatable by seed; the log is in {})", folder.display())?;
        }
        write!(f, ": {}", self.problem)
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
    /// Why it could not be run, or not to its end, through no fault of what is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hindered: Option<String>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Report {
    /// Whether every promise was kept, and all was looked at that should be.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.failures.is_empty() && self.hindered.is_none()
    }

    /// Counts what happened.
    pub(crate) fn count(&mut self, what: &str, times: u64) {
        *self.counts.entry(what.to_owned()).or_default() += times;
    }

    /// Notes a promise that was not kept.
    pub(crate) fn fail(&mut self, kind: &str, seed: u64, problem: String) {
        self.failures.push(Failure { kind: kind.to_owned(), seed: Some(seed), folder: None, problem });
    }

    /// Notes a promise that was not kept, and where one can see it: no seed repeats it.
    pub(crate) fn fail_kept(&mut self, kind: &str, folder: PathBuf, problem: String) {
        self.failures.push(Failure { kind: kind.to_owned(), seed: None, folder: Some(folder), problem });
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
        if let Some(why) = &self.hindered {
            writeln!(f, "COULD NOT BE RUN: {why}")?;
        }
        match self.failures.len() {
            0 if self.simulated_rounds + self.kill_rounds == 0 => write!(f, "nothing was looked at"),
            0 => write!(f, "every acknowledged event was there, and nothing else"),
            broken => write!(f, "{broken} promises were not kept"),
        }
    }
}
