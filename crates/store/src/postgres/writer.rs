//! Group commit before the database: whatever was appended while a batch was on its way is the next batch.
//!
//! An append that finds nothing under way is sent at once; there is no timer. A batch is one statement, so that a
//! writer that dies leaves either all of it or nothing, and holds up nobody.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tradewind_events::{Append, AppendError, EventId};

use super::batch::{self, Outcome};
use super::connect::Connection;
use super::failure::Failure;
use super::follow::Bells;
use super::pool::Pool;
use super::sql::Sql;
use crate::limits::check_append;

/// With fewer appends than this waiting, others are let in first.
const GATHERED: usize = 256;

/// The appends of one opened store.
pub(super) struct Writer {
    pool: Pool,
    sql: Arc<Sql>,
    bells: Bells,
    queue: Mutex<Queue>,
    room: Arc<Semaphore>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many senders run.
    senders: usize,
}

struct Waiting {
    append: Append,
    events: usize,
    bytes: usize,
    answer: oneshot::Sender<Outcome>,
    _room: OwnedSemaphorePermit,
}

impl Writer {
    pub(super) fn new(pool: Pool, sql: Arc<Sql>, bells: Bells) -> Self {
        let room = Arc::new(Semaphore::new(pool.server.options.waiting_max.max(1)));
        Self { pool, sql, bells, queue: Mutex::default(), room }
    }

    pub(super) async fn append(self: Arc<Self>, append: Append) -> Outcome {
        check_append(&append)?;
        let options = &self.pool.server.options;
        let room = match Arc::clone(&self.room).try_acquire_owned() {
            Ok(room) => room,
            Err(_) => match tokio::time::timeout(options.answer_within, Arc::clone(&self.room).acquire_owned()).await {
                Ok(Ok(room)) => room,
                _ => return Err(AppendError::Timeout),
            },
        };
        // Behind others that wait for a database that is away it could take long.
        let patience = options.retry_for + options.answer_within * 2;
        let (answer, outcome) = oneshot::channel();
        let events = append.streams.iter().map(|part| part.events.len()).sum();
        let data = append.streams.iter().flat_map(|part| &part.events).map(|event| event.data.len() + 128).sum();
        self.enqueue(Waiting { append, events, bytes: data, answer, _room: room });
        match tokio::time::timeout(patience, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(AppendError::OutcomeUnknown("the store was closed meanwhile".to_owned())),
            Err(_) => Err(AppendError::OutcomeUnknown(format!("no answer within {} s", patience.as_secs()))),
        }
    }

    fn enqueue(self: &Arc<Self>, append: Waiting) {
        let mut queue = self.lock();
        queue.waiting.push_back(append);
        if queue.senders < self.pool.server.options.batches_in_flight_max.max(1) {
            queue.senders += 1;
            // On its own, so that a caller who goes away does not cut off the others in its batch.
            tokio::spawn(Arc::clone(self).send_all());
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends until nothing waits.
    async fn send_all(self: Arc<Self>) {
        loop {
            // Whoever has just been answered may append again first, which costs a turn of the scheduler. Otherwise
            // writers would fall into two halves that wait for each other's syncs. Where many wait already, the
            // database had better begin.
            if self.lock().waiting.len() < GATHERED {
                tokio::task::yield_now().await;
            }
            let Some(batch) = self.next_batch() else { return };
            self.send(batch).await;
        }
    }

    /// The next appends that go together. Without any, this sender is gone, in the same moment, so that the next
    /// append starts another. Of two appends with the same id the second one waits: it must find the first one done.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let options = &self.pool.server.options;
        let mut queue = self.lock();
        let (mut batch, mut events, mut bytes) = (Vec::new(), 0, 0);
        let mut ids: HashSet<EventId> = HashSet::with_capacity(queue.waiting.len());
        while let Some(next) = queue.waiting.front() {
            let full = batch.len() >= options.batch_appends_max.max(1)
                || events + next.events > options.batch_events_max
                || bytes + next.bytes > options.batch_bytes_max;
            let its_ids = next.append.streams.iter().flat_map(|part| &part.events).map(|event| event.id);
            if !batch.is_empty() && (full || its_ids.clone().any(|id| ids.contains(&id))) {
                break;
            }
            ids.extend(its_ids);
            let Some(next) = queue.waiting.pop_front() else { break };
            if next.answer.is_closed() {
                continue;
            }
            events += next.events;
            bytes += next.bytes;
            batch.push(next);
        }
        if batch.is_empty() {
            queue.senders -= 1;
            return None;
        }
        Some(batch)
    }

    async fn send(&self, batch: Vec<Waiting>) {
        let appends: Vec<&Append> = batch.iter().map(|waiting| &waiting.append).collect();
        match self.record(&appends).await {
            Ok(outcomes) => {
                let recorded = outcomes.iter().any(|outcome| matches!(outcome, Ok(appended) if !appended.duplicate));
                for (waiting, outcome) in batch.into_iter().zip(outcomes) {
                    // Whoever does not wait any more does not want to know.
                    let _ = waiting.answer.send(outcome);
                }
                if recorded {
                    self.bells.ring();
                }
            }
            // What is wrong with one says nothing of the others, so that each goes alone.
            Err(failed) if batch.len() > 1 && !failed.reached && matches!(failed.failure, Failure::Refused(_)) => {
                for waiting in batch {
                    let outcome = match self.record(&[&waiting.append]).await {
                        Ok(mut outcomes) => outcomes.pop().unwrap_or(Err(AppendError::Timeout)),
                        Err(failed) => Err(failed.failure.into_append_error(failed.reached)),
                    };
                    let _ = waiting.answer.send(outcome);
                }
                self.bells.ring();
            }
            Err(failed) => {
                for waiting in batch {
                    let _ = waiting.answer.send(Err(failed.failure.clone().into_append_error(failed.reached)));
                }
            }
        }
    }

    async fn record(&self, appends: &[&Append]) -> Result<Vec<Outcome>, super::pool::Failed> {
        let sql = &self.sql;
        self.pool.run(async |connection: Arc<Connection>| batch::send(&connection, sql, appends).await).await
    }
}
