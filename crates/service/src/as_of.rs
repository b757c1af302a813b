//! Moments of the past, as a question can name them.

use std::fmt;
use std::str::FromStr;

use tradewind_events::{Position, Recorded, Timestamp};

/// A moment of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AsOf {
    /// With everything that was recorded up to this position, inclusive.
    Position(Position),
    /// With everything that had happened by this moment, inclusive, by the events' own times.
    Time(Timestamp),
}

impl AsOf {
    /// Whether the event belongs to that past.
    #[must_use]
    pub fn includes(&self, event: &Recorded) -> bool {
        match self {
            Self::Position(last) => event.position() <= *last,
            Self::Time(last) => event.time() <= *last,
        }
    }
}

/// A moment that was asked for has not come yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotYet {
    /// Nothing has been recorded there.
    #[error("position {wanted} is in the future; the last is {head}")]
    Position {
        /// The position that was asked for.
        wanted: Position,
        /// The last one that there is.
        head: Position,
    },
    /// The clock has not come so far.
    #[error("{wanted} is in the future; it is {now}")]
    Time {
        /// The moment that was asked for.
        wanted: Timestamp,
        /// The one that it is.
        now: Timestamp,
    },
}

impl NotYet {
    /// # Errors
    /// If the position is behind the last one.
    pub(crate) fn unless_recorded(wanted: Position, head: Position) -> Result<(), Self> {
        if wanted > head { Err(Self::Position { wanted, head }) } else { Ok(()) }
    }

    /// # Errors
    /// If the clock has not come to that moment.
    pub(crate) fn unless_passed(wanted: Timestamp, now: Timestamp) -> Result<(), Self> {
        if wanted > now { Err(Self::Time { wanted, now }) } else { Ok(()) }
    }
}

impl fmt::Display for AsOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Position(position) => position.fmt(f),
            Self::Time(moment) => moment.fmt(f),
        }
    }
}

/// Neither a position nor a moment.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no moment: say a position (4711), a day (2017-03-31, seen as it ended in UTC) or a time \
     (2017-03-31T10:20:30Z, where a + is %2B in a URL)"
)]
pub struct NoMoment(pub String);

impl FromStr for AsOf {
    type Err = NoMoment;

    /// A number is a position, a day its last moment, anything else a moment in RFC 3339.
    fn from_str(text: &str) -> Result<Self, NoMoment> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        // What happened on a day belongs to it: as of a day is as of its end.
        let end_of_day = format!("{text}T23:59:59.999999Z").parse::<Timestamp>();
        let moment = match end_of_day {
            Ok(end) if end.day() == text => Ok(end),
            _ => text.parse(),
        };
        moment.map(Self::Time).map_err(|_| NoMoment(text.to_owned()))
    }
}

/// How fresh, or how old, an answer shall be. Over HTTP it comes from the headers `Tradewind-After` and
/// `Tradewind-As-Of`; the latter may also be said in the URL, as `?as_of=`, so that a link can lead to the past.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryContext {
    /// The answer waits, within bounds, until it reflects at least this position.
    pub after: Option<Position>,
    /// The answer is that of a moment of the past.
    pub as_of: Option<AsOf>,
}
