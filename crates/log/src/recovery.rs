//! From a folder to a state: which segments there are, where the log ends, and what its index says. The only place
//! where bytes of the log are given up, and only such as were never durable.

use std::io;
use std::ops::Range;
use std::sync::Arc;

use uuid::Uuid;

use crate::error::OpenError;
use crate::format::commit::{Kind, open_commit, open_truncation};
use crate::format::header::Header;
use crate::format::{HEADER_BYTES, Scan, find_commit_behind};
use crate::index::file::{FileIndex, SegmentEnd, encode};
use crate::index::live::LiveIndex;
use crate::index::table::KeyTable;
use crate::keeper::{make_segment, replace_file};
use crate::key::Keys;
use crate::options::Options;
use crate::segment::{Index, Segment, index_name, log_name, segment_number};
use crate::state::{Recovered, Truncated};
use crate::storage::{File, Storage};

/// How much of the spare segment is looked at for commits that should not be there.
const SPARE_LOOK_BYTES: usize = 64 << 10;
/// How many zeros are written at a time when a tail is cut.
const ZERO_BYTES: usize = 1 << 20;

/// What recovery hands to the writer.
pub(crate) struct Ready {
    pub(crate) recovered: Recovered,
    /// The segment that stands ready behind the newest one, if there is one.
    pub(crate) spare: Option<(Header, Arc<dyn File>)>,
    /// The newest commit's epoch.
    pub(crate) epoch: u32,
}

struct Found {
    header: Header,
    file: Arc<dyn File>,
}

struct Recovery<'a> {
    storage: &'a dyn Storage,
    keys: Keys,
    table: KeyTable,
    truncated: Truncated,
    segments: Vec<Arc<Segment>>,
    next: u64,
    epoch: u32,
}

fn damaged(segment: u32, offset: u32, problem: impl Into<String>) -> OpenError {
    OpenError::Damaged { file: log_name(segment), offset: u64::from(offset), problem: problem.into() }
}

/// Opens what is in a folder, or begins a log in an empty one.
pub(crate) fn recover(storage: &dyn Storage, options: &Options) -> Result<Ready, OpenError> {
    let place = storage.place();
    let io = |error: io::Error| OpenError::Io { place: place.clone(), error };
    let names = storage.list().map_err(io)?;
    for name in names.iter().filter(|name| name.ends_with(".tmp")) {
        storage.remove(name).map_err(io)?;
    }
    // A segment may be there by a name that is not durable yet: nothing may rest on it before it is.
    storage.sync_names().map_err(io)?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    if numbers.is_empty() {
        if let Some(index) = names.iter().find(|name| name.ends_with(".index")) {
            return Err(damaged(0, 0, format!("it is missing, though {index} is there")));
        }
        let header = Header {
            store: Uuid::new_v4().as_u128(),
            seed: options.hash_seed.unwrap_or_else(|| Uuid::new_v4().as_u64_pair().0),
            segment: 0,
            bytes: options.segment_bytes,
            generation: 0,
        };
        make_segment(storage, &header, &|_| Ok(())).map_err(io)?;
        numbers.push(0);
    }

    let mut found = Vec::new();
    for (expected, number) in numbers.into_iter().enumerate() {
        if expected as u32 != number {
            return Err(damaged(expected as u32, 0, "it is missing"));
        }
        found.push(open_segment(storage, number)?);
    }
    let first = found[0].header;
    if let Some(odd) = found.iter().find(|other| (other.header.store, other.header.seed) != (first.store, first.seed)) {
        return Err(damaged(odd.header.segment, 0, "it belongs to another log"));
    }
    let recovery = Recovery {
        storage,
        keys: Keys::new(first.seed, options.hash_bits),
        table: KeyTable::default(),
        truncated: Truncated::new(),
        segments: Vec::new(),
        next: 1,
        epoch: 0,
    };
    recovery.run(&found)
}

fn open_segment(storage: &dyn Storage, number: u32) -> Result<Found, OpenError> {
    let name = log_name(number);
    let io = |error: io::Error| OpenError::Io { place: format!("{}/{name}", storage.place()), error };
    let file = storage.open(&name).map_err(io)?;
    let mut block = vec![0; HEADER_BYTES];
    match file.read_at(&mut block, 0) {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            return Err(damaged(number, 0, "it is shorter than its header"));
        }
        other => other.map_err(io)?,
    }
    let header = Header::decode(&block)
        .map_err(|problem| OpenError::NotALog { file: name.clone(), problem: problem.to_owned() })?;
    if header.segment != number {
        return Err(damaged(number, 0, format!("it is segment {}", header.segment)));
    }
    let len = file.len().map_err(io)?;
    if len != u64::from(header.bytes) {
        return Err(damaged(number, 0, format!("it is {len} bytes long and not {}", header.bytes)));
    }
    Ok(Found { header, file })
}

impl Recovery<'_> {
    fn run(mut self, found: &[Found]) -> Result<Ready, OpenError> {
        let mut rest = found;
        let behind = loop {
            let Some((segment, behind)) = rest.split_first() else {
                return Err(damaged(found.len() as u32, 0, "it is missing"));
            };
            rest = behind;
            if self.sealed_by_index(segment)? {
                continue;
            }
            if !self.walk(segment, behind)? {
                break behind;
            }
        };
        let head = self.next - 1;
        Ok(Ready {
            // More than one segment may be empty; the first will do, and the others are made anew.
            spare: behind.first().map(|spare| (spare.header, Arc::clone(&spare.file))),
            epoch: self.epoch,
            recovered: Recovered {
                store: self.segments[0].header.store,
                keys: self.keys,
                segments: self.segments,
                table: self.table,
                truncated: self.truncated,
                head,
            },
        })
    }

    fn io(&self, segment: u32, error: io::Error) -> OpenError {
        OpenError::Io { place: format!("{}/{}", self.storage.place(), log_name(segment)), error }
    }

    /// Takes a sealed segment over from its index file, if that is sound and the seal is where it says.
    fn sealed_by_index(&mut self, segment: &Found) -> Result<bool, OpenError> {
        let number = segment.header.segment;
        let name = index_name(number);
        let Ok(file) = self.storage.open(&name) else { return Ok(false) };
        let Ok((index, dictionary)) = FileIndex::open(file, &segment.header, self.next, &self.keys) else {
            return Ok(false);
        };
        let SegmentEnd { seal, next } = index.end;
        let mut frame = vec![0; crate::format::commit::COMMIT_HEADER_BYTES];
        if segment.file.read_at(&mut frame, u64::from(seal)).is_err() {
            return Ok(false);
        }
        let sealing = open_commit(&frame, segment.header.seed, number, seal)
            .filter(|commit| commit.kind == Kind::Seal && commit.first == next);
        let Some(sealing) = sealing else { return Ok(false) };
        self.epoch = self.epoch.max(sealing.epoch);
        index.absorb(&dictionary, number, &mut self.table);
        for (stream, before) in &index.truncations {
            note_truncation(&mut self.truncated, stream, *before);
        }
        let state =
            Segment::new(segment.header, Arc::clone(&segment.file), self.next, seal, Index::File(Arc::new(index)));
        self.segments.push(Arc::new(state));
        self.next = next;
        Ok(true)
    }

    /// Walks a segment that has no index: a sealed one gets its index anew, the newest one its end. Answers whether
    /// it is sealed.
    fn walk(&mut self, segment: &Found, behind: &[Found]) -> Result<bool, OpenError> {
        let number = segment.header.segment;
        let mut bytes = vec![0; segment.header.bytes as usize];
        segment.file.read_at(&mut bytes, 0).map_err(|error| self.io(number, error))?;

        let first = self.next;
        let mut live = LiveIndex::new(number, first, &self.keys);
        let mut scan = Scan::new(&bytes, &segment.header, first);
        let mut last = None;
        while let Some(frame) = scan.next_frame() {
            last = Some(frame);
            for (offset, record) in frame.records(first) {
                live.admit(record, offset, &self.keys, &mut self.table);
            }
            if frame.header.kind == Kind::Truncate
                && let Some((stream, before)) = open_truncation(frame.body)
            {
                live.truncations.push((stream.into(), before));
                note_truncation(&mut self.truncated, stream, before);
            }
        }
        let (sealed, end, next, durable) = (scan.sealed, scan.offset, scan.next, scan.durable);
        self.epoch = self.epoch.max(scan.epoch);
        let seal = last.map_or(end, |frame| frame.offset);
        let index = if sealed {
            self.write_again(segment, &bytes, durable..end)?;
            self.write_index(&live, &segment.header, SegmentEnd { seal, next })
        } else {
            behind.iter().try_for_each(|spare| self.check_spare(spare, number, end))?;
            self.cut_tail(segment, &bytes, end, durable)?;
            None
        };
        let index = match index {
            Some(file) => Index::File(Arc::new(file)),
            None => Index::Live(Arc::new(live.into())),
        };
        let end = if sealed { seal } else { end };
        let state = Segment::new(segment.header, Arc::clone(&segment.file), first, end, index);
        self.segments.push(Arc::new(state));
        self.next = next;
        Ok(sealed)
    }

    /// Writes a sealed segment's index anew. If that fails, the one in memory serves.
    fn write_index(&self, live: &LiveIndex, header: &Header, end: SegmentEnd) -> Option<FileIndex> {
        let name = index_name(header.segment);
        let bytes = encode(live, header, end, &self.keys);
        let file = replace_file(self.storage, &name, &bytes).ok()?;
        FileIndex::open(file, header, live.first, &self.keys).ok().map(|(index, _)| index)
    }

    /// Ends the newest segment behind its last sound commit. What lies there was never durable; if it was, this is
    /// damage, and nothing is touched.
    fn cut_tail(&self, segment: &Found, bytes: &[u8], end: u32, durable: u32) -> Result<(), OpenError> {
        let number = segment.header.segment;
        if let Some(witness) = find_commit_behind(bytes, &segment.header, end, end) {
            return Err(damaged(
                number,
                end,
                format!("no sound commit is here, though the one at offset {witness} was written after it was durable"),
            ));
        }
        let torn = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        let io = |error| self.io(number, error);
        let mut at = end as usize;
        while at < torn {
            let piece = ZERO_BYTES.min(torn - at);
            segment.file.write_at(&vec![0; piece], at as u64).map_err(io)?;
            at += piece;
        }
        if durable == end && torn > end as usize {
            segment.file.sync().map_err(io)?;
        }
        self.write_again(segment, bytes, durable..end)
    }

    /// Writes the last commits once more and syncs: after an unclean end they may be in the page cache only, and
    /// marked clean by a sync that failed. Written again they are dirty, and this sync is true of them.
    fn write_again(&self, segment: &Found, bytes: &[u8], doubtful: Range<u32>) -> Result<(), OpenError> {
        if doubtful.is_empty() {
            return Ok(());
        }
        let part = &bytes[doubtful.start as usize..doubtful.end as usize];
        let written = segment.file.write_at(part, u64::from(doubtful.start)).and_then(|()| segment.file.sync());
        written.map_err(|error| self.io(segment.header.segment, error))
    }

    /// A segment behind the one without a seal must be empty: a commit in it would mean that there was a seal,
    /// durably, and that what is to be cut are acknowledged records. There may be two: the keeper begins the next
    /// spare while the segment before it is being sealed, and the seal may not make it to the disk.
    fn check_spare(&self, spare: &Found, before: u32, end: u32) -> Result<(), OpenError> {
        let number = spare.header.segment;
        let mut look = vec![0; SPARE_LOOK_BYTES.min(spare.header.bytes as usize)];
        spare.file.read_at(&mut look, 0).map_err(|error| self.io(number, error))?;
        if look[HEADER_BYTES..].iter().all(|byte| *byte == 0) {
            return Ok(());
        }
        Err(damaged(before, end, format!("it ends here without a seal, though {} has begun", log_name(number))))
    }
}

pub(crate) fn note_truncation(truncated: &mut Truncated, stream: &[u8], before: u64) {
    let first = truncated.entry(stream.into()).or_insert(0);
    *first = before.max(*first);
}
