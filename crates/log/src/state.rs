//! What the log holds, as its readers see it. Only the writer changes it, and only after the bytes are durable.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::ReadError;
use crate::format::record::Record;
use crate::index::cache::PostingsCache;
use crate::index::table::KeyTable;
use crate::key::Keys;
use crate::options::Options;
use crate::segment::{Index, Segment, read, write};
use crate::storage::Storage;
use crate::tail::Tail;

/// Streams that were truncated, with the first revision that is left.
pub(crate) type Truncated = HashMap<Box<[u8]>, u64>;

type Listener = Box<dyn Fn(u64) + Send + Sync>;

pub(crate) struct State {
    pub(crate) storage: Arc<dyn Storage>,
    pub(crate) options: Options,
    pub(crate) keys: Keys,
    pub(crate) store: u128,
    /// All segments that have begun, by number.
    segments: RwLock<Arc<Vec<Arc<Segment>>>>,
    pub(crate) table: RwLock<KeyTable>,
    truncated: RwLock<Arc<Truncated>>,
    pub(crate) tail: RwLock<Tail>,
    pub(crate) postings: Mutex<PostingsCache>,
    head: AtomicU64,
    closed: AtomicBool,
    news: (Mutex<()>, Condvar),
    listeners: RwLock<Vec<Listener>>,
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What recovery found, of which a state is made.
pub(crate) struct Recovered {
    pub(crate) keys: Keys,
    pub(crate) store: u128,
    pub(crate) segments: Vec<Arc<Segment>>,
    pub(crate) table: KeyTable,
    pub(crate) truncated: Truncated,
    pub(crate) head: u64,
}

impl State {
    pub(crate) fn new(storage: Arc<dyn Storage>, options: Options, recovered: Recovered) -> Self {
        if options.map_sealed {
            let sealed = recovered.segments.iter().filter(|segment| matches!(segment.index(), Index::File(_)));
            sealed.for_each(|segment| segment.map());
        }
        Self {
            storage,
            keys: recovered.keys,
            store: recovered.store,
            segments: RwLock::new(Arc::new(recovered.segments)),
            table: RwLock::new(recovered.table),
            truncated: RwLock::new(Arc::new(recovered.truncated)),
            tail: RwLock::new(Tail::new(options.tail_bytes_max)),
            postings: Mutex::new(PostingsCache::new(options.index_cache_bytes_max)),
            head: AtomicU64::new(recovered.head),
            closed: AtomicBool::new(false),
            news: (Mutex::new(()), Condvar::new()),
            listeners: RwLock::new(Vec::new()),
            options,
        }
    }

    /// The last durable position.
    pub(crate) fn head(&self) -> u64 {
        self.head.load(Ordering::Acquire)
    }

    pub(crate) fn segments(&self) -> Arc<Vec<Arc<Segment>>> {
        Arc::clone(&read(&self.segments))
    }

    pub(crate) fn push_segment(&self, segment: Arc<Segment>) {
        let mut segments = write(&self.segments);
        let mut more = segments.as_ref().clone();
        more.push(segment);
        *segments = Arc::new(more);
    }

    /// Puts a rewritten segment in the place of the one with its number. Readers of the old one may finish.
    pub(crate) fn replace_segment(&self, segment: Arc<Segment>) {
        // First, so that nobody finds at an offset of the new file what was there in the old one.
        write(&self.tail).forget(segment.number());
        let mut segments = write(&self.segments);
        let mut others = segments.as_ref().clone();
        let number = segment.number() as usize;
        if let Some(place) = others.get_mut(number) {
            *place = segment;
        }
        *segments = Arc::new(others);
    }

    /// The segment that has, or will have, a position.
    pub(crate) fn segment_of(segments: &[Arc<Segment>], position: u64) -> Option<&Arc<Segment>> {
        segments.get(segments.partition_point(|segment| segment.first <= position).checked_sub(1)?)
    }

    pub(crate) fn truncated(&self) -> Arc<Truncated> {
        Arc::clone(&read(&self.truncated))
    }

    pub(crate) fn truncate(&self, stream: &[u8], before: u64) {
        let mut truncated = write(&self.truncated);
        // Copied only while a reader still looks at it.
        let first = Arc::make_mut(&mut truncated).entry(stream.into()).or_insert(0);
        *first = before.max(*first);
    }

    /// One record, from memory if it is there.
    pub(crate) fn record(&self, segment: &Segment, offset: u32) -> Result<Record, ReadError> {
        if let Some(record) = read(&self.tail).record(segment.number(), offset) {
            return Ok(record);
        }
        segment.record(offset, &self.keys)
    }

    /// Tells everyone that the log is durable up to a position.
    pub(crate) fn publish(&self, head: u64) {
        self.head.store(head, Ordering::Release);
        self.wake();
        read(&self.listeners).iter().for_each(|listener| listener(head));
    }

    fn wake(&self) {
        drop(lock(&self.news.0));
        self.news.1.notify_all();
    }

    pub(crate) fn listen(&self, listener: Listener) {
        write(&self.listeners).push(listener);
    }

    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
        self.wake();
    }

    /// Waits until there is something after a position, the log closes, or the time is over. Answers the head.
    pub(crate) fn wait_beyond(&self, position: u64, timeout: Duration) -> u64 {
        let deadline = Instant::now() + timeout;
        let mut guard = lock(&self.news.0);
        while self.head() <= position && !self.closed.load(Ordering::Acquire) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { break };
            guard = self.news.1.wait_timeout(guard, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(guard);
        self.head()
    }
}
