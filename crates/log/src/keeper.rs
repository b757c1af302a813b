//! What can wait, in a thread of its own: a spare segment, zero-filled ahead of use, and the index files of sealed
//! segments.
//!
//! Zeros are written, not allocated: on a journalled file system a sync of bytes that were written before costs a
//! fifth of one that also has to note that they now count.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::format::HEADER_BYTES;
use crate::format::header::Header;
use crate::index::file::{FileIndex, SegmentEnd, encode};
use crate::segment::{Index, Segment, index_name, log_name, read, temporary_name};
use crate::state::{State, lock};
use crate::storage::{File, Storage};

/// How many zeros are written at a time: small enough not to hold up the writer's own syncs for long.
const PIECE_BYTES: usize = 1 << 20;
/// The spare is filled this many times as fast as the segment before it: ready at half of that, and no burst of
/// zeros ever stands in the writer's way.
const PACE: u64 = 2;
/// How often it is looked whether the next piece is due.
const LOOK: Duration = Duration::from_millis(20);

/// How many sealed segments may wait for their index files, each with its index in memory, before these come before
/// the next spare.
const SEALED_MAX: usize = 2;

/// Makes an empty, zero-filled, durable segment. `pace` is called between pieces with the bytes written so far; an
/// error of it ends the making.
pub(crate) fn make_segment(
    storage: &dyn Storage,
    header: &Header,
    pace: &dyn Fn(usize) -> io::Result<()>,
) -> io::Result<Arc<dyn File>> {
    let name = log_name(header.segment);
    let temporary = temporary_name(&name);
    let made = (|| {
        let file = storage.create(&temporary)?;
        file.write_at(&header.encode(), 0)?;
        let zeros = vec![0; PIECE_BYTES];
        let mut at = HEADER_BYTES;
        while at < header.bytes as usize {
            let piece = PIECE_BYTES.min(header.bytes as usize - at);
            file.write_at(&zeros[..piece], at as u64)?;
            // On their way, but not waited for: one sync at the end, and not one for each piece, since each would
            // also write the file system's journal, for which the writer's own sync would have to wait.
            file.begin_sync(at as u64, piece as u64);
            at += piece;
            pace(at)?;
        }
        file.sync()?;
        storage.rename(&temporary, &name)?;
        storage.sync_names()?;
        Ok(file)
    })();
    if made.is_err() {
        // What is left of it would keep the room that someone else needs; opening the log removes it too.
        let _ = storage.remove(&temporary);
    }
    made
}

/// Puts a whole file in the place of another, durably.
pub(crate) fn replace_file(storage: &dyn Storage, name: &str, bytes: &[u8]) -> io::Result<Arc<dyn File>> {
    let temporary = temporary_name(name);
    let made = (|| {
        let file = storage.create(&temporary)?;
        file.write_at(bytes, 0)?;
        file.sync()?;
        storage.rename(&temporary, name)?;
        storage.sync_names()?;
        Ok(file)
    })();
    if made.is_err() {
        let _ = storage.remove(&temporary);
    }
    made
}

/// A segment that stands ready.
pub(crate) type Spare = (Header, Arc<dyn File>);

#[derive(Default)]
struct Work {
    wanted: Option<Header>,
    /// The spare is being made: asking for it again would make it over the one that is then in use.
    making: bool,
    spare: Option<io::Result<Spare>>,
    sealed: VecDeque<(Arc<Segment>, SegmentEnd)>,
    /// The writer waits for the spare: no pacing.
    urgent: bool,
    closing: bool,
}

struct Desk {
    state: Arc<State>,
    work: Mutex<Work>,
    bell: Condvar,
}

/// The thread, and what it is asked to do.
pub(crate) struct Keeper {
    desk: Arc<Desk>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts the thread; without a spare it begins with making one.
    pub(crate) fn start(state: Arc<State>, spare: Option<Spare>) -> io::Result<Self> {
        let desk = Arc::new(Desk { state, work: Mutex::default(), bell: Condvar::new() });
        match spare {
            Some(spare) => lock(&desk.work).spare = Some(Ok(spare)),
            None => lock(&desk.work).wanted = desk.next_header(),
        }
        let worker = Arc::clone(&desk);
        let thread = thread::Builder::new().name("log-keeper".to_owned()).spawn(move || worker.run())?;
        Ok(Self { desk, thread: Some(thread) })
    }

    /// The next segment, as soon as it stands ready; the one after it is begun.
    pub(crate) fn take_spare(&self) -> io::Result<Spare> {
        let mut work = lock(&self.desk.work);
        if work.spare.is_none() && work.wanted.is_none() && !work.making {
            work.wanted = self.desk.next_header();
        }
        work.urgent = true;
        self.desk.bell.notify_all();
        let spare = loop {
            if let Some(spare) = work.spare.take() {
                break spare;
            }
            if work.closing {
                break Err(io::Error::other("the log is closing"));
            }
            work = self.desk.bell.wait(work).unwrap_or_else(PoisonError::into_inner);
        };
        work.urgent = false;
        if let Ok((header, _)) = &spare {
            work.wanted = Some(Header { segment: header.segment + 1, bytes: self.desk.segment_bytes(), ..*header });
        }
        drop(work);
        self.desk.bell.notify_all();
        spare
    }

    /// Takes a sealed segment, to write its index.
    pub(crate) fn index(&self, segment: Arc<Segment>, end: SegmentEnd) {
        lock(&self.desk.work).sealed.push_back((segment, end));
        self.desk.bell.notify_all();
    }

    /// Waits until the indexes that were asked for are written.
    pub(crate) fn settle(&self) {
        let mut work = lock(&self.desk.work);
        while !work.sealed.is_empty() {
            work = self.desk.bell.wait(work).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        lock(&self.desk.work).closing = true;
        self.desk.bell.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic of the thread has been told already; what it did not finish is made anew at the next opening.
            let _ = thread.join();
        }
    }
}

impl Desk {
    fn segment_bytes(&self) -> u32 {
        self.state.options.segment_bytes
    }

    fn next_header(&self) -> Option<Header> {
        let newest = self.state.segments().last().map(|segment| segment.header)?;
        Some(Header { segment: newest.segment + 1, bytes: self.segment_bytes(), generation: 0, ..newest })
    }

    fn run(&self) {
        loop {
            let mut work = lock(&self.work);
            let (wanted, sealed) = loop {
                let behind = work.sealed.len() > SEALED_MAX;
                if !work.closing
                    && !behind
                    && let Some(header) = work.wanted.take()
                {
                    work.making = true;
                    break (Some(header), None);
                }
                if let Some(sealed) = work.sealed.front().cloned() {
                    break (None, Some(sealed));
                }
                if work.closing {
                    return;
                }
                work = self.bell.wait(work).unwrap_or_else(PoisonError::into_inner);
            };
            drop(work);
            if let Some(header) = wanted {
                let spare = self.make_spare(header);
                let mut work = lock(&self.work);
                (work.spare, work.making) = (Some(spare), false);
            }
            if let Some((segment, end)) = sealed {
                self.write_index(&segment, end);
                lock(&self.work).sealed.pop_front();
            }
            self.bell.notify_all();
        }
    }

    fn make_spare(&self, header: Header) -> io::Result<Spare> {
        let total = u64::from(header.bytes);
        let file = make_segment(self.state.storage.as_ref(), &header, &|done| self.pace(done as u64, total))?;
        Ok((header, file))
    }

    /// Waits until the next piece of a spare is due, and does what else there is to do meanwhile.
    fn pace(&self, done: u64, total: u64) -> io::Result<()> {
        loop {
            let filled = self.filled(total);
            let mut work = lock(&self.work);
            if work.closing {
                return Err(io::Error::new(io::ErrorKind::Interrupted, "the log is closing"));
            }
            if let Some((segment, end)) = work.sealed.front().cloned() {
                drop(work);
                self.write_index(&segment, end);
                lock(&self.work).sealed.pop_front();
                self.bell.notify_all();
                continue;
            }
            if work.urgent || done >= total || done < filled * PACE {
                return Ok(());
            }
            work = self.bell.wait_timeout(work, LOOK).unwrap_or_else(PoisonError::into_inner).0;
            drop(work);
        }
    }

    /// How much of the newest segment is written, as that part of `total`.
    fn filled(&self, total: u64) -> u64 {
        let segments = self.state.segments();
        let Some(newest) = segments.last() else { return total };
        u64::from(newest.end()) * total / u64::from(newest.header.bytes).max(1)
    }

    /// Writes a sealed segment's index; if that fails, the one in memory goes on serving.
    fn write_index(&self, segment: &Arc<Segment>, end: SegmentEnd) {
        let Index::Live(live) = segment.index() else { return };
        let name = index_name(segment.number());
        let bytes = encode(&read(&live), &segment.header, end, &self.state.keys);
        if let Ok(file) = replace_file(self.state.storage.as_ref(), &name, &bytes)
            && let Ok((index, _)) = FileIndex::open(file, &segment.header, segment.first, &self.state.keys)
        {
            segment.set_index(Index::File(Arc::new(index)));
        }
        if self.state.options.map_sealed {
            segment.map();
        }
    }
}
