//! Why a service's answer cannot be had through the cache: told in one way, since a route and a composition's call that
//! ask for the same wait for one another.

use crate::cache::FetchError;
use crate::compose::Failed;
use crate::policy::sizes::body_too_large;
use crate::problem::Problem;
use crate::upstream::NoAnswer;

/// Why a service's answer cannot be had.
#[derive(Debug, Clone, Copy, thiserror::Error)]
pub(super) enum Unfetched {
    #[error(transparent)]
    NoAnswer(NoAnswer),
    #[error("the request's body is larger than {0} bytes")]
    BodyTooLarge(u64),
    #[error("the answer has larger headers than are passed on")]
    HeadersTooLarge,
    #[error("the answer broke off")]
    BrokenOff,
    #[error("the answer did not come to its end in time")]
    Late,
    #[error("the answer is larger than a call takes")]
    TooLarge,
    #[error("the answer is not JSON")]
    NotJson,
}

impl Unfetched {
    /// What it is to whoever has asked; nothing for what is said by somebody else.
    pub(super) fn of(error: &FetchError) -> Option<Self> {
        error.downcast_ref().copied()
    }

    /// What the client of a route is told.
    pub(super) fn problem(self, service: &str) -> Problem {
        match self {
            Self::NoAnswer(why) => Problem::no_answer(service, why),
            Self::BodyTooLarge(max) => body_too_large(max),
            Self::HeadersTooLarge => Problem::headers_too_large(service),
            Self::Late => Problem::no_answer(service, NoAnswer::Timeout),
            Self::BrokenOff | Self::TooLarge | Self::NotJson => Problem::broken(service),
        }
    }

    /// What it is to a composition.
    pub(super) fn failed(self) -> Failed {
        match self {
            Self::NoAnswer(NoAnswer::Timeout | NoAnswer::Deadline) | Self::Late => Failed::Timeout,
            Self::NoAnswer(NoAnswer::Malformed) | Self::NotJson => Failed::Garbage,
            Self::TooLarge => Failed::TooLarge,
            Self::NoAnswer(
                NoAnswer::Unreachable
                | NoAnswer::Broken
                | NoAnswer::RequestBody
                | NoAnswer::RequestTimeout
                | NoAnswer::Busy
                | NoAnswer::BreakerOpen { .. },
            )
            | Self::BodyTooLarge(_)
            | Self::HeadersTooLarge
            | Self::BrokenOff => Failed::Unavailable,
        }
    }
}
