//! What is driven: anything that records events durably, with an answer for each.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::Fresh;

/// How long a client waits for any of its answers before it gives up.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);

/// Something that records events.
pub trait Engine: Send + Sync {
    /// Records one event, and waits until it is durable.
    ///
    /// # Errors
    /// What went wrong, in words.
    fn append(&self, event: &Fresh<'_>) -> Result<(), String>;

    /// Records one event; the ticket is told when it is durable.
    fn submit(&self, event: &Fresh<'_>, ticket: Ticket);
}

/// An answer on its way to a client.
pub(crate) struct Answer {
    pub(crate) writer: usize,
    pub(crate) since: Instant,
    pub(crate) result: Result<(), String>,
}

/// Where a client's answers arrive.
#[derive(Default)]
pub(crate) struct Inbox {
    answers: Mutex<Vec<Answer>>,
    bell: Condvar,
}

impl Inbox {
    fn lock(&self) -> MutexGuard<'_, Vec<Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Exchanges an empty list for the answers that have come, waiting for the first of them. False if none came
    /// in time.
    pub(crate) fn take(&self, into: &mut Vec<Answer>) -> bool {
        let mut answers = self.lock();
        while answers.is_empty() {
            let (guard, waited) =
                self.bell.wait_timeout(answers, ANSWER_WITHIN).unwrap_or_else(PoisonError::into_inner);
            answers = guard;
            if waited.timed_out() && answers.is_empty() {
                return false;
            }
        }
        mem::swap(&mut *answers, into);
        true
    }
}

/// What an engine is given with an event, to tell when it is durable.
pub struct Ticket {
    pub(crate) inbox: Arc<Inbox>,
    pub(crate) writer: usize,
    pub(crate) since: Instant,
}

impl Ticket {
    /// Tells what became of the event.
    pub fn tell(self, result: Result<(), String>) {
        let mut answers = self.inbox.lock();
        answers.push(Answer { writer: self.writer, since: self.since, result });
        let first = answers.len() == 1;
        drop(answers);
        // The client takes all answers at once; it needs to be woken for the first only.
        if first {
            self.inbox.bell.notify_one();
        }
    }
}
