//! The log, read as the peers are.

use std::path::Path;

use tradewind_bench::store::LogEngine;

use crate::error::Failure;

/// Its name in the figures.
pub(crate) const NAME: &str = "tradewind";

/// Calls back with the data of every event, by position.
pub(crate) fn replay(engine: &LogEngine, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure> {
    engine.log().replay(0, |record| {
        each(record.get().data());
        true
    })?;
    Ok(())
}

/// Reads a stream's events by revision; answers how many there are.
pub(crate) fn stream(engine: &LogEngine, name: &str) -> Result<usize, Failure> {
    Ok(engine.log().read_stream(name, 0, false, usize::MAX >> 1)?.records.len())
}

/// Opens the log.
pub(crate) fn open(folder: &Path) -> Result<LogEngine, Failure> {
    Ok(LogEngine::open(folder)?)
}
