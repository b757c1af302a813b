//! Why an event was not met, and what is to be done with it for that.

use tradewind_events::Timestamp;

use crate::CommandError;
use crate::commands::LoadError;

/// Why a reaction did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ReactionError {
    /// Trying again may help. The event's own key waits, and is tried again after pauses that grow, while all others
    /// go on; when it has failed too often while others succeeded, it is parked as `exhausted`.
    #[error("{0}")]
    Transient(String),
    /// Trying again is no use: the event's own key is parked until somebody looks, while all others go on.
    #[error("{0}")]
    Poison(String),
    /// The event is not what its type promises: as poison, but told apart.
    #[error("{0}")]
    Unreadable(String),
    /// Something that is needed for every event is down. The reaction pauses until it is back, tries it with one event
    /// at a time, and counts no attempts.
    #[error("{0}")]
    Unavailable(String),
    /// It is too early: the event is to come again at this moment. This is no failure. It survives restarts.
    #[error("it is to come again at {0}")]
    Again(Timestamp),
}

impl From<CommandError> for ReactionError {
    fn from(error: CommandError) -> Self {
        match &error {
            CommandError::Contention { .. } => Self::Transient(error.to_string()),
            CommandError::Load(load) if load.is_transient() => Self::Unavailable(error.to_string()),
            CommandError::Append(_) if error.is_transient() => Self::Unavailable(error.to_string()),
            CommandError::Load(LoadError::Upcast(_) | LoadError::Undecodable { .. }) => {
                Self::Unreadable(error.to_string())
            }
            _ => Self::Poison(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for ReactionError {
    fn from(error: serde_json::Error) -> Self {
        Self::Unreadable(error.to_string())
    }
}

/// The kinds of failures for which a key is parked: by these names they are listed and redriven.
pub(crate) mod class {
    /// The reaction said that trying again is no use.
    pub(crate) const POISON: &str = "poison";
    /// The event, or one that it needs, cannot be read.
    pub(crate) const UNREADABLE: &str = "unreadable";
    /// The reaction fell over it.
    pub(crate) const PANIC: &str = "panic";
    /// It has failed too often while others succeeded.
    pub(crate) const EXHAUSTED: &str = "exhausted";
    /// It has failed, and is tried again.
    pub(crate) const TRANSIENT: &str = "transient";
    /// What it needs is down.
    pub(crate) const UNAVAILABLE: &str = "unavailable";
}
