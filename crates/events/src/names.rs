//! Names: of an event, a stream, an event type, a tag. Each is checked once, when it is made.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is wrong with a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} {name:?} {problem}")]
pub struct NameError {
    /// What the name was to be: `stream`, `event type`, `tag`.
    pub what: &'static str,
    /// The name, cut to 64 characters.
    pub name: String,
    /// What is wrong, as a phrase that follows the name.
    pub problem: &'static str,
}

fn refuse(what: &'static str, name: &str, problem: &'static str) -> NameError {
    NameError { what, name: name.chars().take(64).collect(), problem }
}

/// Checks what all names share: a length from 1 to `max` bytes, and no control characters or spaces.
fn check(what: &'static str, name: &str, max: usize) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(refuse(what, name, "is empty"));
    }
    if name.len() > max {
        return Err(refuse(what, name, "is too long"));
    }
    if name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(refuse(what, name, "has a space or a control character"));
    }
    Ok(())
}

/// The identity of one event: a UUID, unique in its store. An append that repeats it is answered as the first
/// was, and writes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventId(pub Uuid);

impl EventId {
    /// A new id, ordered by time (UUID version 7, RFC 9562).
    #[must_use]
    pub fn new() -> Self {
        Self(Uuid::now_v7())
    }

    /// The id that always follows from the same cause (UUID version 5): the `index`-th event of the command or
    /// message `cause`. Repeating the cause repeats the id, which makes the repetition harmless.
    #[must_use]
    pub fn derived(cause: &str, index: usize) -> Self {
        Self(Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{cause}#{index}").as_bytes()))
    }
}

impl Default for EventId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $what:literal, $max:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(Arc<str>);

        impl $type {
            /// The longest such name, in bytes.
            pub const BYTES_MAX: usize = $max;

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:?}", &self.0)
            }
        }

        impl FromStr for $type {
            type Err = NameError;
            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $type {
            type Error = NameError;
            fn try_from(text: String) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> String {
                name.0.as_ref().into()
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// The name of a stream: a category, a dash, and an id: `order-0192f3a1`. The category says what kind of
    /// entity the stream tells of; a name without a dash is its own category.
    StreamId,
    "stream",
    200
);

impl StreamId {
    /// Checks a stream's full name.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than [`StreamId::BYTES_MAX`], has spaces or control characters, or
    /// begins with the dash that ends its category.
    pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
        let name = name.as_ref();
        check("stream", name, Self::BYTES_MAX)?;
        if name.starts_with('-') {
            return Err(refuse("stream", name, "has no category before its dash"));
        }
        Ok(Self(name.into()))
    }

    /// The stream of one entity.
    ///
    /// # Errors
    /// [`NameError`] as for [`StreamId::new`].
    pub fn of(category: &str, id: impl fmt::Display) -> Result<Self, NameError> {
        Self::new(format!("{category}-{id}"))
    }

    /// What stands before the first dash.
    #[must_use]
    pub fn category(&self) -> &str {
        &self.0[..Self::category_bytes(&self.0)]
    }

    /// What stands behind the first dash; empty if there is none.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.get(self.category().len() + 1..).unwrap_or_default()
    }

    /// How many bytes of a stream's name are its category.
    #[must_use]
    pub fn category_bytes(name: &str) -> usize {
        name.find('-').unwrap_or(name.len())
    }
}

name!(
    /// What kind of thing happened, in the past tense: `OrderPlaced`.
    EventType,
    "event type",
    200
);

impl EventType {
    /// Checks an event type's name.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than [`EventType::BYTES_MAX`], or has spaces or control characters.
    pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
        check("event type", name.as_ref(), Self::BYTES_MAX)?;
        Ok(Self(name.as_ref().into()))
    }
}

name!(
    /// A word by which an event can be found across streams: `product:1029743`. No commas, since a list of tags
    /// travels as one attribute, separated by them.
    Tag,
    "tag",
    200
);

impl Tag {
    /// Checks a tag.
    ///
    /// # Errors
    /// [`NameError`] if it is empty, longer than [`Tag::BYTES_MAX`], or has spaces, commas or control characters.
    pub fn new(name: impl AsRef<str>) -> Result<Self, NameError> {
        let name = name.as_ref();
        check("tag", name, Self::BYTES_MAX)?;
        if name.contains(',') {
            return Err(refuse("tag", name, "has a comma"));
        }
        Ok(Self(name.into()))
    }
}
