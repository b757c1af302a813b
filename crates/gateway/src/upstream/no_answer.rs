//! Why a service gave no answer.

use std::time::Duration;

use tradewind_events::ErrorCode;

/// Why there is no answer, after all tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// No connection to any instance: nothing was sent.
    #[error("no instance can be reached")]
    Unreachable,
    /// The connection ended before an answer came: the request may have been carried out.
    #[error("the connection ended without an answer")]
    Broken,
    /// What came is no HTTP, or its head is too large: the request may have been carried out.
    #[error("the answer is not HTTP, or over a limit")]
    Malformed,
    /// The request's own body broke off or is malformed.
    #[error("the request's body broke off or is malformed")]
    RequestBody,
    /// The client takes too long to send the request's body.
    #[error("the request's body does not come")]
    RequestTimeout,
    /// A try took too long, or all that this side gives: the request may have been carried out.
    #[error("no answer came in time")]
    Timeout,
    /// The request's deadline is over, and no instance is to blame: the request may have been carried out.
    #[error("the deadline is over")]
    Deadline,
    /// So many requests are under way or wait that another was not taken: nothing was sent.
    #[error("too many requests are under way")]
    Busy,
    /// So many requests failed that none is let through: nothing was sent.
    #[error("the circuit breaker is open")]
    BreakerOpen {
        /// After this time some are let through again.
        retry_after: Duration,
    },
}

impl NoAnswer {
    /// Its stable code.
    #[must_use]
    pub fn code(self) -> ErrorCode {
        match self {
            Self::Unreachable | Self::Broken => ErrorCode::UPSTREAM_UNREACHABLE,
            Self::Malformed => ErrorCode::UPSTREAM_MALFORMED,
            Self::RequestBody | Self::RequestTimeout => ErrorCode::REFUSED_REQUEST,
            Self::Timeout | Self::Deadline => ErrorCode::UPSTREAM_TIMEOUT,
            Self::Busy => ErrorCode::UPSTREAM_BUSY,
            Self::BreakerOpen { .. } => ErrorCode::BREAKER_OPEN,
        }
    }

    /// Whether it tells something about the instance that was asked.
    pub(super) fn is_its_fault(self) -> bool {
        matches!(self, Self::Unreachable | Self::Broken | Self::Malformed | Self::Timeout)
    }
}
