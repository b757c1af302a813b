//! The `file:` engine: the embedded log in a folder of this machine.
//!
//! The log is synchronous and knows bytes; here it meets tasks and events. Appends go to its writer, which answers by
//! a callback; reads go to the threads for blocking work, so that a slow disk holds up no other task.

mod convert;
mod follow;
mod held;
mod moving;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tokio::sync::{Notify, Semaphore, oneshot, watch};
use tradewind_events::{
    Append, AppendError, Appended, Direction, EventSource, EventStore, Page, Position, Query, ReadError, Revision,
    Snapshot, StreamId, StreamSlice, Subscription, Timestamp,
};
use tradewind_log::{Log, Options, Stat};

use crate::OpenError;
use crate::limits::{check_append, check_query};
use follow::Tail;
use held::Held;

/// How many reads may be at the disk at once; more wait their turn.
const READS_MAX: usize = 64;
/// How long a read or an append may take before it is given up, the latter with an unknown outcome: longer than a disk
/// hangs that comes back.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// An event store in a folder. One process at a time has it open; clones share it. When the last of them and of their
/// subscriptions is dropped, the folder is free to be opened anew.
#[derive(Clone)]
pub struct FileStore {
    inner: Arc<Inner>,
}

struct Inner {
    folder: PathBuf,
    log: Held,
    /// The newest events, for those who wait for them.
    tail: watch::Receiver<Tail>,
    reads: Arc<Semaphore>,
}

impl FileStore {
    /// Opens the store in a folder, or begins one, and recovers it.
    ///
    /// # Errors
    /// [`OpenError`] says whether the folder is in use, damaged, or no store.
    pub async fn open(folder: &Path, options: Options) -> Result<Self, OpenError> {
        let kept = folder.to_owned();
        let folder = folder.to_owned();
        let log = blocking(move || {
            moving::check(&folder)?;
            Log::open_folder(folder, options).map_err(OpenError::from)
        });
        let log = log.await??;
        let (sender, tail) = watch::channel(Tail::at(log.head()));
        // The writing thread rings one bell; waking its thousand listeners is somebody else's work.
        let bell = Arc::new(Notify::new());
        let ring = Arc::clone(&bell);
        log.on_durable(move |_| ring.notify_one());
        let log = Held::new(log);
        tokio::spawn(follow::tell(Arc::downgrade(&log), bell, sender));
        Ok(Self { inner: Arc::new(Inner { folder: kept, log, tail, reads: Arc::new(Semaphore::new(READS_MAX)) }) })
    }

    /// What the log consists of.
    #[must_use]
    pub fn stat(&self) -> Stat {
        self.inner.log.stat()
    }

    /// Gives back the space of truncated events; answers how many bytes.
    ///
    /// # Errors
    /// [`ReadError`] if a segment cannot be read or written anew; it is then as it was.
    pub async fn reclaim(&self) -> Result<u64, ReadError> {
        // It takes as long as it takes, and nobody waits for it but its caller.
        let log = Arc::clone(&self.inner.log);
        let reclaimed = blocking(move || log.reclaim().map_err(convert::read_error)).await;
        reclaimed.unwrap_or_else(|stopped| Err(ReadError::Unavailable(stopped.to_string())))
    }
}

impl Inner {
    /// Runs a read where it may block.
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Log) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let log = Arc::clone(&self.log);
        let reads = Arc::clone(&self.reads);
        let outcome = tokio::time::timeout(ANSWER_WITHIN, async move {
            let turn = reads.acquire_owned().await;
            // The turn goes along: a reader who no longer waits does not end what the disk still works on.
            blocking(move || {
                let outcome = read(&log);
                drop(turn);
                outcome
            })
            .await
        });
        match outcome.await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(stopped)) => Err(ReadError::Unavailable(stopped.to_string())),
            Err(_) => {
                let waited = format!("the disk did not answer within {} s", ANSWER_WITHIN.as_secs());
                Err(ReadError::Unavailable(waited))
            }
        }
    }

    async fn submit(
        &self,
        submit: impl FnOnce(&Log, Answer),
    ) -> Result<tradewind_log::Appended, tradewind_log::AppendError> {
        let (answer, outcome) = oneshot::channel();
        submit(&self.log, Box::new(move |result| drop(answer.send(result))));
        match tokio::time::timeout(ANSWER_WITHIN, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(tradewind_log::AppendError::OutcomeUnknown("the log was closed meanwhile".to_owned())),
            Err(_) => {
                let waited = format!("the disk did not answer within {} s", ANSWER_WITHIN.as_secs());
                Err(tradewind_log::AppendError::OutcomeUnknown(waited))
            }
        }
    }
}

type Answer = Box<dyn FnOnce(Result<tradewind_log::Appended, tradewind_log::AppendError>) + Send>;

/// Runs what may wait for the disk on a thread for such.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, std::io::Error> {
    tokio::task::spawn_blocking(work).await.map_err(std::io::Error::other)
}

impl EventSource for FileStore {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async { Ok(Position(self.inner.log.head())) })
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let checked = check_query(query).map(|()| convert::query(query));
        Box::pin(async move {
            if limit == 0 {
                return Err(ReadError::Invalid("limit is zero".to_owned()));
            }
            let query = checked?;
            self.inner.read(move |log| follow::page(log, after, &query, limit)).await
        })
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        Box::pin(async move {
            check_query(&query)?;
            Ok(follow::follow(Arc::clone(&self.inner), after, query))
        })
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        let stream = stream.clone();
        Box::pin(async move {
            if limit == 0 {
                return Err(ReadError::Invalid("limit is zero".to_owned()));
            }
            let backward = direction == Direction::Backward;
            let page = match self.inner.log.read_stream_recent(stream.as_str(), from.0, backward, limit) {
                Some(page) => page,
                None => {
                    let read = move |log: &Log| {
                        log.read_stream(stream.as_str(), from.0, backward, limit).map_err(convert::read_error)
                    };
                    self.inner.read(read).await?
                }
            };
            Ok(StreamSlice {
                events: page.records.iter().map(convert::recorded).collect::<Result<_, _>>()?,
                last: page.last.map(Revision),
                first: Revision(page.first),
                end: page.end,
            })
        })
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(
            self.inner.read(move |log| log.position_at(moment.micros()).map(Position).map_err(convert::read_error)),
        )
    }
}

impl EventStore for FileStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(async move {
            check_append(&append)?;
            let request = convert::request(&self.inner.log, &append)?;
            match self.inner.submit(|log, answer| log.submit(request, answer)).await {
                Ok(appended) => Ok(convert::appended(appended)),
                Err(error) => Err(convert::append_error(error, &append)),
            }
        })
    }

    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>> {
        let stream = stream.clone();
        Box::pin(async move {
            let outcome = self.inner.submit(|log, answer| log.submit_truncate(stream.as_str(), before.0, answer)).await;
            outcome.map(drop).map_err(|error| convert::append_error(error, &Append::default()))
        })
    }

    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        if self.inner.log.snapshot_revision(stream.as_str()).is_none() {
            return Box::pin(async { Ok(None) });
        }
        let stream = stream.clone();
        Box::pin(self.inner.read(move |log| {
            Ok(log.load_snapshot(stream.as_str()).map(|snapshot| convert::snapshot_out(stream, snapshot)))
        }))
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(self.inner.read(move |log| {
            log.save_snapshot(&convert::snapshot_in(&snapshot));
            Ok(())
        }))
    }
}
