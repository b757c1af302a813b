//! A disk that counts what the log's writer asks of it: how many writes it made durable, and how long they were.
//! What is prepared or derived beside it (the spare segment's zeros, the indexes) does not count.

use std::collections::HashMap;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tradewind_log::{DiskStorage, File, Storage};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Writes made durable.
    pub syncs: u64,
    /// Bytes in them.
    pub bytes: u64,
}

#[derive(Default)]
struct Counters {
    syncs: AtomicU64,
    bytes: AtomicU64,
}

/// The real disk, counted.
pub struct CountingStorage {
    disk: DiskStorage,
    counters: Arc<Counters>,
    /// Files by name, with whether they are in use: a file is prepared under a temporary name.
    in_use: Mutex<HashMap<String, Arc<AtomicBool>>>,
}

impl CountingStorage {
    /// Counts what is asked of a folder.
    ///
    /// # Errors
    /// As the operating system says.
    pub fn new(folder: &std::path::Path) -> io::Result<Self> {
        Ok(Self { disk: DiskStorage::new(folder)?, counters: Arc::default(), in_use: Mutex::default() })
    }

    /// What was written so far.
    #[must_use]
    pub fn written(&self) -> Written {
        let (syncs, bytes) = (&self.counters.syncs, &self.counters.bytes);
        Written { syncs: syncs.load(Ordering::Relaxed), bytes: bytes.load(Ordering::Relaxed) }
    }

    fn counted(&self, name: &str, file: Arc<dyn File>, counts: bool) -> Arc<dyn File> {
        let counts = Arc::new(AtomicBool::new(counts));
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        in_use.insert(name.to_owned(), Arc::clone(&counts));
        Arc::new(CountedFile { file, counts, counters: Arc::clone(&self.counters) })
    }
}

impl Storage for CountingStorage {
    fn lock(&self) -> io::Result<Box<dyn Send + Sync>> {
        self.disk.lock()
    }

    fn list(&self) -> io::Result<Vec<String>> {
        self.disk.list()
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.counted(name, self.disk.open(name)?, true))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        Ok(self.counted(name, self.disk.create(name)?, false))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)?;
        let mut in_use = self.in_use.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(counts) = in_use.remove(from) {
            counts.store(true, Ordering::Relaxed);
            in_use.insert(to.to_owned(), counts);
        }
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync_names(&self) -> io::Result<()> {
        self.disk.sync_names()
    }

    fn place(&self) -> String {
        self.disk.place()
    }
}

struct CountedFile {
    file: Arc<dyn File>,
    counts: Arc<AtomicBool>,
    counters: Arc<Counters>,
}

impl File for CountedFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<()> {
        self.file.read_at(bytes, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        if self.counts.load(Ordering::Relaxed) {
            self.counters.bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        }
        self.file.write_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        if self.counts.load(Ordering::Relaxed) {
            self.counters.syncs.fetch_add(1, Ordering::Relaxed);
        }
        self.file.sync()
    }

    fn begin_sync(&self, offset: u64, bytes: u64) {
        self.file.begin_sync(offset, bytes);
    }

    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn map(&self) -> Option<Bytes> {
        self.file.map()
    }
}
