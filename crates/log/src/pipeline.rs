//! How appends reach the writer: a bounded queue, and whoever takes what waits there.
//!
//! No timer: who comes while a write is under way is in the next one. A caller that finds nobody writing writes
//! itself, which spares it two changes of thread; else the log's own thread does.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::round::Done;
use crate::state::lock;
use crate::writer::{Job, Room, Work, Writer};
use crate::{AppendError, Appended};

/// How long the log is idle before it writes down that everything is durable.
const IDLE: Duration = Duration::from_secs(1);
/// While a write is under way, so many requests are worth waking up for, to prepare them meanwhile.
const WAKE_REQUESTS: usize = 8;

#[derive(Default)]
struct Waiting {
    jobs: VecDeque<Job>,
    /// A write has ended since the log's thread last looked.
    landed: bool,
    closed: bool,
    /// How many requests the log's thread waits for; none: it does not wait.
    wake_at: Option<usize>,
}

impl Waiting {
    fn is_enough(&self) -> bool {
        self.wake_at.is_some_and(|enough| self.jobs.len() >= enough)
    }
}

/// What waits for the writer.
pub(crate) struct Queue {
    waiting: Mutex<Waiting>,
    bell: Condvar,
    requests_max: usize,
}

/// Why the log's thread goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wake {
    Work,
    Idle,
    Closed,
}

impl Queue {
    pub(crate) fn new(requests_max: usize) -> Self {
        Self { waiting: Mutex::default(), bell: Condvar::new(), requests_max }
    }

    /// Tells the log's thread that a write has ended.
    pub(crate) fn landed(&self) {
        lock(&self.waiting).landed = true;
        self.bell.notify_one();
    }

    /// Puts a job into the queue, or answers it at once. Answers whether the log's thread waits for no more.
    fn put(&self, job: Job) -> bool {
        let mut waiting = lock(&self.waiting);
        let refusal = if waiting.closed {
            AppendError::Closed("it is closing".to_owned())
        } else if waiting.jobs.len() >= self.requests_max {
            AppendError::Busy
        } else {
            waiting.jobs.push_back(job);
            return waiting.is_enough();
        };
        drop(waiting);
        (job.done)(Err(refusal));
        false
    }

    /// Wakes the log's thread, if there is enough for it to do.
    fn ring(&self) {
        let mut waiting = lock(&self.waiting);
        if waiting.is_enough() {
            // Once is enough.
            waiting.wake_at = None;
            drop(waiting);
            self.bell.notify_one();
        }
    }

    /// Takes what a round has room for.
    fn take(&self, room: Room) -> Vec<Job> {
        let mut waiting = lock(&self.waiting);
        let (mut count, mut bytes) = (0, 0);
        for job in waiting.jobs.iter().take(room.requests) {
            bytes += job.bytes();
            if bytes > room.bytes && !(room.empty && count == 0) {
                break;
            }
            count += 1;
        }
        waiting.jobs.drain(..count).collect()
    }

    /// Waits until there are so many requests, a write has ended, nothing has come for a while, or the log closes and
    /// no write is under way.
    fn wait(&self, enough: usize, sending: bool) -> Wake {
        let mut waiting = lock(&self.waiting);
        let mut wake = Wake::Work;
        let over = |waiting: &Waiting| waiting.landed || waiting.closed && !sending;
        while !over(&waiting) && waiting.jobs.len() < enough && wake == Wake::Work {
            waiting.wake_at = Some(enough);
            let (next, timeout) = self.bell.wait_timeout(waiting, IDLE).unwrap_or_else(PoisonError::into_inner);
            waiting = next;
            if timeout.timed_out() {
                wake = Wake::Idle;
            }
        }
        waiting.wake_at = None;
        waiting.landed = false;
        if waiting.closed && waiting.jobs.is_empty() { Wake::Closed } else { wake }
    }
}

/// The queue and the writer behind it.
pub(crate) struct Pipeline {
    queue: Arc<Queue>,
    writer: Mutex<Writer>,
}

impl Pipeline {
    pub(crate) fn new(queue: Arc<Queue>, writer: Writer) -> Self {
        Self { queue, writer: Mutex::new(writer) }
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        lock(&self.writer)
    }

    /// Takes no more; what waits is still written.
    pub(crate) fn close(&self) {
        lock(&self.queue.waiting).closed = true;
        self.queue.bell.notify_all();
    }

    pub(crate) fn submit(&self, job: Job) {
        if self.queue.put(job) {
            self.queue.ring();
        }
    }

    pub(crate) fn submit_and_wait(&self, work: Work) -> Result<Appended, AppendError> {
        let answer = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&answer);
        let done: Done = Box::new(move |result| {
            *lock(&theirs.0) = Some(result);
            theirs.1.notify_one();
        });
        self.queue.put(Job { work, done });
        // Nobody writes: this thread does, and spares itself the wait for another one to wake.
        if let Ok(mut writer) = self.writer.try_lock()
            && writer.is_idle()
        {
            writer.advance(&mut |room| self.queue.take(room));
        }
        // What came meanwhile, or what somebody else's write kept from being taken.
        self.queue.ring();
        let mut result = lock(&answer.0);
        loop {
            if let Some(result) = result.take() {
                return result;
            }
            result = answer.1.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The log's thread.
    pub(crate) fn run(&self) {
        let (mut enough, mut sending) = (1, false);
        loop {
            let wake = self.queue.wait(enough, sending);
            let mut writer = self.writer();
            writer.advance(&mut |room| self.queue.take(room));
            sending = !writer.is_idle();
            enough = match writer.room() {
                _ if !sending => 1,
                // Only the disk can make room again.
                Room { requests: 0, .. } | Room { bytes: 0, .. } => usize::MAX,
                _ => WAKE_REQUESTS,
            };
            if wake != Wake::Work {
                writer.mark();
            }
            if wake == Wake::Closed && !sending {
                return;
            }
        }
    }
}
