//! Where in what an author wrote something is wrong.

use std::fmt;

/// A place in a text, counted from 1; a tab in a selection counts as eight columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column, in characters.
    pub column: usize,
}

impl Place {
    /// Where a text begins.
    pub const START: Self = Self { line: 1, column: 1 };

    /// The place of a byte of a text.
    pub(super) fn of(text: &str, byte: usize) -> Self {
        let before = &text[..byte];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// Which of an author's texts a place is in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Part {
    /// The name of a composition or profile.
    Name,
    /// A composition's path.
    Path,
    /// The calls as a whole.
    Calls,
    /// The name of a call.
    Call(String),
    /// What a call gets.
    Get(String),
    /// What a call is made for each of.
    Each(String),
    /// What is answered when a call fails.
    OnFailure(String),
    /// A shared part of selections, by its name.
    Fragment(String),
    /// A selection, of the composition with this name.
    Selection(String),
    /// A profile's prefix.
    Prefix,
    /// A parameter that a profile sets.
    Parameter(String),
    /// A composition that a profile serves.
    Serves(String),
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("name"),
            Self::Path => f.write_str("path"),
            Self::Calls => f.write_str("calls"),
            Self::Call(name) => write!(f, "call {name:?}"),
            Self::Get(name) => write!(f, "call {name:?}, get"),
            Self::Each(name) => write!(f, "call {name:?}, each"),
            Self::OnFailure(name) => write!(f, "call {name:?}, on_failure"),
            Self::Fragment(name) => write!(f, "fragment {name:?}"),
            Self::Selection(name) => write!(f, "selection from {name:?}"),
            Self::Prefix => f.write_str("prefix"),
            Self::Parameter(name) => write!(f, "parameter {name:?}"),
            Self::Serves(name) => write!(f, "serves {name:?}"),
        }
    }
}

/// Why a composition, fragment, selection or profile is refused, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{part}, {place}: {what}")]
pub struct CompositionError {
    /// The text.
    pub part: Part,
    /// The place in it.
    pub place: Place,
    /// What is wrong there.
    pub what: String,
}

impl CompositionError {
    /// Refuses a name that could not be a part of addresses (`/_gateway/openapi/NAME.json`), of routes' names
    /// (`PROFILE/COMPOSITION`), and of components in OpenAPI documents.
    pub(super) fn unless_name(name: &str) -> Result<(), Self> {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        match !name.is_empty() && name.chars().all(is_plain) {
            true => Ok(()),
            false => Err(Self::new(Part::Name, Place::START, "a name is of letters, digits, `-` and `_` alone")),
        }
    }

    pub(super) fn new(part: Part, place: Place, what: impl Into<String>) -> Self {
        Self { part, place, what: what.into() }
    }
}

/// An error before it is known which text it is in.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) what: String,
}

impl Fault {
    pub(super) fn at(text: &str, byte: usize, what: impl Into<String>) -> Self {
        Self { place: Place::of(text, byte), what: what.into() }
    }

    pub(super) fn in_part(self, part: Part) -> CompositionError {
        CompositionError { part, place: self.place, what: self.what }
    }
}
