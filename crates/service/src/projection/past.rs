//! Read models of the past, made from the log when somebody asks, and kept for a while.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Mutex, Semaphore};
use tradewind_events::{ErrorCode, EventSource, Position, ReadError};

use super::Projection;
use super::database::open_writer;
use super::generation::Generation;
use super::sink::SqlSink;
use crate::follow::{Halt, Sink, Skips};
use crate::{AsOf, UpcastError, Upcasters};

/// How many events are read at once.
const PAGE_EVENTS: usize = 4_096;

/// Bounds on what is made of the past.
#[derive(Debug, Clone)]
pub struct PastOptions {
    /// How many pasts of one projection are kept.
    pub kept_max: usize,
    /// How many events one may be made of.
    pub events_max: u64,
    /// How long a query waits for it.
    pub wait_max: Duration,
}

impl Default for PastOptions {
    fn default() -> Self {
        Self { kept_max: 4, events_max: 5_000_000, wait_max: Duration::from_secs(30) }
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
            Self::Timeout => ErrorCode::TIMEOUT,
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
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) upcasters: Upcasters,
    pub(crate) skips: Skips,
    pub(crate) folder: PathBuf,
    pub(crate) options: PastOptions,
    pub(crate) kept: Mutex<Vec<(AsOf, Place)>>,
    pub(crate) made: AtomicU64,
    /// How many are made at the same time.
    pub(crate) turns: Semaphore,
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

impl Pasts {
    /// The read model as it was. One of a position is made once; one of a time takes in what has been recorded
    /// since and happened before.
    pub(crate) async fn make(self: &Arc<Self>, as_of: AsOf) -> Result<Arc<Generation>, PastError> {
        // It is made to its end even if nobody waits any more, so that asking again finds it further on.
        let pasts = self.clone();
        let making = tokio::spawn(async move { pasts.make_unbounded(as_of).await });
        match tokio::time::timeout(self.options.wait_max, making).await {
            Ok(made) => made.unwrap_or_else(|error| Err(PastError::Failed(error.to_string()))),
            Err(_) => Err(PastError::Timeout),
        }
    }

    async fn make_unbounded(&self, as_of: AsOf) -> Result<Arc<Generation>, PastError> {
        let head = self.source.head().await?;
        let through = match as_of {
            AsOf::Position(wanted) if wanted > head => return Err(PastError::Future { wanted, head }),
            AsOf::Position(wanted) => wanted,
            AsOf::Time(_) => head,
        };
        let place = self.place(as_of).await;
        let mut past = place.lock().await;
        let _turn = self.turns.acquire().await.map_err(|error| PastError::Failed(error.to_string()))?;
        // Taken out while it is worked on: if that fails halfway, the next query starts anew.
        let mut current = match past.take() {
            Some(current) => current,
            None => self.begin().await?,
        };
        self.advance(&mut current, as_of, through).await?;
        let generation = current.sink.generation().clone();
        *past = Some(current);
        Ok(generation)
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
        let (writer, position) = opened.map_err(|e| PastError::Failed(e.to_string()))?;
        let generation = Arc::new(Generation::new(path, position));
        Ok(Past { sink: SqlSink::new(self.projection.clone(), generation, writer), events: 0 })
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
