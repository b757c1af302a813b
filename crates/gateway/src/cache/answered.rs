//! What the cache tells its caller beside the answer.

use std::time::Duration;

use tradewind_events::Position;

use super::fetch::FetchError;

/// In an answer's extensions if it was made of what is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reused {
    /// How old it is.
    pub age: Duration,
    /// How long it has been fresh no more; nothing if it is.
    pub stale_for: Option<Duration>,
    /// What it shows, if the service has told.
    pub position: Option<Position>,
}

/// Why there is no answer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Unanswered {
    /// The service gave none, and nothing stored may stand in for it.
    #[error(transparent)]
    Failed(#[from] FetchError),
    /// The client wanted it from the cache only (`only-if-cached`): 504 (RFC 9111 §5.2.1.7).
    #[error("nothing is stored that could answer this, and the client wanted nothing else")]
    OnlyIfCached,
    /// It took longer than who asks can wait, and nothing stored may stand in.
    #[error("no answer came in the time of who asks")]
    TooLate,
}
