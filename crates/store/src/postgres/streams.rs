//! What a writing connection remembers of streams, so that the database need not look for what the same process has
//! just told it.
//!
//! The database believes it only if nothing has been recorded since: whoever is alone with his store spares it two
//! descents into its indexes for each event, and whoever shares it loses nothing but the telling. It goes with the
//! connection, since behind a failover nothing may be as it was.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The most streams that one connection remembers.
const STREAMS_MAX: usize = 32_768;

/// A connection's memory of streams.
#[derive(Default)]
pub(super) struct Streams {
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Where the store stood behind this connection's last batch; 0: it has sent none.
    through: i64,
    /// By name: the stream's number and last revision.
    streams: HashMap<Box<str>, (i64, i64)>,
}

/// What is remembered of some streams, as the database takes it.
pub(super) struct Seen {
    /// The position up to which it is true; none believes it if there is nothing to believe.
    pub(super) through: i64,
    pub(super) numbers: Vec<Option<i64>>,
    pub(super) lasts: Vec<Option<i64>>,
}

impl Streams {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn seen(&self, names: &[&str]) -> Seen {
        let memory = self.lock();
        let known = |name: &&str| memory.streams.get(*name).copied();
        Seen {
            through: memory.through,
            numbers: names.iter().map(|name| known(name).map(|(number, _)| number)).collect(),
            lasts: names.iter().map(|name| known(name).map(|(_, last)| last)).collect(),
        }
    }

    /// Takes over how streams are now. If what was remembered was not believed, others have written, and all of it
    /// is forgotten.
    pub(super) fn learn(&self, believed: bool, through: i64, names: &[&str], numbers: &[i64], lasts: &[i64]) {
        let mut memory = self.lock();
        if !believed || memory.streams.len() + names.len() > STREAMS_MAX {
            memory.streams.clear();
        }
        memory.through = through;
        for ((name, number), last) in names.iter().zip(numbers).zip(lasts) {
            match memory.streams.get_mut(*name) {
                Some(known) => *known = (*number, *last),
                // A stream without a number does not exist, and may yet be made.
                None if *number != 0 => drop(memory.streams.insert((*name).into(), (*number, *last))),
                None => {}
            }
        }
    }
}
