//! The names by which services find each other on a broker.

use std::fmt;
use std::str::FromStr;

/// A name that a broker cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} must have 1 to {max} lower-case letters, digits and dashes, and begin with a letter or digit")]
pub struct NameError {
    what: &'static str,
    name: String,
    max: usize,
}

fn check(what: &'static str, name: &str, max: usize, besides: &str) -> Result<(), NameError> {
    let begins = name.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || besides.contains(c);
    if begins && name.len() <= max && name.chars().all(fits) {
        return Ok(());
    }
    Err(NameError { what, name: name.chars().take(80).collect(), max })
}

/// What one service publishes, by the service's name.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(String);

impl Topic {
    /// The most bytes of a name.
    pub const BYTES_MAX: usize = 64;

    /// A topic.
    ///
    /// # Errors
    /// [`NameError`] if a broker cannot take the name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check("the topic", name, Self::BYTES_MAX, "")?;
        Ok(Self(name.to_owned()))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Topic {
    type Err = NameError;
    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whoever gets a copy of its own of what is published: one follower of one service.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Group(String);

impl Group {
    /// The most bytes of a name.
    pub const BYTES_MAX: usize = 128;

    /// A group.
    ///
    /// # Errors
    /// [`NameError`] if a broker cannot take the name.
    pub fn new(name: &str) -> Result<Self, NameError> {
        check("the group", name, Self::BYTES_MAX, "_")?;
        Ok(Self(name.to_owned()))
    }

    /// The group of a follower of a service. What a broker cannot take in a follower's name becomes an underscore.
    ///
    /// # Errors
    /// [`NameError`] if it is too long or has no name.
    pub fn of(service: &str, follower: &str) -> Result<Self, NameError> {
        let plain = |c: char| if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' { c } else { '_' };
        let name: String = format!("{service}_{follower}").to_lowercase().chars().map(plain).collect();
        Self::new(&name)
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
