//! How long the stages of an order take. Nobody packs or drives here, so the time that it takes is simulated.

use std::str::FromStr;
use std::time::Duration;

/// How long after the stage before it each stage follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From placed to approved.
    pub approve: Duration,
    /// From approved, or the last refused attempt, to asking for the payment (and then to its answer).
    pub pay: Duration,
    /// From paid to packed.
    pub prepare: Duration,
    /// From packed to shipped.
    pub ship: Duration,
    /// From shipped to delivered.
    pub deliver: Duration,
}

impl Pace {
    /// Fast enough to be watched: all six stages in a quarter of a minute.
    pub const DEMO: Self = Self::of_millis([1_500, 1_500, 3_000, 3_500, 4_000]);
    /// For tests: all six stages in a fraction of a second.
    pub const FAST: Self = Self::of_millis([20, 20, 20, 20, 20]);
    /// As a shop takes: minutes to approve and pay, hours to pack, a day to deliver. Orders that are brought in from
    /// the past always take this.
    pub const ORDINARY: Self = Self::of_millis([120_000, 60_000, 7_200_000, 10_800_000, 72_000_000]);

    const fn of_millis([approve, pay, prepare, ship, deliver]: [u64; 5]) -> Self {
        Self {
            approve: Duration::from_millis(approve),
            pay: Duration::from_millis(pay),
            prepare: Duration::from_millis(prepare),
            ship: Duration::from_millis(ship),
            deliver: Duration::from_millis(deliver),
        }
    }
}

/// There is no pace of this name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no pace: say demo, fast or ordinary")]
pub struct NoPace(String);

impl FromStr for Pace {
    type Err = NoPace;

    fn from_str(word: &str) -> Result<Self, NoPace> {
        match word {
            "demo" => Ok(Self::DEMO),
            "fast" => Ok(Self::FAST),
            "ordinary" => Ok(Self::ORDINARY),
            other => Err(NoPace(other.to_owned())),
        }
    }
}
