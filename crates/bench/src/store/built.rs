//! A log full of events, for the measurements of reading.

use std::path::{Path, PathBuf};

use tradewind_log::{Log, Options};

use super::engine::options;
use super::{LogEngine, SEED};
use crate::BenchError;
use crate::measure::{Lengths, Until, Work, drive};

/// How many streams grow side by side: so far apart are the events of one.
const STREAMS_AT_ONCE: usize = 1_024;
/// Which streams are remembered, for reading them.
const WATCHED_LENGTH: u64 = 20;

/// A closed log in a folder, and what is known of it.
#[derive(Debug)]
pub struct BuiltLog {
    folder: PathBuf,
    events: u64,
    streams: Vec<String>,
}

impl BuiltLog {
    /// Writes events one by one, as the work brings them, and closes the log.
    ///
    /// # Errors
    /// [`BenchError`].
    pub fn build(folder: &Path, events: u64) -> Result<Self, BenchError> {
        let engine = LogEngine::open(folder)?;
        let mut works = [Work::new(SEED, STREAMS_AT_ONCE, Lengths::default()).watching(WATCHED_LENGTH)];
        let run = drive(&engine, &mut works, STREAMS_AT_ONCE, Until::Events(events))?;
        engine.log().settle();
        drop(engine);
        let [work] = works;
        let mut streams = work.found();
        // Those that were growing at the end may be short.
        streams.truncate(streams.len().saturating_sub(STREAMS_AT_ONCE));
        Ok(Self { folder: folder.to_owned(), events: run.events, streams })
    }

    /// Opens it anew, with its sealed segments read by calls or mapped into memory.
    ///
    /// # Errors
    /// [`BenchError::Open`].
    pub fn open(&self, mapped: bool) -> Result<Log, BenchError> {
        Ok(Log::open_folder(&self.folder, Options { map_sealed: mapped, ..options() })?)
    }

    /// Where it is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// How many events it has.
    #[must_use]
    pub fn events(&self) -> u64 {
        self.events
    }

    /// The streams that have twenty events.
    #[must_use]
    pub fn streams(&self) -> &[String] {
        &self.streams
    }
}
