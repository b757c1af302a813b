//! How long the whole may be stored, and by whom: never longer than the part that is to be stored least.

use std::fmt::Write;
use std::time::Duration;

use super::{Expiring, Freshness, Piece, Storing};

/// What is true of all parts together.
#[derive(Debug)]
pub(super) struct Caching {
    /// The age of the oldest.
    age: Duration,
    /// How long all of them are still fresh; nothing, if one doesn't say so.
    fresh_for: Option<Duration>,
    storing: Storing,
    expiring: Expiring,
    vary: Vec<String>,
}

impl Caching {
    /// Of nothing, which is fresh for ever.
    pub(super) fn new() -> Self {
        Self {
            age: Duration::ZERO,
            fresh_for: Some(Duration::MAX),
            storing: Storing::Shared,
            expiring: Expiring::ForNobody,
            vary: Vec::new(),
        }
    }

    /// Adds a part that came so long ago.
    pub(super) fn add(&mut self, piece: &Piece, since: Duration) {
        self.age = self.age.max(piece.age.saturating_add(since));
        self.storing = self.storing.max(piece.storing);
        self.expiring = self.expiring.max(piece.expiring);
        self.fresh_for = match (self.fresh_for, piece.freshness) {
            (Some(all), Freshness::Fresh(this)) => Some(all.min(this.saturating_sub(since))),
            _ => None,
        };
        if matches!(piece.freshness, Freshness::Stale(_)) {
            self.incomplete();
        }
        for name in &piece.vary {
            if !self.vary.contains(name) {
                self.vary.push(name.clone());
            }
        }
    }

    /// Something is stale or missing: nobody keeps that for longer than the trouble lasts.
    pub(super) fn incomplete(&mut self) {
        self.storing = Storing::Never;
    }

    /// The age, in seconds; at least as old as it is.
    pub(super) fn age_s(&self) -> u64 {
        whole_seconds_up(self.age)
    }

    /// `Cache-Control`. Freshness counts from when the oldest part was made, as `Age` does.
    pub(super) fn control(&self) -> String {
        let mut control = match self.storing {
            Storing::Never => return "no-store".to_owned(),
            Storing::Private => "private, ".to_owned(),
            Storing::Shared => String::new(),
        };
        match self.fresh_for {
            // It forbids all that could be forbidden about what is not fresh.
            None => control.push_str("no-cache"),
            Some(fresh_for) => {
                let seconds = self.age_s().saturating_add(fresh_for.as_secs()).min(YEAR_S);
                // Writing to a string cannot fail.
                let _ = write!(control, "max-age={seconds}");
                control.push_str(match (self.expiring, self.storing) {
                    (Expiring::ForAll, _) => ", must-revalidate",
                    (Expiring::ForShared, Storing::Shared) => ", proxy-revalidate",
                    _ => "",
                });
            }
        }
        control
    }

    /// `Vary`, unless it depends on no header.
    pub(super) fn vary(&self) -> Option<String> {
        (!self.vary.is_empty()).then(|| self.vary.join(", "))
    }
}

/// A year: longer is never said.
const YEAR_S: u64 = 31_536_000;

pub(super) fn whole_seconds_up(duration: Duration) -> u64 {
    duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
}
