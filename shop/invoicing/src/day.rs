//! A day of the calendar, as documents bear it.

use std::fmt;

use serde::{Deserialize, Serialize};
use tradewind_events::Timestamp;

/// A day in UTC. As text it is `2017-03-31`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(String);

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

impl Day {
    /// The day on which a moment lies.
    #[must_use]
    pub fn of(moment: Timestamp) -> Self {
        Self(moment.day())
    }

    /// Its year: `2017`.
    #[must_use]
    pub fn year(&self) -> &str {
        self.0.rsplitn(3, '-').last().unwrap_or(&self.0)
    }

    /// As people in the United States write it: `March 31, 2017`. A text that is no day stays as it is.
    #[must_use]
    pub fn in_words(&self) -> String {
        let mut parts = self.0.rsplitn(3, '-');
        let (day, month, year) = (parts.next(), parts.next(), parts.next());
        let month = month.and_then(|number| MONTHS.get(number.parse::<usize>().ok()?.checked_sub(1)?));
        match (day, month, year) {
            (Some(day), Some(month), Some(year)) => format!("{month} {}, {year}", day.trim_start_matches('0')),
            _ => self.0.clone(),
        }
    }

    /// As text: `2017-03-31`.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
