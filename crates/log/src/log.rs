//! The log as its users hold it.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, TryLockError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::{AppendError, OpenError, ReadError};
use crate::keeper::Keeper;
use crate::options::Options;
use crate::query::Query;
use crate::read::{self, Page, StreamPage};
use crate::recent;
use crate::recovery::{Ready, recover};
use crate::request::AppendRequest;
use crate::snapshots::{Snapshot, Snapshots};
use crate::state::{State, lock};
use crate::storage::{DiskStorage, Storage};
use crate::writer::{Done, Job, Work, Writer};

/// How long the log is idle before it writes down that everything is durable.
const IDLE: Duration = Duration::from_secs(1);

/// Where an append's records are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appended {
    /// The position of the first.
    pub first: u64,
    /// The position of the last.
    pub last: u64,
    /// The last revision of each stream of the request.
    pub revisions: Vec<Option<u64>>,
    /// They had been there before; nothing was written.
    pub duplicate: bool,
}

/// What a log consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// The store's identity.
    pub store: u128,
    /// The last position.
    pub head: u64,
    /// How many segments have begun.
    pub segments: usize,
    /// How many bytes their commits take.
    pub bytes: u64,
    /// How many streams, categories, types and tags are known.
    pub keys: usize,
    /// How many streams were truncated.
    pub truncated: usize,
    /// Why the log takes no more appends, if so.
    pub failure: Option<String>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    closed: bool,
}

struct Shared {
    state: Arc<State>,
    queue: Mutex<Queue>,
    bell: Condvar,
    writer: Mutex<Writer>,
    snapshots: Mutex<Snapshots>,
    /// Held by whoever rewrites segments: two would do it in the same files.
    reclaiming: Mutex<()>,
    /// The thread waits for the bell.
    waiting: AtomicBool,
    _lock: Box<dyn Send + Sync>,
}

/// An open log. Dropping it writes what is still waiting, and closes it.
pub struct Log {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Log {
    /// Opens the log in a folder of the real disk.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_folder(folder: impl Into<std::path::PathBuf>, options: Options) -> Result<Self, OpenError> {
        let folder = folder.into();
        let place = folder.display().to_string();
        let storage = DiskStorage::new(folder).map_err(|error| OpenError::Io { place, error })?;
        Self::open(Arc::new(storage), options)
    }

    /// Opens the log that a storage holds, or begins one, and recovers it.
    ///
    /// # Errors
    /// [`OpenError::Locked`] if it is open elsewhere; [`OpenError::Damaged`] if something durable is damaged or
    /// missing, in which case nothing was changed.
    pub fn open(storage: Arc<dyn Storage>, options: Options) -> Result<Self, OpenError> {
        options.check()?;
        let place = storage.place();
        let guard = storage.lock().map_err(|error| match error.kind() {
            std::io::ErrorKind::WouldBlock => OpenError::Locked { place: place.clone(), holder: error.to_string() },
            _ => OpenError::Io { place: place.clone(), error },
        })?;
        let Ready { recovered, spare, epoch } = recover(storage.as_ref(), &options)?;
        let snapshots = Snapshots::open(storage.as_ref(), recovered.store);
        let state = Arc::new(State::new(storage, options, recovered));
        let io = |error| OpenError::Io { place: place.clone(), error };
        let keeper = Keeper::start(Arc::clone(&state), spare).map_err(io)?;
        let mut writer = Writer::new(Arc::clone(&state), keeper, epoch)
            .ok_or_else(|| io(std::io::Error::other("the newest segment has no index in memory")))?;
        writer.begin().map_err(|why| io(std::io::Error::other(why)))?;
        let shared = Arc::new(Shared {
            state,
            queue: Mutex::default(),
            bell: Condvar::new(),
            writer: Mutex::new(writer),
            snapshots: Mutex::new(snapshots),
            reclaiming: Mutex::default(),
            waiting: AtomicBool::new(false),
            _lock: guard,
        });
        let worker = Arc::clone(&shared);
        let thread = thread::Builder::new().name("log-writer".to_owned()).spawn(move || worker.run()).map_err(io)?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A request to be filled and appended.
    #[must_use]
    pub fn request(&self) -> AppendRequest {
        AppendRequest::new(self.shared.state.keys, self.shared.state.options.append_bytes_max())
    }

    /// Appends, and waits until it is durable.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn append(&self, request: AppendRequest) -> Result<Appended, AppendError> {
        self.shared.submit_and_wait(Work::Append(request))
    }

    /// Appends; `done` is called when it is durable or refused, on another thread, and must be quick. If the queue
    /// is full it is called at once, with [`AppendError::Busy`].
    pub fn submit(&self, request: AppendRequest, done: impl FnOnce(Result<Appended, AppendError>) + Send + 'static) {
        self.shared.submit(Job { work: Work::Append(request), done: Box::new(done) });
    }

    /// Gives up a stream's records before a revision; its last one stays.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn truncate(&self, stream: &str, before: u64) -> Result<(), AppendError> {
        self.shared.submit_and_wait(Work::Truncate { stream: stream.into(), before }).map(drop)
    }

    /// Like [`Log::truncate`], calling back.
    pub fn submit_truncate(
        &self,
        stream: &str,
        before: u64,
        done: impl FnOnce(Result<Appended, AppendError>) + Send + 'static,
    ) {
        self.shared.submit(Job { work: Work::Truncate { stream: stream.into(), before }, done: Box::new(done) });
    }

    /// The last durable position; 0 if there is none.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.shared.state.head()
    }

    /// Up to `limit` records that match, after a position.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn read(&self, after: u64, query: &Query, limit: usize) -> Result<Page, ReadError> {
        read::page(&self.shared.state, after, query, limit)
    }

    /// Like [`Log::read`], if no disk need be asked for it; never waits.
    #[must_use]
    pub fn read_recent(&self, after: u64, query: &Query, limit: usize) -> Option<Page> {
        recent::page(&self.shared.state, after, query, limit)
    }

    /// Like [`Log::read_stream`], if no disk need be asked for it; never waits.
    #[must_use]
    pub fn read_stream_recent(&self, name: &str, from: u64, backward: bool, limit: usize) -> Option<StreamPage> {
        recent::stream(&self.shared.state, name, from, backward, limit)
    }

    /// Calls back for every record after a position, until it says stop.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn replay(&self, after: u64, mut each: impl FnMut(crate::Record) -> bool) -> Result<(), ReadError> {
        read::replay(&self.shared.state, after, &mut each)
    }

    /// Up to `limit` records of a stream, from a revision on, forwards or backwards.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn read_stream(&self, name: &str, from: u64, backward: bool, limit: usize) -> Result<StreamPage, ReadError> {
        read::stream(&self.shared.state, name, from, backward, limit)
    }

    /// The last position that was recorded at or before a moment, in microseconds since the epoch.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be looked up.
    pub fn position_at(&self, moment: i64) -> Result<u64, ReadError> {
        read::position_at(&self.shared.state, moment)
    }

    /// Waits until there is something after a position, the log closes, or the time is over. Answers the head.
    #[must_use]
    pub fn wait_beyond(&self, position: u64, timeout: Duration) -> u64 {
        self.shared.state.wait_beyond(position, timeout)
    }

    /// Calls back with the head whenever it has moved, on the writing thread: it must be quick.
    pub fn on_durable(&self, listener: impl Fn(u64) + Send + Sync + 'static) {
        self.shared.state.listen(Box::new(listener));
    }

    /// The newest snapshot of a stream, if there is one and it is whole.
    #[must_use]
    pub fn load_snapshot(&self, stream: &str) -> Option<Snapshot> {
        lock(&self.shared.snapshots).load(stream)
    }

    /// The revision of the newest snapshot of a stream, if there is one; asks no disk.
    #[must_use]
    pub fn snapshot_revision(&self, stream: &str) -> Option<u64> {
        lock(&self.shared.snapshots).revision(stream)
    }

    /// Keeps a snapshot in place of the stream's older one. It is derived: neither durable nor certain to stay.
    pub fn save_snapshot(&self, snapshot: &Snapshot) {
        lock(&self.shared.snapshots).save(self.shared.state.storage.as_ref(), snapshot);
    }

    /// Rewrites sealed segments without the records that were given up, where that frees enough, and answers how
    /// many bytes it freed.
    ///
    /// # Errors
    /// [`ReadError`] if a segment cannot be read or written anew; it is then as it was.
    pub fn reclaim(&self) -> Result<u64, ReadError> {
        let _alone = lock(&self.shared.reclaiming);
        let writer = lock(&self.shared.writer);
        writer.keeper().settle();
        let newest = self.shared.state.segments().len() as u32 - 1;
        debug_assert!(writer.owns(newest), "the newest segment is the one that is written to");
        drop(writer);
        crate::reclaim::reclaim(&self.shared.state, newest)
    }

    /// What the log consists of.
    #[must_use]
    pub fn stat(&self) -> Stat {
        let state = &self.shared.state;
        let segments = state.segments();
        Stat {
            store: state.store,
            head: state.head(),
            segments: segments.len(),
            bytes: segments.iter().map(|segment| u64::from(segment.end())).sum(),
            keys: crate::segment::read(&state.table).len(),
            truncated: state.truncated().len(),
            failure: lock(&self.shared.writer).failure().map(str::to_owned),
        }
    }

    /// Waits until the index of every sealed segment is written, so that the next opening need not make it.
    pub fn settle(&self) {
        let writer = lock(&self.shared.writer);
        writer.keeper().settle();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        lock(&self.shared.queue).closed = true;
        self.shared.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has been told; there is nothing left to save.
            let _ = thread.join();
        }
        self.shared.state.close();
    }
}

impl Shared {
    fn submit(&self, job: Job) {
        if self.enqueue(job) && self.waiting.load(Ordering::SeqCst) {
            self.bell.notify_one();
        }
    }

    /// Puts a job into the queue, or answers it at once. Tells which.
    fn enqueue(&self, job: Job) -> bool {
        let mut queue = lock(&self.queue);
        let refusal = if queue.closed {
            AppendError::Closed("it is closing".to_owned())
        } else if queue.jobs.len() >= self.state.options.queue_requests_max {
            AppendError::Busy
        } else {
            queue.jobs.push_back(job);
            return true;
        };
        drop(queue);
        (job.done)(Err(refusal));
        false
    }

    fn submit_and_wait(&self, work: Work) -> Result<crate::Appended, AppendError> {
        let answer = Arc::new((Mutex::new(None), Condvar::new()));
        let theirs = Arc::clone(&answer);
        let done: Done = Box::new(move |result| {
            *lock(&theirs.0) = Some(result);
            theirs.1.notify_one();
        });
        self.enqueue(Job { work, done });
        // Nobody writes: this thread does, and spares itself the wait for another one to wake.
        match self.writer.try_lock() {
            Ok(mut writer) => {
                let jobs = self.drain();
                if !jobs.is_empty() {
                    writer.handle(jobs);
                }
                drop(writer);
                if !lock(&self.queue).jobs.is_empty() {
                    self.bell.notify_one();
                }
            }
            Err(TryLockError::WouldBlock | TryLockError::Poisoned(_)) => self.bell.notify_one(),
        }
        let mut result = lock(&answer.0);
        loop {
            if let Some(result) = result.take() {
                return result;
            }
            result = answer.1.wait(result).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes what one write may hold.
    fn drain(&self) -> Vec<Job> {
        let mut queue = lock(&self.queue);
        let options = &self.state.options;
        let (mut count, mut bytes) = (0, 0);
        for job in queue.jobs.iter().take(options.batch_requests_max) {
            bytes += job.bytes();
            if count > 0 && bytes > options.batch_bytes_max {
                break;
            }
            count += 1;
        }
        queue.jobs.drain(..count).collect()
    }

    fn run(&self) {
        loop {
            let mut queue = lock(&self.queue);
            let mut idle = false;
            while queue.jobs.is_empty() && !queue.closed && !idle {
                self.waiting.store(true, Ordering::SeqCst);
                let (next, timeout) = self.bell.wait_timeout(queue, IDLE).unwrap_or_else(PoisonError::into_inner);
                queue = next;
                idle = timeout.timed_out();
                self.waiting.store(false, Ordering::SeqCst);
            }
            let done = queue.closed && queue.jobs.is_empty();
            drop(queue);
            let mut writer = lock(&self.writer);
            let jobs = self.drain();
            if !jobs.is_empty() {
                writer.handle(jobs);
            } else if (idle || done) && writer.is_unmarked() {
                writer.mark();
            }
            if done {
                return;
            }
        }
    }
}
