//! The access log: a line for each request when its answer has ended, or broken off.
//!
//! A request that is logged carries a [`Watch`], and its answer's body becomes a [`Watched`], which knows when it ends;
//! [`line`] is what is written of it, as JSON or as text; [`writing`] is the queue and the thread behind it. A request
//! never waits for any of this: what the queue has no room for is counted and forgotten.

mod line;
mod watch;
mod writing;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tradewind_events::{Clock, SystemClock};

pub(crate) use watch::{Watch, Watched};

use line::Line;
use writing::{File, Writing};

/// What is logged of requests, and where. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct AccessLog(Arc<Inner>);

struct Inner {
    options: AccessLogOptions,
    writing: Writing,
    clock: Arc<dyn Clock>,
}

/// What a line looks like, and how many may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessLogOptions {
    /// How a line is written.
    pub format: AccessFormat,
    /// Whether queries are logged too. They may hold what is nobody's business.
    pub query: bool,
    /// Lines that may wait to be written; those beyond are dropped, and counted.
    pub lines_at_most: usize,
}

impl Default for AccessLogOptions {
    fn default() -> Self {
        Self { format: AccessFormat::Json, query: false, lines_at_most: 8_192 }
    }
}

/// How a line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AccessFormat {
    /// A JSON object.
    #[default]
    Json,
    /// Words, and `name=value`.
    Text,
}

impl AccessLog {
    /// Begins to log to whatever takes bytes; each write is of whole lines.
    ///
    /// # Errors
    /// If there can be no more threads.
    pub fn to(options: AccessLogOptions, to: impl io::Write + Send + 'static) -> io::Result<Self> {
        let writing = Writing::start(options.lines_at_most, to)?;
        Ok(Self(Arc::new(Inner { options, writing, clock: Arc::new(SystemClock) })))
    }

    /// Begins to log to the end of a file, which is opened anew when it has been moved away.
    ///
    /// # Errors
    /// If it cannot be opened for writing.
    pub fn to_file(options: AccessLogOptions, file: &Path) -> io::Result<Self> {
        Self::to(options, File::open(file)?)
    }

    /// Lines that were dropped since the queue was full, or what they are written to took them no more.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.0.writing.dropped()
    }

    /// Waits until all that has been logged is written, but no longer than this.
    pub async fn written(&self, at_most: Duration) {
        self.0.writing.written(at_most).await;
    }

    fn log(&self, line: &Line<'_>) {
        let mut bytes = Vec::with_capacity(512);
        match self.0.options.format {
            AccessFormat::Json => line.json(&mut bytes),
            AccessFormat::Text => line.text(&mut bytes),
        }
        bytes.push(b'\n');
        self.0.writing.send(bytes);
    }
}

impl std::fmt::Debug for AccessLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessLog").field("options", &self.0.options).finish_non_exhaustive()
    }
}
