//! Read models of the past, made from the log when somebody asks, and kept for a while.
//!
//! **One begins with another that is kept**, where that has seen the beginning of the log without a gap, and nothing that
//! the new one must not see; so each that is made leaves some on its way, as it is then. As of a time it goes on from
//! there to the log's end, since something may have been told late. How much of the log lies before the first event that
//! happened later than asked for is therefore what is spared: nearly all of it if events were told about in the order
//! in which they happened, and nothing if the first of them is from behind that time, as where a history was brought in
//! after a shop had opened. What is behind the gap cannot be taken over: an event of between two times is not the last
//! that the earlier past has seen, and a projection may rely on the order of the log.

mod about;
mod making;
mod shelf;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};
use tradewind_events::{Clock, ErrorCode, EventSource, Position, ReadError};

use super::Projection;
use super::generation::Generation;
use crate::follow::{Sink, Skips};
use crate::{AsOf, NotYet, UpcastError, Upcasters};

pub use about::About;
use shelf::Shelf;

/// How many pasts of one projection are made at the same time.
const MADE_AT_ONCE: usize = 2;

/// Bounds on what is made of the past.
#[derive(Debug, Clone)]
pub struct PastOptions {
    /// How many pasts of one projection are kept.
    pub kept_max: usize,
    /// How many bytes on the disk they may have together, and any one of them.
    pub bytes_max: u64,
    /// How many events one may be made of. As of a time, those are all that had happened by then: where the log does not
    /// tell them about in their order, none of them are spared by another past that is kept.
    pub events_max: u64,
    /// How long a query waits for it.
    pub wait_max: Duration,
    /// How many queries wait for pasts of one projection at the same time; others are told to come again.
    pub waiting_max: usize,
}

impl Default for PastOptions {
    fn default() -> Self {
        Self {
            kept_max: 16,
            bytes_max: 512 << 20,
            events_max: 5_000_000,
            wait_max: Duration::from_secs(30),
            waiting_max: 32,
        }
    }
}

/// Why a past cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It has not come yet.
    #[error(transparent)]
    NotYet(#[from] NotYet),
    /// It would be made of too many events.
    #[error("it would take more than {0} events")]
    TooLong(u64),
    /// It would take too much of the disk.
    #[error("it would take more than {0} bytes on the disk")]
    TooLarge(u64),
    /// Too many wait already.
    #[error("{0} queries wait for the past already")]
    Overloaded(usize),
    /// It took too long.
    #[error("it was not ready in time; it may be when asked for again")]
    Timeout,
    /// The source cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// An old event cannot be read.
    #[error(transparent)]
    Upcast(#[from] UpcastError),
    /// An event cannot be applied, or the database refuses.
    #[error("it cannot be made: {0}")]
    Failed(String),
}

impl PastError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NotYet(_) | Self::TooLong(_) | Self::TooLarge(_) => ErrorCode::BAD_REQUEST,
            Self::Overloaded(_) | Self::Timeout => ErrorCode::TIMEOUT,
            Self::Read(error) => error.code(),
            Self::Upcast(_) => ErrorCode::POISON_EVENT,
            Self::Failed(_) => ErrorCode::READ_MODEL,
        }
    }
}

/// The pasts of one projection.
pub(crate) struct Pasts {
    of: PastSource,
    folder: PathBuf,
    options: PastOptions,
    shelf: Shelf,
    made: AtomicU64,
    /// How many are made at the same time.
    turns: Semaphore,
    /// Who may wait.
    waiters: Semaphore,
}

/// What pasts are made of.
pub(crate) struct PastSource {
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) upcasters: Upcasters,
    pub(crate) skips: Skips,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Pasts {
    pub(crate) fn new(of: PastSource, folder: PathBuf, options: PastOptions) -> Self {
        let (turns, waiters) = (Semaphore::new(MADE_AT_ONCE), Semaphore::new(options.waiting_max));
        let shelf = Shelf::new(options.kept_max, options.bytes_max);
        Self { of, folder, options, shelf, made: AtomicU64::new(0), turns, waiters }
    }

    /// The read model as it was. One of a position is made once; one of a time takes in what has been recorded
    /// since and happened before.
    pub(crate) async fn make(self: &Arc<Self>, as_of: AsOf) -> Result<Arc<Generation>, PastError> {
        let waiting = self.waiters.try_acquire();
        let _waiting = waiting.map_err(|_| PastError::Overloaded(self.options.waiting_max))?;
        // Once begun it is made to its end even if nobody waits any more, so that asking again finds it further on.
        let (mut made, answer) = oneshot::channel();
        let pasts = self.clone();
        tokio::spawn(async move {
            let making = pasts.make_if_waited_for(as_of, &mut made).await;
            if let Some(generation) = making.transpose() {
                // Whoever asked may have gone.
                let _ = made.send(generation);
            }
        });
        match tokio::time::timeout(self.options.wait_max, answer).await {
            Ok(made) => made.unwrap_or_else(|_| Err(PastError::Failed("its making fell".to_owned()))),
            Err(_) => Err(PastError::Timeout),
        }
    }

    /// None if nobody waited any more when it could have begun.
    async fn make_if_waited_for(
        &self,
        as_of: AsOf,
        asked: &mut oneshot::Sender<Result<Arc<Generation>, PastError>>,
    ) -> Result<Option<Arc<Generation>>, PastError> {
        let its_turn = async {
            let through = self.through(as_of).await?;
            let place = self.shelf.place(as_of).await.lock_owned().await;
            // What is there already need not wait for others to be made.
            let is_made = place.as_ref().is_some_and(|past| past.sink.position() >= through);
            let turn = if is_made { None } else { Some(self.turns.acquire().await) };
            let turn = turn.transpose().map_err(|error| PastError::Failed(error.to_string()))?;
            Ok::<_, PastError>((through, place, turn))
        };
        let (through, mut place, _turn) = tokio::select! {
            biased;
            () = asked.closed() => return Ok(None),
            its_turn = its_turn => its_turn?,
        };
        // Taken out while it is worked on: if that fails halfway, the next query starts anew.
        let mut past = match place.take() {
            Some(past) => past,
            None => self.begin(as_of).await?,
        };
        self.advance(&mut past, as_of, through).await?;
        let (generation, bytes) = (past.sink.generation().clone(), past.bytes());
        *place = Some(past);
        drop(place);
        self.shelf.weigh(as_of, bytes).await;
        Ok(Some(generation))
    }

    /// The read model as it was, made in memory of the few events that an answer is about; none if they are not few.
    pub(crate) async fn part(&self, as_of: AsOf, about: &About) -> Result<Option<(Connection, Position)>, PastError> {
        let waiting = self.waiters.try_acquire();
        let _waiting = waiting.map_err(|_| PastError::Overloaded(self.options.waiting_max))?;
        let making = async {
            let through = self.through(as_of).await?;
            let Some(events) = about.events(&self.of, as_of, through).await? else { return Ok(None) };
            let made = about::apply(self.of.projection.clone(), events).await?;
            Ok(Some((made, through)))
        };
        tokio::time::timeout(self.options.wait_max, making).await.unwrap_or(Err(PastError::Timeout))
    }

    /// Up to where the source is read for it.
    async fn through(&self, as_of: AsOf) -> Result<Position, PastError> {
        let head = self.of.source.head().await?;
        match as_of {
            AsOf::Position(wanted) => {
                NotYet::unless_recorded(wanted, head)?;
                Ok(wanted)
            }
            AsOf::Time(wanted) => {
                NotYet::unless_passed(wanted, self.of.clock.now())?;
                Ok(head)
            }
        }
    }
}
