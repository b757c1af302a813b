//! Given / when / then: an entity's rules, told as stories, in memory and without a runtime.
//!
//! ```text
//! given::<Order>([OrderCreated { .. }.into()])
//!     .when(CancelOrder { .. })
//!     .at("2017-03-31T10:20:30Z")
//!     .then([OrderCancelled { .. }.into()]);
//! ```

use std::fmt::{Debug, Write};

use tradewind_events::Timestamp;
use tradewind_service::{Command, DomainEvent, Entity, EventOf, Rejection, decide_after};

/// An entity that has seen these events.
#[must_use]
pub fn given<E: Entity>(history: impl IntoIterator<Item = E::Event>) -> Given<E> {
    Given { history: history.into_iter().collect() }
}

/// An entity to which nothing has happened yet.
#[must_use]
pub fn given_nothing<E: Entity>() -> Given<E> {
    Given { history: Vec::new() }
}

/// What has happened; go on with [`Given::when`].
pub struct Given<E: Entity> {
    history: Vec<E::Event>,
}

impl<E: Entity> Given<E> {
    /// The command that somebody now gives.
    pub fn when<C: Command<Entity = E>>(self, command: C) -> When<C> {
        When { history: self.history, command, at: Timestamp::EPOCH }
    }

    /// The state that follows from the events alone.
    #[must_use]
    pub fn state(&self) -> E {
        let mut entity = E::default();
        self.history.iter().for_each(|event| entity.evolve(event));
        entity
    }
}

/// What has happened and what is wanted; go on with one of the `then`s.
#[must_use = "a story without its end checks nothing"]
pub struct When<C: Command> {
    history: Vec<EventOf<C>>,
    command: C,
    at: Timestamp,
}

impl<C: Command> When<C> {
    /// The moment at which the command is given, in RFC 3339; the epoch unless told.
    ///
    /// # Panics
    /// If `moment` is not such a text.
    #[track_caller]
    pub fn at(mut self, moment: &str) -> Self {
        match moment.parse() {
            Ok(at) => self.at = at,
            Err(problem) => panic!("{moment:?} is no moment: {problem}"),
        }
        self
    }

    /// The command is granted, and just this happens.
    ///
    /// # Panics
    /// With both lists, and where they part, if something else happens or the command is rejected.
    #[track_caller]
    pub fn then(self, expected: impl IntoIterator<Item = EventOf<C>>)
    where
        EventOf<C>: Debug + PartialEq,
    {
        let expected: Vec<EventOf<C>> = expected.into_iter().collect();
        match self.outcome() {
            Ok(events) if events == expected => {}
            Ok(events) => panic!("{} did not do what was expected\n{}", self.command.name(), diff(&expected, &events)),
            Err(no) => panic!(
                "{} was rejected with {:?} ({no}), but this was expected to happen:\n{}",
                self.command.name(),
                no.reason,
                diff(&expected, &[])
            ),
        }
    }

    /// The command is granted, but changes nothing.
    ///
    /// # Panics
    /// If something happens or the command is rejected.
    #[track_caller]
    pub fn then_nothing(self)
    where
        EventOf<C>: Debug + PartialEq,
    {
        self.then([]);
    }

    /// The rule `reason` says no.
    ///
    /// # Panics
    /// If the command is granted, or another rule says no.
    #[track_caller]
    pub fn then_rejected(self, reason: &str)
    where
        EventOf<C>: Debug + PartialEq,
    {
        match self.outcome() {
            Err(no) if no.reason == reason => {}
            Err(no) => panic!("{} was rejected with {:?} ({no}), not with {reason:?}", self.command.name(), no.reason),
            Ok(events) => panic!(
                "{} was expected to be rejected with {reason:?}, but this happened:\n{}",
                self.command.name(),
                diff(&[], &events)
            ),
        }
    }

    fn outcome(&self) -> Result<Vec<EventOf<C>>, Rejection> {
        decide_after(&self.history, &self.command, self.at)
    }
}

/// Both lists as JSON, line by line: `-` was expected and is missing, `+` happened and was not expected.
fn diff<E: DomainEvent>(expected: &[E], actual: &[E]) -> String {
    let (expected, actual) = (lines(expected), lines(actual));
    let mut out = String::from("  (- expected, + happened)\n");
    for (mark, line) in merge(&expected, &actual) {
        let _ = writeln!(out, "  {mark} {line}");
    }
    out
}

fn lines<E: DomainEvent>(events: &[E]) -> Vec<String> {
    let pretty = |event: &E| {
        let json = event.encode().ok().and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
        let body = json.map_or_else(String::new, |json| serde_json::to_string_pretty(&json).unwrap_or_default());
        format!("{} {body}", event.event_type())
    };
    events.iter().flat_map(|event| pretty(event).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// The shortest way from one list to the other, by their longest common subsequence.
fn merge<'a>(left: &'a [String], right: &'a [String]) -> Vec<(char, &'a str)> {
    let (rows, columns) = (left.len(), right.len());
    let mut common = vec![vec![0_u32; columns + 1]; rows + 1];
    for i in (0..rows).rev() {
        for j in (0..columns).rev() {
            common[i][j] =
                if left[i] == right[j] { common[i + 1][j + 1] + 1 } else { common[i + 1][j].max(common[i][j + 1]) };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, Vec::new());
    while i < rows || j < columns {
        if i < rows && j < columns && left[i] == right[j] {
            out.push((' ', left[i].as_str()));
            (i, j) = (i + 1, j + 1);
        } else if i < rows && (j == columns || common[i + 1][j] >= common[i][j + 1]) {
            out.push(('-', left[i].as_str()));
            i += 1;
        } else {
            out.push(('+', right[j].as_str()));
            j += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests;
