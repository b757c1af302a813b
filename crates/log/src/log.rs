//! The log as its users hold it.

use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::error::{AppendError, OpenError, ReadError};
use crate::keeper::Keeper;
use crate::options::Options;
use crate::pipeline::{Pipeline, Queue};
use crate::query::Query;
use crate::read::{self, Kept, Page, StreamPage};
use crate::recent;
use crate::recovery::{Ready, recover};
use crate::request::AppendRequest;
use crate::rounds::Rounds;
use crate::snapshots::{Snapshot, Snapshots};
use crate::state::{State, lock};
use crate::storage::{DiskStorage, Storage};
use crate::syncer::Syncer;
use crate::writer::{Job, Work, Writer, first_round};

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

/// An open log. Dropping it writes what is still waiting, and closes it.
pub struct Log {
    state: Arc<State>,
    pipeline: Arc<Pipeline>,
    snapshots: Mutex<Snapshots>,
    /// Held by whoever rewrites segments: two would do it in the same files.
    reclaiming: Mutex<()>,
    thread: Option<JoinHandle<()>>,
    /// Given back last.
    _lock: Box<dyn Send + Sync>,
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
        let queue = Arc::new(Queue::new(state.options.queue_requests_max));
        let theirs = Arc::clone(&queue);
        let first = first_round(&state, epoch).ok_or_else(|| io(std::io::Error::other("it has no segment")))?;
        let syncer = Syncer::start(Rounds::new(first, state.keys), move || theirs.landed()).map_err(io)?;
        let writer = Writer::start(Arc::clone(&state), keeper, syncer).map_err(io)?;
        let pipeline = Arc::new(Pipeline::new(queue, writer));
        let worker = Arc::clone(&pipeline);
        let thread = thread::Builder::new().name("log-writer".to_owned()).spawn(move || worker.run()).map_err(io)?;
        Ok(Self {
            state,
            pipeline,
            snapshots: Mutex::new(snapshots),
            reclaiming: Mutex::default(),
            thread: Some(thread),
            _lock: guard,
        })
    }

    /// A request to be filled and appended.
    #[must_use]
    pub fn request(&self) -> AppendRequest {
        AppendRequest::new(self.state.keys, self.state.options.append_bytes_max())
    }

    /// Appends, and waits until it is durable.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn append(&self, request: AppendRequest) -> Result<Appended, AppendError> {
        self.pipeline.submit_and_wait(Work::Append(request))
    }

    /// Appends; `done` is called when it is durable or refused, on another thread, and must be quick. If the queue
    /// is full it is called at once, with [`AppendError::Busy`].
    pub fn submit(&self, request: AppendRequest, done: impl FnOnce(Result<Appended, AppendError>) + Send + 'static) {
        self.pipeline.submit(Job { work: Work::Append(request), done: Box::new(done) });
    }

    /// Gives up a stream's records before a revision; its last one stays.
    ///
    /// # Errors
    /// [`AppendError`].
    pub fn truncate(&self, stream: &str, before: u64) -> Result<(), AppendError> {
        self.pipeline.submit_and_wait(Work::Truncate { stream: stream.into(), before }).map(drop)
    }

    /// Like [`Log::truncate`], calling back.
    pub fn submit_truncate(
        &self,
        stream: &str,
        before: u64,
        done: impl FnOnce(Result<Appended, AppendError>) + Send + 'static,
    ) {
        self.pipeline.submit(Job { work: Work::Truncate { stream: stream.into(), before }, done: Box::new(done) });
    }

    /// The last durable position; 0 if there is none.
    #[must_use]
    pub fn head(&self) -> u64 {
        self.state.head()
    }

    /// Up to `limit` records that match, after a position.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn read(&self, after: u64, query: &Query, limit: usize) -> Result<Page, ReadError> {
        read::page(&self.state, after, query, limit)
    }

    /// Like [`Log::read`], if no disk need be asked for it; never waits.
    #[must_use]
    pub fn read_recent(&self, after: u64, query: &Query, limit: usize) -> Option<Page> {
        recent::page(&self.state, after, query, limit)
    }

    /// Like [`Log::read_stream`], if no disk need be asked for it; never waits.
    #[must_use]
    pub fn read_stream_recent(&self, name: &str, from: u64, backward: bool, limit: usize) -> Option<StreamPage> {
        recent::stream(&self.state, name, from, backward, limit)
    }

    /// Calls back for every record after a position, until it says stop.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn replay(&self, after: u64, mut each: impl FnMut(crate::Record) -> bool) -> Result<(), ReadError> {
        read::replay(&self.state, after, &mut each)
    }

    /// Up to `limit` records after a position as they are kept, those that were given up included; a page of many
    /// bytes ends sooner. Empty only at the log's end.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn kept(&self, after: u64, limit: usize) -> Result<Vec<Kept>, ReadError> {
        read::kept(&self.state, after, limit.max(1))
    }

    /// The streams that were truncated, with the first revision that is left of each.
    #[must_use]
    pub fn truncations(&self) -> Vec<(String, u64)> {
        let all = self.state.truncated();
        all.iter().map(|(stream, first)| (String::from_utf8_lossy(stream).into_owned(), *first)).collect()
    }

    /// The streams that have a snapshot.
    #[must_use]
    pub fn snapshot_streams(&self) -> Vec<String> {
        lock(&self.snapshots).streams()
    }

    /// Up to `limit` records of a stream, from a revision on, forwards or backwards.
    ///
    /// # Errors
    /// [`ReadError`] if they cannot be read or are damaged.
    pub fn read_stream(&self, name: &str, from: u64, backward: bool, limit: usize) -> Result<StreamPage, ReadError> {
        read::stream(&self.state, name, from, backward, limit)
    }

    /// The last position that was recorded at or before a moment, in microseconds since the epoch.
    ///
    /// # Errors
    /// [`ReadError`] if it cannot be looked up.
    pub fn position_at(&self, moment: i64) -> Result<u64, ReadError> {
        read::position_at(&self.state, moment)
    }

    /// Waits until there is something after a position, the log closes, or the time is over. Answers the head.
    #[must_use]
    pub fn wait_beyond(&self, position: u64, timeout: Duration) -> u64 {
        self.state.wait_beyond(position, timeout)
    }

    /// Calls back with the head whenever it has moved, on the writing thread: it must be quick.
    pub fn on_durable(&self, listener: impl Fn(u64) + Send + Sync + 'static) {
        self.state.listen(Box::new(listener));
    }

    /// The newest snapshot of a stream, if there is one and it is whole.
    #[must_use]
    pub fn load_snapshot(&self, stream: &str) -> Option<Snapshot> {
        lock(&self.snapshots).load(stream)
    }

    /// The revision of the newest snapshot of a stream, if there is one; asks no disk.
    #[must_use]
    pub fn snapshot_revision(&self, stream: &str) -> Option<u64> {
        lock(&self.snapshots).revision(stream)
    }

    /// Keeps a snapshot in place of the stream's older one. It is derived: neither durable nor certain to stay.
    pub fn save_snapshot(&self, snapshot: &Snapshot) {
        lock(&self.snapshots).save(self.state.storage.as_ref(), snapshot);
    }

    /// Rewrites sealed segments without the records that were given up, where that frees enough, and answers how
    /// many bytes it freed.
    ///
    /// # Errors
    /// [`ReadError`] if a segment cannot be read or written anew; it is then as it was.
    pub fn reclaim(&self) -> Result<u64, ReadError> {
        let _alone = lock(&self.reclaiming);
        let writer = self.pipeline.writer();
        writer.keeper().settle();
        let newest = self.state.segments().len() as u32 - 1;
        debug_assert!(writer.owns(newest), "the newest segment is the one that is written to");
        drop(writer);
        crate::reclaim::reclaim(&self.state, newest)
    }

    /// What the log consists of.
    #[must_use]
    pub fn stat(&self) -> Stat {
        let state = &self.state;
        let segments = state.segments();
        Stat {
            store: state.store,
            head: state.head(),
            segments: segments.len(),
            bytes: segments.iter().map(|segment| u64::from(segment.end())).sum(),
            keys: crate::segment::read(&state.table).len(),
            truncated: state.truncated().len(),
            failure: self.pipeline.writer().failure().map(str::to_owned),
        }
    }

    /// Waits until the index of every sealed segment is written, so that the next opening need not make it.
    pub fn settle(&self) {
        let writer = self.pipeline.writer();
        writer.keeper().settle();
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.pipeline.close();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer has been told; there is nothing left to save.
            let _ = thread.join();
        }
        self.state.close();
    }
}
