//! The move: copy while writers go on, compare, stop them, copy and compare the rest, and tell them where to go.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use tradewind_events::{AppendError, ErrorCode, Position, ReadError, Revision, StreamId};

use super::digest::{Digest, difference};
use super::{Kept, Movable};

/// How many events are read at once.
const PAGE_EVENTS: usize = 2_000;
/// So close to the source's head writers are stopped: one page is copied and compared in no time.
const CLOSE_EVENTS: u64 = 500;
/// A source that is written to faster than it can be copied: then it is stopped further behind.
const ROUNDS_MAX: usize = 32;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Events are copied.
    Copying {
        /// Up to where.
        at: Position,
        /// Where the source is.
        head: Position,
    },
    /// Events are compared.
    Comparing {
        /// Up to where.
        at: Position,
        /// How far there is something to compare.
        head: Position,
    },
    /// Writers are stopped.
    Switching,
}

/// What was moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moved {
    /// How many events the store has, those that were given up included: its last position.
    pub events: u64,
    /// How many of them were there already, by a move that was interrupted.
    pub there_before: u64,
    /// How many of them had been given up by truncations.
    pub given_up: u64,
    /// How many streams had been truncated.
    pub truncated: u64,
    /// How many snapshots came along.
    pub snapshots: u64,
    /// XXH3 of all fields of all events, the same in both stores.
    pub checksum: u128,
    /// How long writers waited.
    pub stopped: Duration,
}

/// Why a store was not moved. The source is as it was, and takes appends; only after
/// [`AppendError::OutcomeUnknown`] it may have moved.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// One of them cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// One of them refused.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// Two URLs of one store.
    #[error("source and target are the same store")]
    Same,
    /// The target holds something else.
    #[error("the target holds another store's events: {0}")]
    Occupied(String),
    /// What was copied is not what was there.
    #[error("position {position} differs in its {field} between source and target")]
    Differs {
        /// Where.
        position: Position,
        /// In what.
        field: &'static str,
    },
}

impl MoveError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::Read(error) => error.code(),
            Self::Append(error) => error.code(),
            Self::Same | Self::Occupied(_) | Self::Differs { .. } => ErrorCode::CANNOT_MOVE,
        }
    }
}

/// Moves a store, and leaves in the old one that it is at `to` now. Interrupted, it is simply done again and goes on
/// where it was.
///
/// # Errors
/// [`MoveError`]. Only behind its last step is anything in the source changed.
pub fn relocate<'a>(
    source: &'a dyn Movable,
    target: &'a dyn Movable,
    to: &'a str,
    progress: &'a mut (dyn FnMut(Progress) + Send),
) -> BoxFuture<'a, Result<Moved, MoveError>> {
    // Boxed here, so that it is compiled here: the body of an async function is compiled by who awaits it.
    Box::pin(run(source, target, to, progress))
}

async fn run(
    source: &dyn Movable,
    target: &dyn Movable,
    to: &str,
    progress: &mut (dyn FnMut(Progress) + Send),
) -> Result<Moved, MoveError> {
    let there_before = begin(source, target).await?;
    let mut run = Run { source, target, copied: there_before, compared: Compared::default(), progress };
    for _ in 0..ROUNDS_MAX {
        run.catch_up(Position::END).await?;
        if source.head().await?.0 - run.copied.0 <= CLOSE_EVENTS {
            break;
        }
    }
    // Snapshots are worth nothing to whoever has all events, so what is saved from here on need not come along.
    let snapshots = carry_snapshots(source, target).await?;
    (run.progress)(Progress::Switching);
    let begun = Instant::now();
    let writers = source.stop_writers(to).await?;
    let head = source.head().await?;
    run.catch_up(head).await?;
    if target.head().await? != head {
        let problem = format!("it is at position {}, the source at {head}", target.head().await?);
        return Err(MoveError::Occupied(problem));
    }
    let truncated = truncate(source, target).await?;
    writers.moved().await?;
    let stopped = begun.elapsed();
    let Compared { given_up, digest, .. } = run.compared;
    let (events, there_before, checksum) = (head.0, there_before.0, digest.value());
    Ok(Moved { events, there_before, given_up, truncated, snapshots, checksum, stopped })
}

/// Whether the target is empty or holds a beginning of the source; how far it is.
async fn begin(source: &dyn Movable, target: &dyn Movable) -> Result<Position, MoveError> {
    if source.identity().await? == target.identity().await? {
        return Err(MoveError::Same);
    }
    let (theirs, ours) = (target.head().await?, source.head().await?);
    if theirs == Position::START {
        return Ok(theirs);
    }
    if theirs > ours {
        return Err(MoveError::Occupied(format!("it is at position {theirs}, the source at {ours}")));
    }
    let before = Position(theirs.0 - 1);
    let (here, there) = (source.kept(before, 1).await?, target.kept(before, 1).await?);
    let (Some(here), Some(there)) = (here.first(), there.first()) else {
        return Err(MoveError::Occupied(format!("position {theirs} cannot be read")));
    };
    match difference(&seen_as(here, there), &seen_as(there, here)) {
        None => Ok(theirs),
        Some(field) => Err(MoveError::Occupied(format!("its last event, at position {theirs}, has another {field}"))),
    }
}

/// An event as if it had been given up, if the other one has been: a truncation comes later to one than to the other.
fn seen_as(event: &Kept, other: &Kept) -> Kept {
    if event.given_up || !other.given_up {
        return event.clone();
    }
    let it = &event.event;
    let (place, times) = ((it.position(), it.revision()), (it.time(), it.recorded_at()));
    Kept::given_up(place, it.id(), times, it.stream(), (event.first, event.last)).unwrap_or_else(|| event.clone())
}

#[derive(Default)]
struct Compared {
    through: Position,
    given_up: u64,
    digest: Digest,
}

struct Run<'a> {
    source: &'a dyn Movable,
    target: &'a dyn Movable,
    copied: Position,
    compared: Compared,
    progress: &'a mut (dyn FnMut(Progress) + Send),
}

impl Run<'_> {
    /// Copies what is there and no further than `until`, and compares it.
    async fn catch_up(&mut self, until: Position) -> Result<(), MoveError> {
        let head = self.source.head().await?.min(until);
        self.copy(head).await?;
        self.compare().await
    }

    async fn copy(&mut self, head: Position) -> Result<(), MoveError> {
        let mut waiting: Vec<Kept> = Vec::new();
        while self.copied < head {
            let after = waiting.last().map_or(self.copied, |kept| kept.event.position());
            let page = self.source.kept(after, PAGE_EVENTS).await?;
            if page.is_empty() {
                return Err(ReadError::Damaged {
                    place: format!("position {after}"),
                    problem: format!("nothing follows, though the head is {head}"),
                }
                .into());
            }
            waiting.extend(page);
            // An append goes as a whole; the rest of one that is longer than a page comes with the next.
            let whole = waiting.iter().rposition(|kept| kept.last).map_or(0, |last| last + 1);
            if let Some(last) = whole.checked_sub(1).and_then(|last| waiting.get(last)) {
                let through = last.event.position();
                self.target.restore(&waiting[..whole]).await?;
                self.copied = through;
                waiting.drain(..whole);
            }
            (self.progress)(Progress::Copying { at: self.copied, head });
        }
        Ok(())
    }

    async fn compare(&mut self) -> Result<(), MoveError> {
        while self.compared.through < self.copied {
            let after = self.compared.through;
            let (here, there) =
                futures_util::try_join!(self.source.kept(after, PAGE_EVENTS), self.target.kept(after, PAGE_EVENTS))?;
            let mut any = false;
            for (here, there) in here.iter().zip(&there).take_while(|(here, _)| here.event.position() <= self.copied) {
                // Truncations are carried over at the end; what the target has lost too much is a difference.
                if let Some(field) = difference(here, &seen_as(there, here)) {
                    return Err(MoveError::Differs { position: here.event.position(), field });
                }
                self.compared.digest.take(here);
                self.compared.given_up += u64::from(here.given_up);
                self.compared.through = here.event.position();
                any = true;
            }
            if !any {
                return Err(MoveError::Differs { position: Position(after.0 + 1), field: "position" });
            }
            (self.progress)(Progress::Comparing { at: self.compared.through, head: self.copied });
        }
        Ok(())
    }
}

async fn truncate(source: &dyn Movable, target: &dyn Movable) -> Result<u64, MoveError> {
    let wanted = sorted(source).await?;
    let known: HashSet<(StreamId, Revision)> = sorted(target).await?.into_iter().collect();
    for (stream, first) in wanted.iter().filter(|truncation| !known.contains(*truncation)) {
        target.truncate(stream, *first).await?;
    }
    let there = sorted(target).await?;
    match wanted.iter().zip(&there).find(|(here, there)| here != there) {
        None if wanted.len() == there.len() => Ok(wanted.len() as u64),
        _ => Err(MoveError::Occupied("other streams have been truncated in it".to_owned())),
    }
}

async fn sorted(store: &dyn Movable) -> Result<Vec<(StreamId, Revision)>, ReadError> {
    let mut truncations = store.truncations().await?;
    truncations.sort_unstable_by(|one, other| (one.0.as_str(), one.1).cmp(&(other.0.as_str(), other.1)));
    Ok(truncations)
}

async fn carry_snapshots(source: &dyn Movable, target: &dyn Movable) -> Result<u64, MoveError> {
    let mut carried = 0;
    for stream in source.snapshot_streams().await? {
        if let Some(snapshot) = source.load_snapshot(&stream).await? {
            target.save_snapshot(snapshot).await?;
            carried += 1;
        }
    }
    Ok(carried)
}
