//! The process that is killed: it appends as fast as it can and says what it was told.

use std::fmt;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tradewind_log::DiskStorage;
use tradewind_testkit::disk::Random;

use super::session::{Session, options};
use super::write::{Belief, Event, Part, Write, event};

const THREADS: usize = 4;
/// It ends by itself after this time, should its parent have died.
const LIFE_MAX: Duration = Duration::from_secs(60);

/// What the parent asks for, as one line of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// Where the log is.
    pub folder: PathBuf,
    /// What the writes are made of.
    pub seed: u64,
    /// The first write.
    pub start: u64,
    /// How long segments are.
    pub segment_bytes: u32,
}

/// What the child says, one line each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Said {
    /// All writes before this one may be on their way.
    Sent {
        /// The first that is not.
        before: u64,
    },
    /// A write is durable.
    Acknowledged {
        /// Which.
        index: u64,
        /// Its first position.
        first: u64,
        /// Its last position.
        last: u64,
    },
}

impl fmt::Display for Assignment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {} {}", self.seed, self.start, self.segment_bytes, self.folder.display())
    }
}

impl Assignment {
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.trim_end().splitn(4, ' ');
        Some(Self {
            seed: words.next()?.parse().ok()?,
            start: words.next()?.parse().ok()?,
            segment_bytes: words.next()?.parse().ok()?,
            folder: words.next()?.into(),
        })
    }
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sent { before } => write!(f, "sent {before} ."),
            Self::Acknowledged { index, first, last } => write!(f, "told {index} {first} {last} ."),
        }
    }
}

impl Said {
    /// Reads a line; none if it is not whole or something else.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            ["sent", before, "."] => Some(Self::Sent { before: before.parse().ok()? }),
            ["told", index, first, last, "."] => Some(Self::Acknowledged {
                index: index.parse().ok()?,
                first: first.parse().ok()?,
                last: last.parse().ok()?,
            }),
            _ => None,
        }
    }
}

/// The write with a number: the same for the parent as for the child.
#[must_use]
pub fn write_of(seed: u64, index: u64) -> Write {
    let mut random = Random::part(seed, index);
    let count = if random.one_in(20) { 12 } else { 1 + random.index(3) };
    let mut events: Vec<Event> = (0..count)
        .map(|number| Event {
            id: u128::from(seed) << 64 | u128::from(index) << 8 | number as u128,
            ..event(&mut random, 900)
        })
        .collect();
    let first = format!("order-{}", index % 40);
    let mut parts = vec![];
    if count > 1 && random.one_in(3) {
        let others = events.split_off(1);
        parts.push(Part { stream: format!("customer-{}", index % 7), belief: Belief::Any, events: others });
    }
    parts.insert(0, Part { stream: first, belief: Belief::Any, events });
    Write { parts, condition: None }
}

/// Which write an event is of.
#[must_use]
pub fn index_of(id: u128) -> u64 {
    (id as u64) >> 8
}

/// Reads the assignment from standard input and appends until it is killed.
///
/// # Errors
/// If the assignment cannot be read, the log not be opened, or a write is not acknowledged.
pub fn main() -> io::Result<()> {
    let mut line = String::new();
    io::stdin().read_line(&mut line)?;
    let assignment = Assignment::parse(&line).ok_or_else(|| io::Error::other("the assignment is malformed"))?;
    let storage = DiskStorage::new(&assignment.folder)?;
    let mut options = options(assignment.segment_bytes);
    options.map_sealed = assignment.seed % 2 == 1;
    let session = Session::open(Arc::new(storage), options).map_err(io::Error::other)?;
    let next = AtomicU64::new(assignment.start);
    let deadline = Instant::now() + LIFE_MAX;
    thread::scope(|scope| {
        let threads: Vec<_> =
            (0..THREADS).map(|_| scope.spawn(|| work(&session, assignment.seed, &next, deadline))).collect();
        threads.into_iter().try_for_each(|thread| {
            thread.join().unwrap_or_else(|_| Err(io::Error::other("a thread of the child panicked")))
        })
    })
}

fn work(session: &Session, seed: u64, next: &AtomicU64, deadline: Instant) -> io::Result<()> {
    while Instant::now() < deadline {
        let index = next.fetch_add(1, Ordering::SeqCst);
        say(Said::Sent { before: index + 1 })?;
        let answer = session.append(&write_of(seed, index)).map_err(|why| io::Error::other(format!("{why:?}")))?;
        say(Said::Acknowledged { index, first: answer.first, last: answer.last })?;
    }
    Ok(())
}

/// Written at once and whole: what was said before a kill stays said.
fn say(word: Said) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(format!("{word}\n").as_bytes())?;
    out.flush()
}
