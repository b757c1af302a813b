//! What a proof found.

use std::fmt;

use serde::Serialize;

/// How often what was broken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Faults {
    /// Services that publish, killed, with the relay in them.
    pub publisher_kills: u64,
    /// Relays that are processes of their own, killed.
    pub relay_kills: u64,
    /// Followers, killed.
    pub consumer_kills: u64,
    /// The broker, killed.
    pub broker_kills: u64,
    /// The database, killed.
    pub database_kills: u64,
    /// Links, cut.
    pub cuts: u64,
}

/// What a proof did and found.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Report {
    /// The seed of the whole.
    pub seed: u64,
    /// How many rounds were done.
    pub rounds: u64,
    /// Over what events went.
    pub broker: String,
    /// In what they were kept.
    pub store: String,
    /// By what the network was cut.
    pub network: String,
    /// How many events the logs have.
    pub events: u64,
    /// How many of them were acknowledged to whoever recorded them.
    pub acknowledged: u64,
    /// How many effects the followers have.
    pub effects: u64,
    /// How many events came, for the first time each, to who read the topics alone.
    pub published: u64,
    /// What was broken.
    pub faults: Faults,
    /// Events that were acknowledged and are not in the log, or have no effect at a follower.
    pub lost: u64,
    /// Events that are not on their topic, whatever followers had of them: these read from the feed what a topic lacks.
    pub missing: u64,
    /// Effects that an event had twice.
    pub duplicated: u64,
    /// Effects in another order than their events, within a key.
    pub inversions: u64,
    /// Effects of what is in no log.
    pub foreign: u64,
    /// What was not kept, in words, and in which round. Empty: everything was.
    pub failures: Vec<String>,
    /// Settings of a given broker that may lose messages.
    pub warnings: Vec<String>,
    /// What was left out, and why.
    pub notes: Vec<String>,
    /// Why it could not be run, or not to its end, through no fault of what is proven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hindered: Option<String>,
    /// Where everything was kept to look at, if something was not kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
    /// How long it took, in milliseconds.
    pub elapsed_ms: u64,
}

impl Report {
    /// Whether every promise was kept, and all was looked at that should be.
    #[must_use]
    pub fn is_proven(&self) -> bool {
        self.failures.is_empty() && self.hindered.is_none()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, rounds, broker, store, network, events, acknowledged, effects, faults, .. } = self;
        let seconds = self.elapsed_ms as f64 / 1_000.0;
        writeln!(f, "{rounds} rounds over {broker}, in {store}, from seed {seed}, in {seconds:.1} s")?;
        writeln!(f, "  {events:>9}  events, {acknowledged} of them acknowledged")?;
        writeln!(f, "  {effects:>9}  effects at followers")?;
        writeln!(f, "  {:>9}  events on the topics", self.published)?;
        let counts = [
            (faults.publisher_kills, "services killed"),
            (faults.relay_kills, "relays killed"),
            (faults.consumer_kills, "followers killed"),
            (faults.broker_kills, "brokers killed"),
            (faults.database_kills, "databases killed"),
        ];
        for (count, what) in counts {
            writeln!(f, "  {count:>9}  {what}")?;
        }
        writeln!(f, "  {:>9}  ways cut, by {network}", faults.cuts)?;
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        for warning in &self.warnings {
            writeln!(f, "WARNING: {warning}")?;
        }
        for failure in &self.failures {
            writeln!(f, "FAILED: {failure}")?;
        }
        if let Some(folder) = &self.folder {
            writeln!(f, "logs and what the processes said are kept in {folder}")?;
        }
        if let Some(why) = &self.hindered {
            writeln!(f, "COULD NOT BE RUN: {why}")?;
        }
        write!(
            f,
            "{} lost, {} missing on a topic, {} duplicated effects, {} inversions within a key, {} effects of nothing",
            self.lost, self.missing, self.duplicated, self.inversions, self.foreign
        )
    }
}
