//! Read models of the past, made from the log when somebody asks, and kept for a while.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore, oneshot};
use tradewind_events::{ErrorCode, EventSource, Position, ReadError};

use super::Projection;
use super::database::{Writer, open_writer};
use super::generation::Generation;
use super::sink::SqlSink;
use crate::follow::{Halt, Sink, Skips};
use crate::{AsOf, UpcastError, Upcasters};

/// How many events are read at once.
const PAGE_EVENTS: usize = 4_096;

/// How many pasts of one projection are made at the same time.
const MADE_AT_ONCE: usize = 2;

/// Bounds on what is made of the past.
#[derive(Debug, Clone)]
pub struct PastOptions {
    /// How many pasts of one projection are kept.
    pub kept_max: usize,
    /// How many events one may be made of.
    pub events_max: u64,
    /// How long a query waits for it.
    pub wait_max: Duration,
    /// How many queries wait for pasts of one projection at the same time; others are told to come again.
    pub waiting_max: usize,
}

impl Default for PastOptions {
    fn default() -> Self {
        Self { kept_max: 4, events_max: 5_000_000, wait_max: Duration::from_secs(30), waiting_max: 32 }
    }
}

/// Why a past cannot be made.
#[derive(Debug, thiserror::Error)]
pub enum PastError {
    /// It has not come yet.
    #[error("position {wanted} is in the future; the last is {head}")]
    Future {
        /// The position that was asked for.
        wanted: Position,
        /// The last one that there is.
        head: Position,
    },
    /// It would be made of too many events.
    #[error("it would take more than {0} events")]
    TooLong(u64),
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
            Self::Future { .. } | Self::TooLong(_) => ErrorCode::BAD_REQUEST,
            Self::Overloaded(_) | Self::Timeout => ErrorCode::TIMEOUT,
            Self::Read(error) => error.code(),
            Self::Upcast(_) => ErrorCode::POISON_EVENT,
            Self::Failed(_) => ErrorCode::READ_MODEL,
        }
    }
}

/// Where a past is kept, and made by one query at a time.
type Place = Arc<Mutex<Option<Past>>>;

/// The pasts of one projection, the most lately used last.
pub(crate) struct Pasts {
    projection: Arc<dyn Projection>,
    source: Arc<dyn EventSource>,
    upcasters: Upcasters,
    skips: Skips,
    folder: PathBuf,
    options: PastOptions,
    kept: Mutex<Vec<(AsOf, Place)>>,
    made: AtomicU64,
    /// How many are made at the same time.
    turns: Semaphore,
    /// Who may wait.
    waiters: Semaphore,
}

/// One past, and how far it has been made.
pub(crate) struct Past {
    sink: SqlSink,
    events: u64,
}

impl Drop for Past {
    fn drop(&mut self) {
        self.sink.generation().set_replaced();
    }
}

/// What pasts are made of.
pub(crate) struct PastSource {
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) upcasters: Upcasters,
    pub(crate) skips: Skips,
}

impl Pasts {
    pub(crate) fn new(of: PastSource, folder: PathBuf, options: PastOptions) -> Self {
        let PastSource { projection, source, upcasters, skips } = of;
        let (turns, waiters) = (Semaphore::new(MADE_AT_ONCE), Semaphore::new(options.waiting_max));
        let (kept, made) = (Mutex::default(), AtomicU64::new(0));
        Self { projection, source, upcasters, skips, folder, options, kept, made, turns, waiters }
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
            let place = self.place(as_of).await.lock_owned().await;
            // What is there already need not wait for others to be made.
            let is_made = place.as_ref().is_some_and(|past| past.sink.position() >= through);
            let turn = if is_made { None } else { Some(self.turns.acquire().await) };
            let turn = turn.transpose().map_err(|error| PastError::Failed(error.to_string()))?;
            Ok::<_, PastError>((through, place, turn))
        };
        let (through, mut past, _turn) = tokio::select! {
            biased;
            () = asked.closed() => return Ok(None),
            its_turn = its_turn => its_turn?,
        };
        // Taken out while it is worked on: if that fails halfway, the next query starts anew.
        let mut current = match past.take() {
            Some(current) => current,
            None => self.begin().await?,
        };
        self.advance(&mut current, as_of, through).await?;
        let generation = current.sink.generation().clone();
        *past = Some(current);
        Ok(Some(generation))
    }

    /// Up to where the source is read for it.
    async fn through(&self, as_of: AsOf) -> Result<Position, PastError> {
        let head = self.source.head().await?;
        match as_of {
            AsOf::Position(wanted) if wanted > head => Err(PastError::Future { wanted, head }),
            AsOf::Position(wanted) => Ok(wanted),
            AsOf::Time(_) => Ok(head),
        }
    }

    async fn place(&self, as_of: AsOf) -> Place {
        let mut kept = self.kept.lock().await;
        if let Some(index) = kept.iter().position(|(key, _)| *key == as_of) {
            let used = kept.remove(index);
            kept.push(used);
        } else {
            if kept.len() >= self.options.kept_max.max(1) {
                kept.remove(0);
            }
            kept.push((as_of, Arc::default()));
        }
        kept.last().map(|(_, place)| place.clone()).unwrap_or_default()
    }

    async fn begin(&self) -> Result<Past, PastError> {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        let (folder, path) = (self.folder.clone(), self.folder.join(format!("{number}.db")));
        let (opened_path, schema) = (path.clone(), self.projection.schema());
        let opened = tokio::task::spawn_blocking(move || {
            std::fs::create_dir_all(&folder)?;
            open_writer(&opened_path, schema).map_err(io::Error::other)
        });
        let opened = opened.await.map_err(|e| PastError::Failed(e.to_string()))?;
        let Writer { connection, position, of_today } = opened.map_err(|e| PastError::Failed(e.to_string()))?;
        let generation = Arc::new(Generation::new(path, position, of_today));
        Ok(Past { sink: SqlSink::new(self.projection.clone(), generation, connection), events: 0 })
    }

    async fn advance(&self, past: &mut Past, as_of: AsOf, through: Position) -> Result<(), PastError> {
        let query = self.upcasters.widen(self.projection.query());
        while past.sink.position() < through {
            let mut page = self.source.read(past.sink.position(), &query, PAGE_EVENTS).await?;
            if page.through <= past.sink.position() {
                return Err(PastError::Failed(format!("the source does not tell what is behind {}", page.through)));
            }
            page.events.retain(|event| {
                event.position() <= through && as_of.includes(event) && !self.skips.contains(event.position())
            });
            past.events += page.events.len() as u64;
            if past.events > self.options.events_max {
                return Err(PastError::TooLong(self.options.events_max));
            }
            let events = self.upcasters.upcast_all(page.events)?;
            past.sink.handle(&events, page.through.min(through)).await.map_err(|halt| match halt {
                Halt::Poison(at) => {
                    PastError::Failed(format!("event {} at {}: {}", at.event_id, at.position, at.error))
                }
                Halt::Transient(problem) => PastError::Failed(problem),
            })?;
        }
        Ok(())
    }
}
