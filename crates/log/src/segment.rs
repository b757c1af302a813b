//! One segment: its file, and its index wherever that lies.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;

use crate::ReadError;
use crate::format::get_u32;
use crate::format::header::Header;
use crate::format::record::{RECORD_HEADER_BYTES, Record, RecordRef, UNSOUND};
use crate::index::MARK_EVERY;
use crate::index::file::FileIndex;
use crate::index::live::LiveIndex;
use crate::key::Keys;
use crate::storage::File;

/// How much a point read asks for at first: most records are shorter.
const FIRST_READ_BYTES: usize = 1_024;

/// The name of a segment's file.
pub(crate) fn log_name(segment: u32) -> String {
    format!("segment-{segment:010}.log")
}

/// The name of its index.
pub(crate) fn index_name(segment: u32) -> String {
    format!("segment-{segment:010}.index")
}

/// What a file is called until it is whole and durable.
pub(crate) fn temporary_name(name: &str) -> String {
    format!("{name}.tmp")
}

/// The number of the segment whose file this is.
pub(crate) fn segment_number(name: &str) -> Option<u32> {
    let number = name.strip_prefix("segment-")?.strip_suffix(".log")?;
    (number.len() == 10).then(|| number.parse().ok())?
}

#[derive(Clone)]
pub(crate) enum Index {
    Live(Arc<RwLock<LiveIndex>>),
    File(Arc<FileIndex>),
}

/// A segment that readers may use.
pub(crate) struct Segment {
    pub(crate) header: Header,
    pub(crate) file: Arc<dyn File>,
    /// The position of its first record.
    pub(crate) first: u64,
    /// Up to where its bytes are durable commits.
    end: AtomicU32,
    index: RwLock<Index>,
    /// The bytes as memory, once the segment is sealed and if that was asked for.
    mapped: OnceLock<Bytes>,
}

pub(crate) fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    // Whoever panicked with the lock held did not leave anything half done that a reader could see.
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

impl Segment {
    pub(crate) fn new(header: Header, file: Arc<dyn File>, first: u64, end: u32, index: Index) -> Self {
        Self { header, file, first, end: AtomicU32::new(end), index: RwLock::new(index), mapped: OnceLock::new() }
    }

    pub(crate) fn number(&self) -> u32 {
        self.header.segment
    }

    pub(crate) fn name(&self) -> String {
        log_name(self.number())
    }

    pub(crate) fn end(&self) -> u32 {
        self.end.load(Ordering::Acquire)
    }

    pub(crate) fn set_end(&self, end: u32) {
        self.end.store(end, Ordering::Release);
    }

    pub(crate) fn index(&self) -> Index {
        read(&self.index).clone()
    }

    pub(crate) fn set_index(&self, index: Index) {
        *write(&self.index) = index;
    }

    /// A record at or before an ordinal from which to walk on: its ordinal and offset.
    pub(crate) fn mark_before(&self, ordinal: u32) -> Option<(u32, u32)> {
        match self.index() {
            Index::Live(live) => read(&live).mark_before(ordinal),
            Index::File(file) => file.mark_before(ordinal),
        }
    }

    /// The ordinals of the records between which the last one recorded at or before a moment lies; none if all
    /// were recorded later.
    pub(crate) fn mark_at(&self, moment: i64) -> Option<u32> {
        let before = |marks: &[(u32, i64)]| marks.partition_point(|(_, at)| *at <= moment).checked_sub(1);
        let mark = match self.index() {
            Index::Live(live) => before(&read(&live).marks),
            Index::File(file) => before(file.marks()),
        };
        mark.map(|index| index as u32 * MARK_EVERY)
    }

    pub(crate) fn damage(&self, offset: u32, problem: &str) -> ReadError {
        ReadError::Damaged { file: self.name(), offset: u64::from(offset), problem: problem.to_owned() }
    }

    /// From now on reads a sealed segment, and its index, through memory.
    pub(crate) fn map(&self) {
        if let Some(bytes) = self.file.map()
            && bytes.len() == self.header.bytes as usize
        {
            let _ = self.mapped.set(bytes);
        }
        if let Index::File(index) = self.index() {
            index.map();
        }
    }

    pub(crate) fn read_bytes(&self, offset: u32, bytes: usize) -> Result<Bytes, ReadError> {
        let start = offset as usize;
        if let Some(mapped) = self.mapped.get()
            && start + bytes <= mapped.len()
        {
            return Ok(mapped.slice(start..start + bytes));
        }
        let mut buffer = vec![0; bytes];
        self.file
            .read_at(&mut buffer, u64::from(offset))
            .map_err(|error| ReadError::Io { file: self.name(), error })?;
        Ok(Bytes::from(buffer))
    }

    /// Reads one record and checks it.
    pub(crate) fn record(&self, offset: u32, keys: &Keys) -> Result<Record, ReadError> {
        let room = (self.header.bytes.saturating_sub(offset)) as usize;
        if room < RECORD_HEADER_BYTES {
            return Err(self.damage(offset, "a record is said to be where none fits"));
        }
        let mut bytes = self.read_bytes(offset, room.min(FIRST_READ_BYTES))?;
        let len = get_u32(&bytes, 0) as usize;
        if len > room {
            return Err(self.damage(offset, UNSOUND));
        }
        if len > bytes.len() {
            bytes = self.read_bytes(offset, len)?;
        }
        bytes.truncate(len);
        RecordRef::open(&bytes, keys.seed(), self.number(), offset, self.first)
            .ok_or_else(|| self.damage(offset, UNSOUND))?;
        Ok(Record::new(bytes, self.first))
    }
}
