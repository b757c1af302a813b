//! Who has had an effect of what.

use crate::OutboxError;

/// Whoever handles messages once: one read model, reaction or importer of a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Follower(String);

impl Follower {
    /// The most bytes of a name.
    pub const BYTES_MAX: usize = 128;

    /// A follower.
    ///
    /// # Errors
    /// [`OutboxError::Invalid`] if the name is empty, too long or has control characters.
    pub fn new(name: impl Into<String>) -> Result<Self, OutboxError> {
        let name = name.into();
        if name.is_empty() || name.len() > Self::BYTES_MAX || name.chars().any(char::is_control) {
            let problem = format!("a follower's name has 1 to {} bytes and no control characters", Self::BYTES_MAX);
            return Err(OutboxError::Invalid(problem));
        }
        Ok(Self(name))
    }

    /// Its name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
