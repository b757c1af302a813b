//! Something that changes over time, and whose past stays known.

use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;

/// Values, each from its moment until that of the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OverTime<T>(Vec<(Timestamp, T)>);

impl<T> Default for OverTime<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> OverTime<T> {
    /// It is `value` from `since` on, until the next later change that is known. Of two for the same moment, the one
    /// that was set last counts.
    pub fn set(&mut self, since: Timestamp, value: T) {
        let place = self.0.partition_point(|(known, _)| *known <= since);
        self.0.insert(place, (since, value));
    }

    /// What it was at a moment; nothing, before its first value.
    #[must_use]
    pub fn at(&self, moment: Timestamp) -> Option<&T> {
        let later = self.0.partition_point(|(known, _)| *known <= moment);
        self.0[..later].last().map(|(_, value)| value)
    }

    /// How many values are known.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests;
