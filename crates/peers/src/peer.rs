//! What a peer has to do, so that it does the same work as the log.

use std::path::Path;

use tradewind_bench::measure::Fresh;

use crate::error::Failure;

/// An engine that keeps an event store. One thread writes at a time.
pub(crate) trait Peer: Send + Sized + 'static {
    /// Its name in the figures.
    const NAME: &'static str;
    /// An event, prepared as far as its writer's own thread can.
    type Job: Send;

    /// Opens the store in a folder, or begins one.
    fn open(folder: &Path) -> Result<Self, Failure>;

    /// Prepares an event.
    fn prepare(event: &Fresh<'_>) -> Self::Job;

    /// Checks the expected revisions and records the events in one transaction, durable when it returns. The work
    /// is such that no check fails; one that does fails the whole.
    fn commit(&mut self, jobs: Vec<Self::Job>) -> Result<(), Failure>;

    /// Calls back with the data of every event, by position.
    fn replay(&mut self, each: &mut dyn FnMut(&[u8])) -> Result<(), Failure>;

    /// Reads a stream's events by revision; answers how many there are.
    fn stream(&mut self, name: &str) -> Result<usize, Failure>;
}
