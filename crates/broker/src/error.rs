//! Why a broker did not do what it was asked to.

use tradewind_events::ErrorCode;

/// Why a broker cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub enum BrokerError {
    /// The URL cannot be understood. It is told without what stands before the `@`.
    #[error("the broker's URL {url:?} cannot be used: {problem}")]
    Url {
        /// The URL, without credentials.
        url: String,
        /// What is wrong with it.
        problem: String,
    },
    /// It cannot be reached, or the connection broke.
    #[error("the broker cannot be reached: {0}")]
    Unavailable(String),
    /// No answer in time.
    #[error("the broker did not answer within {0} ms")]
    Timeout(u64),
    /// It does not let us: a login, a right, something that is there with other settings.
    #[error("the broker refuses: {0}")]
    Refused(String),
    /// Somebody else has published on the topic since it was looked at.
    #[error("somebody else publishes on the topic: {0}")]
    Conflict(String),
    /// What it was asked for can never work.
    #[error("{0}")]
    Invalid(String),
}

impl BrokerError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Url { .. } => ErrorCode::INVALID_BROKER_URL,
            Self::Unavailable(_) | Self::Timeout(_) => ErrorCode::BROKER_UNAVAILABLE,
            Self::Refused(_) | Self::Invalid(_) => ErrorCode::BROKER_REFUSED,
            Self::Conflict(_) => ErrorCode::PUBLISH_CONFLICT,
        }
    }
}

impl From<crate::NameError> for BrokerError {
    fn from(error: crate::NameError) -> Self {
        Self::Invalid(error.to_string())
    }
}

/// Why a batch was not confirmed to its end. Whether what is behind the confirmed part has reached the broker is
/// unknown; the publisher is of no more use, and a new one finds out where it is possible.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{error}")]
pub struct PublishError {
    /// How many messages from the batch's beginning are confirmed.
    pub confirmed: usize,
    /// Why the next one is not.
    pub error: BrokerError,
}
