//! Where what follows another service begins.

use std::str::FromStr;

use serde::Serialize;

/// Where a follower of another source begins, if it has not begun before. It must be said: whether the past counts is
/// nothing that a default could know. One that has a checkpoint goes on from there, whatever is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum StartFrom {
    /// With the first event that the source ever told. It reads them by itself, or `tradewind seed` hands them over.
    Beginning,
    /// With a snapshot: all that the source had told up to some position, handed over by `tradewind seed` and compared
    /// with what the source says that it told. It waits for that, and follows from the next event on. Only projections
    /// can: who acts on events must not act on a whole past at once.
    Snapshot,
    /// With what the source tells from now on: behind its head when the follower first runs.
    Now,
}

impl FromStr for StartFrom {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "beginning" => Ok(Self::Beginning),
            "snapshot" => Ok(Self::Snapshot),
            "now" => Ok(Self::Now),
            other => Err(format!("{other:?} is not beginning, snapshot or now")),
        }
    }
}
