//! How long a connection on which nothing is under way may stay.

use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::Instant;

use super::progress::Progress;
use crate::Patience;

/// Watches an HTTP/2 connection; hyper limits itself how long one of HTTP/1.1 waits for its next request.
pub(super) struct Idle {
    at_most: Duration,
    /// How many requests there had been when it was last looked at.
    begun: usize,
    since: Option<Instant>,
    patience: Option<Patience>,
}

impl Idle {
    pub(super) fn new(at_most: Duration) -> Self {
        Self { at_most, begun: 0, since: None, patience: None }
    }

    /// Ready when nothing has been under way for too long. Before the first request it is never.
    pub(super) fn poll_over(&mut self, progress: &Progress, context: &mut Context<'_>) -> Poll<()> {
        let (begun, ended) = progress.streams();
        if begun != ended || begun == 0 {
            self.since = None;
            return Poll::Pending;
        }
        if begun != self.begun {
            (self.begun, self.since) = (begun, None);
        }
        let until = *self.since.get_or_insert_with(Instant::now) + self.at_most;
        self.patience.get_or_insert_with(|| Patience::new(until)).poll_until(until, context)
    }
}
