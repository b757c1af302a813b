//! Appends: gathered into batches while others are on their way, and repeated safely.
//!
//! An append that finds nothing under way is sent at once. While as many requests as may be are under way, appends
//! wait together, and the next request takes them all: the more writers, the larger the batches, without a timer.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::StatusCode;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};
use tradewind_events::{Append, AppendError, Appended, Revision, StreamId};

use super::transport::{Answer, Call, CallError, Transport};
use crate::limits::check_append;
use tradewind_http::percent_encoded;
use tradewind_http::wire::append::{WireAppended, read_batch, write_append};

type Outcome = Result<Appended, AppendError>;

/// The appends of one client.
pub(super) struct Appends {
    transport: Arc<Transport>,
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
    json: Vec<u8>,
    answer: oneshot::Sender<Outcome>,
    _room: OwnedSemaphorePermit,
}

impl Appends {
    pub(super) fn new(transport: Arc<Transport>) -> Self {
        let room = Arc::new(Semaphore::new(transport.options.waiting_max));
        Self { transport, queue: Mutex::default(), room }
    }

    pub(super) async fn append(self: Arc<Self>, append: Append) -> Outcome {
        check_append(&append)?;
        let mut json = Vec::with_capacity(256);
        write_append(&mut json, &append)?;
        drop(append);
        let options = &self.transport.options;
        let room = tokio::time::timeout(options.answer_within, Arc::clone(&self.room).acquire_owned()).await;
        let Ok(Ok(room)) = room else { return Err(AppendError::Timeout) };
        let (answer, outcome) = oneshot::channel();
        self.enqueue(Waiting { json, answer, _room: room });
        // Behind others that wait for a dead server it could take long; who gave up is not sent any more.
        let patience = options.retry_for + options.answer_within * 2;
        match tokio::time::timeout(patience, outcome).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(AppendError::OutcomeUnknown("the client was stopped meanwhile".to_owned())),
            Err(_) => Err(AppendError::OutcomeUnknown(format!("no answer within {} s", patience.as_secs()))),
        }
    }

    fn enqueue(self: &Arc<Self>, append: Waiting) {
        let mut queue = self.lock();
        queue.waiting.push_back(append);
        if queue.senders < self.transport.options.batches_in_flight_max.max(1) {
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
        while let Some(batch) = self.next_batch() {
            self.send(batch).await;
        }
    }

    /// The appends of the next request. Without any, this sender is gone, in the same moment, so that the next
    /// append starts another.
    fn next_batch(&self) -> Option<Vec<Waiting>> {
        let options = &self.transport.options;
        let mut queue = self.lock();
        let (mut batch, mut bytes) = (Vec::new(), 0);
        while let Some(next) = queue.waiting.front() {
            let full =
                batch.len() >= options.batch_appends_max.max(1) || bytes + next.json.len() > options.batch_bytes_max;
            if full && !batch.is_empty() {
                break;
            }
            let Some(next) = queue.waiting.pop_front() else { break };
            if next.answer.is_closed() {
                continue;
            }
            bytes += next.json.len() + 1;
            batch.push(next);
        }
        if batch.is_empty() {
            queue.senders -= 1;
            return None;
        }
        Some(batch)
    }

    async fn send(&self, mut batch: Vec<Waiting>) {
        if batch.len() == 1 {
            if let Some(only) = batch.pop() {
                self.send_one(only).await;
            }
            return;
        }
        let mut body = Vec::with_capacity(batch.iter().map(|append| append.json.len() + 1).sum::<usize>() + 1);
        body.push(b'[');
        for (index, append) in batch.iter().enumerate() {
            if index > 0 {
                body.push(b',');
            }
            body.extend_from_slice(&append.json);
        }
        body.push(b']');
        let answer = self.transport.call_again(Call::post("/append/batch", body.into())).await;
        match answer {
            Ok(answer) if answer.status == StatusCode::OK => deliver(batch, &answer),
            // Refused as a whole, as by a server with narrower limits: what is wrong with one says nothing of the
            // others, so that each goes alone.
            Ok(answer) if answer.status.is_client_error() => {
                for append in batch {
                    self.send_one(append).await;
                }
            }
            Ok(answer) => {
                for append in batch {
                    let _ = append.answer.send(Err(answer.problem().into_append_error()));
                }
            }
            Err((failure, reached)) => {
                for append in batch {
                    let _ = append.answer.send(Err(append_error(&failure, reached)));
                }
            }
        }
    }

    async fn send_one(&self, append: Waiting) {
        let Waiting { json, answer, _room } = append;
        let outcome = match self.transport.call_again(Call::post("/append", json.into())).await {
            Ok(told) if told.status == StatusCode::OK => serde_json::from_slice::<WireAppended>(&told.body)
                .map(Appended::from)
                .map_err(|error| AppendError::OutcomeUnknown(format!("the answer is not understood: {error}"))),
            Ok(told) => Err(told.problem().into_append_error()),
            Err((failure, reached)) => Err(append_error(&failure, reached)),
        };
        let _ = answer.send(outcome);
    }
}

/// Gives each append of a batch its answer.
fn deliver(batch: Vec<Waiting>, answer: &Answer) {
    let outcomes = match read_batch(&answer.body) {
        Ok(outcomes) if outcomes.len() == batch.len() => outcomes,
        _ => {
            for append in batch {
                let unknown = AppendError::OutcomeUnknown("the answer to the batch is not understood".to_owned());
                let _ = append.answer.send(Err(unknown));
            }
            return;
        }
    };
    for (append, outcome) in batch.into_iter().zip(outcomes) {
        // Whoever does not wait any more does not want to know.
        let _ = append.answer.send(outcome);
    }
}

/// What a writer may conclude: nothing was recorded only if nothing was ever sent.
fn append_error(failure: &CallError, reached: bool) -> AppendError {
    if reached {
        AppendError::OutcomeUnknown(failure.to_string())
    } else {
        AppendError::Unavailable(failure.to_string())
    }
}

pub(super) async fn truncate(transport: &Transport, stream: &StreamId, before: Revision) -> Result<(), AppendError> {
    let target = format!("/streams/{}/truncate", percent_encoded(stream.as_str()));
    let body = Bytes::from(format!("{{\"before\":{before}}}"));
    match transport.call_again(Call::post(&target, body)).await {
        Ok(answer) if answer.status.is_success() => Ok(()),
        Ok(answer) => Err(answer.problem().into_append_error()),
        Err((failure, reached)) => Err(append_error(&failure, reached)),
    }
}
