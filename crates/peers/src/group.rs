//! Group commit, the same for every peer, and the same as the log's own: no timer; whoever finds nobody writing
//! writes itself; what comes meanwhile shares the next transaction.

use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use tradewind_bench::measure::{Engine, Fresh, Ticket};

use crate::error::Failure;
use crate::peer::Peer;

struct Queue<J> {
    jobs: Vec<(J, Ticket)>,
    closed: bool,
}

struct Shared<P: Peer> {
    peer: Mutex<P>,
    queue: Mutex<Queue<P::Job>>,
    bell: Condvar,
}

/// A peer with its writing thread.
pub(crate) struct Group<P: Peer> {
    shared: Arc<Shared<P>>,
    thread: Option<JoinHandle<()>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<P: Peer> Group<P> {
    pub(crate) fn new(peer: P) -> Result<Self, Failure> {
        let queue = Mutex::new(Queue { jobs: Vec::new(), closed: false });
        let shared = Arc::new(Shared { peer: Mutex::new(peer), queue, bell: Condvar::new() });
        let writer = Arc::clone(&shared);
        let thread = thread::Builder::new().name(format!("{}-writer", P::NAME)).spawn(move || writer.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl<P: Peer> Drop for Group<P> {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl<P: Peer> Shared<P> {
    fn run(&self) {
        loop {
            let mut queue = lock(&self.queue);
            while queue.jobs.is_empty() && !queue.closed {
                queue = self.bell.wait(queue).unwrap_or_else(PoisonError::into_inner);
            }
            if queue.jobs.is_empty() {
                return;
            }
            let waiting = mem::take(&mut queue.jobs);
            drop(queue);
            let (jobs, tickets): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
            let result = lock(&self.peer).commit(jobs).map_err(|failure| failure.to_string());
            tickets.into_iter().for_each(|ticket| ticket.tell(result.clone()));
        }
    }
}

impl<P: Peer> Engine for Group<P> {
    fn append(&self, event: &Fresh<'_>) -> Result<(), String> {
        let job = P::prepare(event);
        lock(&self.shared.peer).commit(vec![job]).map_err(|failure| failure.to_string())
    }

    fn submit(&self, event: &Fresh<'_>, ticket: Ticket) {
        let job = P::prepare(event);
        let mut queue = lock(&self.shared.queue);
        queue.jobs.push((job, ticket));
        let first = queue.jobs.len() == 1;
        drop(queue);
        if first {
            self.shared.bell.notify_one();
        }
    }
}
