//! Group commit before the database: whatever was appended while a batch was on its way is the next batch.
//!
//! An append that finds nothing under way is sent at once; there is no timer. A batch is one statement, so that a
//! writer that dies leaves either all of it or nothing, and holds up nobody. An append whose condition takes long to
//! search for comes back from its batch undecided; it is searched for apart, while others go on, and sent again with
//! how far nothing was against it.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tradewind_events::{Append, AppendError, EventId, Position};

use super::batch::{self, Asked, Decision, Outcome, items, signed};
use super::connect::Connection;
use super::failure::Failure;
use super::follow::Bells;
use super::pool::{Failed, Pool};
use super::sql::Sql;
use crate::limits::{Size, check_append};

/// With fewer appends than this waiting, others are let in first.
const GATHERED: usize = 256;

/// Room for bytes is given in pieces of this many.
const PIECE_BYTES: usize = 1 << 10;
/// What an event takes besides its texts and bytes.
const EVENT_BYTES: usize = 128;
/// How long a condition is searched for in one statement.
const SEARCH: Duration = Duration::from_secs(1);

/// The appends of one opened store.
pub(super) struct Writer {
    pool: Pool,
    /// On which conditions are searched for.
    reads: Arc<Pool>,
    sql: Arc<Sql>,
    bells: Bells,
    queue: Mutex<Queue>,
    room: Arc<Semaphore>,
    /// In pieces.
    bytes_room: Arc<Semaphore>,
}

#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    /// How many senders run.
    senders: usize,
}

struct Waiting {
    append: Append,
    size: Size,
    /// Up to where its condition is known to hold.
    searched: Position,
    answer: oneshot::Sender<Outcome>,
    _room: [OwnedSemaphorePermit; 2],
}

impl Writer {
    pub(super) fn new(pool: Pool, reads: Arc<Pool>, sql: Arc<Sql>, bells: Bells) -> Self {
        let options = &pool.server.options;
        let room = Arc::new(Semaphore::new(options.waiting_max.max(1)));
        let bytes_room = Arc::new(Semaphore::new(pieces(options.waiting_bytes_max)));
        Self { pool, reads, sql, bells, queue: Mutex::default(), room, bytes_room }
    }

    pub(super) async fn append(self: Arc<Self>, append: Append) -> Outcome {
        let mut size = check_append(&append)?;
        size.bytes += size.events * EVENT_BYTES;
        let options = &self.pool.server.options;
        let Ok(room) = tokio::time::timeout(options.answer_within, self.room_for(size)).await else {
            return Err(AppendError::Timeout);
        };
        // One batch may be lost in silence and sent again, and be lost again; before it, the one that is under way.
        let patience = (options.silence() * 2 + options.retry_for) * 2;
        let (answer, outcome) = oneshot::channel();
        self.enqueue(Waiting { append, size, searched: Position::START, answer, _room: room? });
        match tokio::time::timeout(patience, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(AppendError::OutcomeUnknown("the store was closed meanwhile".to_owned())),
            Err(_) => Err(AppendError::OutcomeUnknown(format!("no answer within {} s", patience.as_secs()))),
        }
    }

    /// Waits for room. Bytes come second, so that not more wait for them than may wait at all.
    async fn room_for(&self, size: Size) -> Result<[OwnedSemaphorePermit; 2], AppendError> {
        let closed = |_| AppendError::Timeout;
        let one = Arc::clone(&self.room).acquire_owned().await.map_err(closed)?;
        // What is larger than all the room waits until it is empty.
        let most = pieces(self.pool.server.options.waiting_bytes_max);
        let pieces = u32::try_from(pieces(size.bytes).min(most)).unwrap_or(u32::MAX);
        let bytes = Arc::clone(&self.bytes_room).acquire_many_owned(pieces).await.map_err(closed)?;
        Ok([one, bytes])
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
                || events + next.size.events > options.batch_events_max
                || bytes + next.size.bytes > options.batch_bytes_max;
            let its_ids = next.append.streams.iter().flat_map(|part| &part.events).map(|event| event.id);
            if !batch.is_empty() && (full || its_ids.clone().any(|id| ids.contains(&id))) {
                break;
            }
            ids.extend(its_ids);
            let Some(next) = queue.waiting.pop_front() else { break };
            if next.answer.is_closed() {
                continue;
            }
            events += next.size.events;
            bytes += next.size.bytes;
            batch.push(next);
        }
        if batch.is_empty() {
            queue.senders -= 1;
            return None;
        }
        Some(batch)
    }

    async fn send(self: &Arc<Self>, batch: Vec<Waiting>) {
        match self.record(&batch).await {
            Ok(decisions) => {
                // A repetition counts: perhaps the answer to what it repeats never came.
                let recorded = decisions.iter().any(|decision| matches!(decision, Decision::Made(Ok(_))));
                for (waiting, decision) in batch.into_iter().zip(decisions) {
                    self.decided(waiting, decision);
                }
                if recorded {
                    self.bells.ring();
                }
            }
            // What is wrong with one says nothing of the others, so that each goes alone.
            Err(failed) if batch.len() > 1 && !failed.reached && matches!(failed.failure, Failure::Refused(_)) => {
                for waiting in batch {
                    match self.record(std::slice::from_ref(&waiting)).await {
                        Ok(mut decisions) => {
                            let none = || Decision::Made(Err(AppendError::Timeout));
                            self.decided(waiting, decisions.pop().unwrap_or_else(none));
                        }
                        Err(failed) => tell(waiting, Err(failed.failure.into_append_error(failed.reached))),
                    }
                }
                self.bells.ring();
            }
            Err(failed) => {
                for waiting in batch {
                    tell(waiting, Err(failed.failure.clone().into_append_error(failed.reached)));
                }
                if failed.reached {
                    self.bells.ring();
                }
            }
        }
    }

    fn decided(self: &Arc<Self>, waiting: Waiting, decision: Decision) {
        match decision {
            Decision::Made(outcome) => tell(waiting, outcome),
            Decision::Dear(searched) => {
                tokio::spawn(Arc::clone(self).search(Waiting { searched, ..waiting }));
            }
        }
    }

    /// Goes on searching for what is against an append's condition, up to the head, and lets the append go on from
    /// there. What was found is found again within its batch, which looks first whether the append is a repetition.
    async fn search(self: Arc<Self>, mut waiting: Waiting) {
        let Some(condition) = &waiting.append.condition else { return };
        let (sql, items) = (&self.sql.first_match, items(&condition.fail_if));
        let within_ms = SEARCH.min(self.reads.server.options.answer_within / 4).as_secs_f64() * 1_000.0;
        while !waiting.answer.is_closed() {
            let since = signed(waiting.searched.0);
            let work = async |connection: Arc<Connection>| {
                let statement = connection.prepared(sql).await?;
                let row = connection.client.query_one(&statement, &[&items, &since, &within_ms]).await?;
                let conflict = row.try_get::<_, Option<i64>>(0)?;
                Ok((conflict, row.try_get::<_, i64>(1)?, row.try_get::<_, i64>(2)?))
            };
            let (conflict, through, head) = match self.reads.run(work).await {
                Ok(found) => found,
                // It was only looked for, so nothing is recorded.
                Err(failed) => return tell(waiting, Err(failed.failure.into_append_error(false))),
            };
            waiting.searched = Position(through.unsigned_abs()).max(waiting.searched);
            if conflict.is_some() || through >= head {
                return self.enqueue(waiting);
            }
        }
    }

    async fn record(&self, batch: &[Waiting]) -> Result<Vec<Decision>, Failed> {
        let asked: Vec<Asked<'_>> =
            batch.iter().map(|waiting| Asked { append: &waiting.append, searched: waiting.searched }).collect();
        let (sql, asked) = (&self.sql, &asked);
        self.pool.run(async |connection: Arc<Connection>| batch::send(&connection, sql, asked).await).await
    }
}

/// Whoever does not wait any more does not want to know.
fn tell(waiting: Waiting, outcome: Outcome) {
    let _ = waiting.answer.send(outcome);
}

fn pieces(bytes: usize) -> usize {
    bytes.div_ceil(PIECE_BYTES).clamp(1, Semaphore::MAX_PERMITS)
}
