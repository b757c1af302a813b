//! Where an event stands: in its stream (revision) and in the whole store (position).

use std::fmt;
use std::num::ParseIntError;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Where an event stands in the order of the whole store. The first has 1; there are no gaps. `Position::START`
/// is before all of them, so that "after `START`" reads everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(pub u64);

impl Position {
    /// Before the first event.
    pub const START: Self = Self(0);
    /// Behind every event there can be.
    pub const END: Self = Self(u64::MAX);
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Position {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<Self, ParseIntError> {
        text.parse().map(Self)
    }
}

/// Where an event stands in its own stream. The first has 0; there are no gaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The first event of a stream.
    pub const FIRST: Self = Self(0);
    /// Behind every event that a stream can have: where a backward read of a whole stream begins.
    pub const END: Self = Self(u64::MAX);

    /// The revision that follows.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a writer believes of a stream; an append whose belief is wrong is refused (optimistic concurrency).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExpectedRevision {
    /// Nothing: append in any case.
    #[default]
    Any,
    /// The stream has no event yet.
    None,
    /// The stream has at least one event.
    Exists,
    /// The stream's last event has exactly this revision.
    Exactly(Revision),
}

impl ExpectedRevision {
    /// Whether a stream whose last event has the revision `actual` (none: it is empty) is as expected.
    #[must_use]
    pub fn holds(self, actual: Option<Revision>) -> bool {
        match self {
            Self::Any => true,
            Self::None => actual.is_none(),
            Self::Exists => actual.is_some(),
            Self::Exactly(revision) => actual == Some(revision),
        }
    }

    /// What a writer expects that has seen a stream up to `last`.
    #[must_use]
    pub fn seen(last: Option<Revision>) -> Self {
        last.map_or(Self::None, Self::Exactly)
    }
}

impl fmt::Display for ExpectedRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("any"),
            Self::None => f.write_str("none"),
            Self::Exists => f.write_str("exists"),
            Self::Exactly(revision) => revision.fmt(f),
        }
    }
}
