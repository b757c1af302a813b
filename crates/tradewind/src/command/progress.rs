//! Progress for a person, on standard error, where there is one to see it.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// One line that is written over again, a few times a second.
pub(crate) struct Progress {
    shown: Option<Instant>,
    is_terminal: bool,
}

/// How often the line changes at most.
const PAUSE: Duration = Duration::from_millis(200);

impl Progress {
    pub(crate) fn new() -> Self {
        Self { shown: None, is_terminal: io::stderr().is_terminal() }
    }

    pub(crate) fn show(&mut self, text: impl FnOnce() -> String) {
        if self.is_terminal && self.shown.is_none_or(|shown| shown.elapsed() >= PAUSE) {
            self.shown = Some(Instant::now());
            // Progress that cannot be shown is no reason to stop.
            let _ = write!(io::stderr(), "\r\x1b[K{}", text());
        }
    }

    /// Clears the line.
    pub(crate) fn end(&mut self) {
        if self.shown.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
