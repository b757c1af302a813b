//! What may go wrong with a call, and what its author wants then.

use std::time::Duration;

use serde_json::Value;

/// What is answered when a call fails: first a stored answer that is stale, if that is allowed and there is one, and
/// behind it what is said here.
#[derive(Debug, Clone, PartialEq)]
pub struct OnFailure {
    /// How long past its freshness a stored answer may be.
    pub stale: Option<Duration>,
    /// What comes when there is none.
    pub instead: Instead,
}

/// What takes the place of an answer that there is not.
#[derive(Debug, Clone, PartialEq)]
pub enum Instead {
    /// The whole answer fails.
    Error,
    /// Nothing: the selection's fields of the call are not there.
    Omit,
    /// This, as if the service had answered it.
    Default(Value),
}

impl OnFailure {
    /// The whole answer fails.
    pub const ERROR: Self = Self { stale: None, instead: Instead::Error };
    /// The call is left out.
    pub const OMIT: Self = Self { stale: None, instead: Instead::Omit };

    /// Something else is answered.
    #[must_use]
    pub fn default_value(value: Value) -> Self {
        Self { stale: None, instead: Instead::Default(value) }
    }

    /// A stale answer, and behind it this.
    #[must_use]
    pub fn or_stale(self, at_most: Duration) -> Self {
        Self { stale: Some(at_most), ..self }
    }
}

/// Why there is no answer of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Failed {
    /// The service cannot be reached, or is not asked because it fails too often.
    #[error("the service is unavailable")]
    Unavailable,
    /// It did not answer in time.
    #[error("the service did not answer in time")]
    Timeout,
    /// It answered something else than success.
    #[error("the service answered {0}")]
    Status(u16),
    /// Its answer is larger than allowed.
    #[error("the service's answer is too large")]
    TooLarge,
    /// Its answer is not JSON.
    #[error("the service's answer is not JSON")]
    Garbage,
    /// Its answer has another shape than the selection, or goes too deep.
    #[error("the service's answer has not the shape that is selected from it")]
    Shape,
    /// The stored answer is staler than allowed.
    #[error("the stored answer is too stale")]
    Stale,
    /// It is asked for as of another time, and the answer does not say that it is.
    #[error("the service does not answer as of another time")]
    Timeless,
    /// Nothing is stored that answers it, and the client wants nothing else (`only-if-cached`).
    #[error("nothing is stored that answers this, and the request allows nothing else (only-if-cached)")]
    NotCached,
    /// A call that it takes values from has failed, and nothing takes its place.
    #[error("a call that it takes values from has failed")]
    Dependency,
    /// A value that it takes from an earlier answer is not there, is no plain value, or cannot be part of a path.
    #[error("a value that it takes from another call cannot be used")]
    Value,
    /// An earlier answer has more elements than calls may be made for, or values than a call may take.
    #[error("it would be made for too many elements")]
    TooMany,
    /// An earlier answer has no element: there is nothing to ask. Not a failure, and never an error of the whole.
    #[error("there is nothing to ask for")]
    NoElements,
}

impl Failed {
    /// The reason, as a token (RFC 9651) for a header or a label.
    #[must_use]
    pub fn token(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Status(404 | 410) => "not-found",
            Self::Status(_) => "refused",
            Self::TooLarge => "too-large",
            Self::Garbage => "garbage",
            Self::Shape => "shape",
            Self::Stale => "too-stale",
            Self::Timeless => "timeless",
            Self::NotCached => "not-cached",
            Self::Dependency => "dependency",
            Self::Value => "value",
            Self::TooMany => "too-many",
            Self::NoElements => "no-elements",
        }
    }

    /// The status of the whole answer when this ends it: what concerns the client (what it may not see, what there is
    /// not) as the service says it, and the rest as what a gateway meets behind it (RFC 9110, 15.6).
    #[must_use]
    pub fn status(self) -> u16 {
        match self {
            // The request's, which asks for what there never is.
            Self::Timeless => 400,
            Self::Unavailable | Self::Stale => 503,
            // For what is not stored, RFC 9111 §5.2.1.7.
            Self::Timeout | Self::NotCached => 504,
            Self::Status(status @ (401 | 403 | 404 | 410 | 429 | 503)) => status,
            _ => 502,
        }
    }
}
