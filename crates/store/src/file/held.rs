//! The log, held by those who may use it: when the last of them lets go of it, it is closed and its folder is free.

use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tradewind_log::Log;

/// How long who lets go waits for reads under way. A disk that hangs longer keeps the folder until it answers.
const READS_END_WITHIN: Duration = Duration::from_secs(1);

/// The log, shared with reads under way, and lent to nobody else once this is dropped.
pub(super) struct Held {
    /// None only while it is dropped.
    log: Option<Arc<Log>>,
}

impl Held {
    pub(super) fn new(log: Log) -> Self {
        Self { log: Some(Arc::new(log)) }
    }
}

impl Deref for Held {
    type Target = Arc<Log>;

    fn deref(&self) -> &Arc<Log> {
        match &self.log {
            Some(log) => log,
            None => unreachable!("only who drops it takes it out"),
        }
    }
}

impl Drop for Held {
    /// Closes the log here and now, not wherever the last reader happens to end: who has dropped a store may open its
    /// folder at once.
    fn drop(&mut self) {
        let until = Instant::now() + READS_END_WITHIN;
        let mut held = self.log.take();
        while let Some(log) = held.take() {
            match Arc::try_unwrap(log) {
                Ok(log) => drop(log),
                // A reader who waited no longer, or the newest events on their way to others.
                Err(log) if Instant::now() < until => {
                    held = Some(log);
                    std::thread::sleep(Duration::from_millis(1));
                }
                Err(log) => drop(log),
            }
        }
    }
}
