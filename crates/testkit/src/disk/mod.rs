//! A disk that fails in every way that a real one does, and in the same way again for the same seed.
//!
//! It keeps apart what readers see (the page cache) and what survives (the platter): bytes in sectors of 512, each
//! of which reaches the platter when it wants to until a sync brings all of them there, and names, likewise until
//! the names are synced. A crash leaves any subset of the two. Nothing here tells time or starts a thread: what
//! hangs, hangs until it is released.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tradewind_log::Storage;

pub use fault::{Effect, Fault, Operation};
pub use persist::Persist;
pub use random::Random;

use inode::SECTOR;
use machine::Machine;
use state::State;

mod fault;
mod inode;
mod machine;
mod names;
mod persist;
mod random;
mod state;
#[cfg(test)]
mod tests;

/// The disk, as seen from outside: where its faults are planned, its power is cut and its platter is looked at.
#[derive(Clone)]
pub struct SimulatedDisk {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panics with the lock held has failed already; the others should still say what they saw.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl SimulatedDisk {
    /// An empty disk of unlimited size. All that chance decides follows from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::from_state(State::new(seed))
    }

    fn from_state(state: State) -> Self {
        Self { shared: Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() }) }
    }

    /// A second disk with the same content, cache and names, without planned faults, that goes its own way from here.
    #[must_use]
    pub fn fork(&self, seed: u64) -> Self {
        Self::from_state(self.shared.state().fork(seed))
    }

    /// The disk as the machine that runs now sees it. After a crash, handles from before it only give errors.
    #[must_use]
    pub fn storage(&self) -> Arc<dyn Storage> {
        let generation = self.shared.state().generation;
        Arc::new(Machine { shared: Arc::clone(&self.shared), generation })
    }

    /// Plans a fault.
    pub fn plan(&self, fault: Fault) {
        self.shared.state().plan.add(fault);
    }

    /// Forgets the faults that are planned and have not happened.
    pub fn clear_plan(&self) {
        self.shared.state().plan.clear();
    }

    /// How many planned faults have not happened yet.
    #[must_use]
    pub fn planned(&self) -> usize {
        self.shared.state().plan.pending()
    }

    /// Cuts the power in the middle of the operation with this number, as [`Self::operations`] counts them.
    pub fn crash_at(&self, operation: u64) {
        self.shared.state().plan.crash_at = Some(operation);
    }

    /// How many operations have changed something so far.
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.shared.state().plan.operations
    }

    /// Whether the power has been cut, so that every handle only gives errors until [`Self::crash`] restarts it.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.shared.state().down
    }

    /// Cuts the power, if it is not cut yet, and starts the machine again: what was not synced is there or not, as
    /// chance decides.
    pub fn crash(&self) {
        self.shared.state().crash(None);
        self.shared.changed.notify_all();
    }

    /// As [`Self::crash`], and says what remains.
    pub fn crash_keeping(&self, persist: Persist) {
        self.shared.state().crash(Some(persist));
        self.shared.changed.notify_all();
    }

    /// Ends the process, not the machine: its handles and its lock go, the page cache stays.
    pub fn kill(&self) {
        self.shared.state().kill();
        self.shared.changed.notify_all();
    }

    /// Lets the page cache forget what is not on the way to the platter, so that readers see what the platter holds.
    pub fn evict(&self) {
        self.shared.state().evict();
    }

    /// Limits the disk to so many bytes of content; none: no limit.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.shared.state().capacity = bytes.map(|bytes| bytes / SECTOR as u64);
    }

    /// The bytes that the content takes.
    #[must_use]
    pub fn used(&self) -> u64 {
        self.shared.state().used() * SECTOR as u64
    }

    /// Lets what hangs go on.
    pub fn release(&self) {
        self.shared.state().release();
        self.shared.changed.notify_all();
    }

    /// Waits until something hangs; false if nothing does in this time.
    #[must_use]
    pub fn wait_until_hanging(&self, timeout: Duration) -> bool {
        let state = self.shared.state();
        let waited = self.shared.changed.wait_timeout_while(state, timeout, |state| state.hanging == 0);
        !waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// The names in the folder, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.shared.state().names.live().keys().cloned().collect()
    }

    /// What a reader sees of a file.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn content(&self, name: &str) -> io::Result<Vec<u8>> {
        self.shared.state().inode(name).map(|inode| inode.cache().to_vec())
    }

    /// What the platter holds of a file.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn platter(&self, name: &str) -> io::Result<Vec<u8>> {
        self.shared.state().inode(name).map(|inode| inode.platter().to_vec())
    }

    /// Overwrites part of a file on the platter, as damage does: nobody is asked and nothing is counted.
    ///
    /// # Errors
    /// `NotFound`.
    pub fn damage(&self, name: &str, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.shared.state().inode(name).map(|inode| inode.damage(offset, bytes))
    }

    /// Turns one bit of a file, on the platter and in the cache.
    ///
    /// # Errors
    /// `NotFound`, or `UnexpectedEof` if the file is shorter.
    pub fn flip(&self, name: &str, bit: u64) -> io::Result<()> {
        let content = self.content(name)?;
        let at = usize::try_from(bit / 8).map_err(io::Error::other)?;
        let byte = content.get(at).ok_or(io::ErrorKind::UnexpectedEof)?;
        self.damage(name, bit / 8, &[byte ^ (1 << (bit % 8))])
    }

    /// Puts a file in place, durably, as if it had always been there.
    pub fn plant(&self, name: &str, bytes: Vec<u8>) {
        self.shared.state().plant(name, bytes);
    }

    /// Takes a file away, durably, as if it had never been there.
    pub fn uproot(&self, name: &str) {
        self.shared.state().names.uproot(name);
    }
}
