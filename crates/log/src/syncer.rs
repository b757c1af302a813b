//! The thread that waits for the disk, so that the writer need not: while it writes and syncs one round, the writer
//! prepares the next one and shows the one before. It takes the next one by itself, so that the disk never waits
//! for a thread to wake.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use crate::rounds::Rounds;
use crate::state::lock;

struct Desk {
    rounds: Mutex<Rounds>,
    bell: Condvar,
}

/// The thread, and the rounds that it shares with the writer.
pub(crate) struct Syncer {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts the thread. It calls `ring` whenever a round has come back from the disk.
    pub(crate) fn start(rounds: Rounds, ring: impl Fn() + Send + 'static) -> io::Result<Self> {
        let desk = Arc::new(Desk { rounds: Mutex::new(rounds), bell: Condvar::new() });
        let theirs = Arc::clone(&desk);
        let thread = thread::Builder::new().name("log-syncer".to_owned()).spawn(move || theirs.run(&ring))?;
        Ok(Self { desk, thread: Some(thread) })
    }

    pub(crate) fn rounds(&self) -> MutexGuard<'_, Rounds> {
        lock(&self.desk.rounds)
    }

    /// Sends the next round to the disk, if none is there.
    pub(crate) fn send(&self) {
        if self.rounds().send() {
            self.desk.bell.notify_all();
        }
    }

    /// Waits until no round is at the disk, and none goes there until [`Rounds::held`] is taken back.
    pub(crate) fn hold(&self) -> MutexGuard<'_, Rounds> {
        let mut rounds = self.rounds();
        rounds.held = true;
        while rounds.sent().is_some() {
            rounds = self.desk.bell.wait(rounds).unwrap_or_else(PoisonError::into_inner);
        }
        rounds
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        // What is at the disk is waited for: it would be written all the same.
        let mut rounds = self.hold();
        rounds.closed = true;
        drop(rounds);
        self.desk.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked: a panic of the storage is an error like any other.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn run(&self, ring: &dyn Fn()) {
        let mut rounds = lock(&self.rounds);
        while !rounds.closed {
            let Some(write) = rounds.sent().map(|round| round.write()) else {
                rounds = self.bell.wait(rounds).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(rounds);
            let written = catch_unwind(AssertUnwindSafe(|| write.run()))
                .unwrap_or_else(|_| Err(io::Error::other("the storage panicked")));
            // Or the bytes could not be used again.
            drop(write);
            rounds = lock(&self.rounds);
            rounds.land(written);
            rounds.send();
            drop(rounds);
            self.bell.notify_all();
            ring();
            rounds = lock(&self.rounds);
        }
    }
}
