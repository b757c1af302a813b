//! Checking every byte of a log, changing none.

use std::collections::HashMap;
use std::io;

use crate::error::OpenError;
use crate::format::commit::{Kind, open_truncation};
use crate::format::header::Header;
use crate::format::record::RecordRef;
use crate::format::{HEADER_BYTES, Scan, find_commit_behind};
use crate::index::file::{FileIndex, SegmentEnd, encode};
use crate::index::live::LiveIndex;
use crate::index::table::KeyTable;
use crate::key::Keys;
use crate::recovery::note_truncation;
use crate::segment::{index_name, log_name, segment_number};
use crate::state::Truncated;
use crate::storage::Storage;

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// In which file.
    pub file: String,
    /// Where in it, in bytes.
    pub offset: u64,
    /// What is wrong.
    pub problem: String,
    /// Whether something that was acknowledged may be lost; else opening the log repairs it.
    pub loss: bool,
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verification {
    /// How many segments there are.
    pub segments: usize,
    /// How many commits are sound.
    pub commits: u64,
    /// How many records are sound.
    pub records: u64,
    /// How many bytes were read.
    pub bytes: u64,
    /// What is wrong; empty if nothing is.
    pub findings: Vec<Finding>,
}

impl Verification {
    fn say(&mut self, file: String, offset: u64, problem: impl Into<String>, loss: bool) {
        self.findings.push(Finding { file, offset, problem: problem.into(), loss });
    }

    /// Whether nothing that was acknowledged is lost.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.findings.iter().all(|finding| !finding.loss)
    }
}

/// Checks the log in a storage that nobody has open. `progress` is called with the segments done and their number.
///
/// # Errors
/// [`OpenError::Locked`] if someone has it open, [`OpenError::Io`] if it cannot be read. What is wrong with the log
/// itself is in the answer.
pub fn verify(storage: &dyn Storage, mut progress: impl FnMut(usize, usize)) -> Result<Verification, OpenError> {
    let place = storage.place();
    let _guard = storage.lock().map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => OpenError::Locked { place: place.clone(), holder: error.to_string() },
        _ => OpenError::Io { place: place.clone(), error },
    })?;
    let io = |error| OpenError::Io { place: place.clone(), error };
    let names = storage.list().map_err(io)?;
    let mut numbers: Vec<u32> = names.iter().filter_map(|name| segment_number(name)).collect();
    numbers.sort_unstable();
    let mut report = Verification { segments: numbers.len(), ..Verification::default() };
    if numbers.is_empty() {
        return Err(OpenError::NotALog { file: place, problem: "it has no segments".to_owned() });
    }
    for name in names.iter().filter(|name| name.ends_with(".tmp")) {
        report.say(name.clone(), 0, "it was never finished; opening the log removes it", false);
    }
    let mut walk = Walk {
        report,
        next: 1,
        table: KeyTable::default(),
        keys: None,
        store: None,
        ended: None,
        truncated: Truncated::new(),
        given_up: HashMap::new(),
    };
    for (index, number) in numbers.iter().copied().enumerate() {
        if number != index as u32 {
            walk.report.say(log_name(index as u32), 0, "it is missing", true);
            break;
        }
        let file = storage.open(&log_name(number)).map_err(io)?;
        let mut bytes = vec![0; file.len().map_err(io)? as usize];
        file.read_at(&mut bytes, 0).map_err(io)?;
        if !walk.segment(storage, number, &bytes) {
            break;
        }
        progress(index + 1, numbers.len());
    }
    if walk.ended.is_none() && walk.report.findings.iter().all(|finding| !finding.loss) {
        walk.report.say(log_name(numbers.len() as u32), 0, "it is missing: the segment before it is sealed", true);
    }
    walk.compare_truncations();
    Ok(walk.report)
}

struct Walk {
    report: Verification,
    next: u64,
    table: KeyTable,
    keys: Option<Keys>,
    store: Option<(u128, u64)>,
    /// Where the log ends: behind this segment there may only be an empty one.
    ended: Option<(u32, u32)>,
    truncated: Truncated,
    /// Of each stream the newest record whose contents were given up: its revision, file and offset.
    given_up: HashMap<Box<[u8]>, (u64, u32, u32)>,
}

impl Walk {
    /// Checks one segment; false if nothing behind it can be judged.
    fn segment(&mut self, storage: &dyn Storage, number: u32, bytes: &[u8]) -> bool {
        let name = log_name(number);
        self.report.bytes += bytes.len() as u64;
        let header = match Header::decode(bytes) {
            Ok(header) => header,
            Err(problem) => {
                self.report.say(name, 0, problem, true);
                return false;
            }
        };
        let store = *self.store.get_or_insert((header.store, header.seed));
        let keys = *self.keys.get_or_insert(Keys::new(header.seed, 128));
        if header.segment != number || store != (header.store, header.seed) {
            self.report.say(name, 0, "it belongs elsewhere", true);
            return false;
        }
        if bytes.len() != header.bytes as usize {
            let problem = format!("it is {} bytes long and not {}", bytes.len(), header.bytes);
            self.report.say(name, 0, problem, true);
            return false;
        }
        if let Some((before, end)) = self.ended {
            if let Some(at) = bytes[HEADER_BYTES..].iter().position(|byte| *byte != 0) {
                let problem = format!("it ends without a seal, though {name} has begun at {}", at + HEADER_BYTES);
                self.report.say(log_name(before), u64::from(end), problem, true);
            }
            return true;
        }
        self.commits(storage, &header, bytes, &keys);
        true
    }

    fn commits(&mut self, storage: &dyn Storage, header: &Header, bytes: &[u8], keys: &Keys) {
        let (name, first) = (log_name(header.segment), self.next);
        let mut live = LiveIndex::new(header.segment, first, keys);
        let mut scan = Scan::new(bytes, header, first);
        let mut seal = 0;
        while let Some(frame) = scan.next_frame() {
            self.report.commits += 1;
            for (offset, record) in frame.records(first) {
                self.report.records += 1;
                let own = RecordRef::open(record.bytes(), header.seed, header.segment, offset, first);
                if own.is_none() {
                    self.report.say(name.clone(), u64::from(offset), "a record's own checksum is wrong", true);
                }
                if record.is_given_up() {
                    let newest = self.given_up.entry(record.stream().into()).or_default();
                    *newest = (*newest).max((record.revision(), header.segment, offset));
                }
                live.admit(record, offset, keys, &mut self.table);
            }
            if let Some((stream, before)) = open_truncation(frame.body).filter(|_| frame.header.kind == Kind::Truncate)
            {
                note_truncation(&mut self.truncated, stream, before);
                live.truncations.push((stream.into(), before));
            }
            seal = frame.offset;
        }
        self.next = scan.next;
        let end = scan.offset;
        if scan.sealed {
            if let Some(at) = bytes[end as usize..].iter().position(|byte| *byte != 0) {
                self.report.say(name, (end as usize + at) as u64, "bytes lie behind the seal", false);
            }
            self.index(storage, header, &live, SegmentEnd { seal, next: scan.next }, keys);
            return;
        }
        self.ended = Some((header.segment, end));
        if let Some(witness) = find_commit_behind(bytes, header, end, end) {
            let problem =
                format!("no sound commit is here, though the one at {witness} was written after it was durable");
            self.report.say(name, u64::from(end), problem, true);
        } else if let Some(at) = bytes[end as usize..].iter().position(|byte| *byte != 0) {
            let problem = "a write that was never completed; opening the log cuts it";
            self.report.say(name, (end as usize + at) as u64, problem, false);
        }
    }

    /// Contents are given up only after a truncation that says so.
    fn compare_truncations(&mut self) {
        for (stream, (revision, segment, offset)) in std::mem::take(&mut self.given_up) {
            if self.truncated.get(&stream).is_none_or(|first| revision >= *first) {
                let problem = format!(
                    "the contents of revision {revision} of stream {} are gone, though it was not truncated there",
                    String::from_utf8_lossy(&stream)
                );
                self.report.say(log_name(segment), u64::from(offset), problem, true);
            }
        }
    }

    /// Compares an index file with what the segment says.
    fn index(&mut self, storage: &dyn Storage, header: &Header, live: &LiveIndex, end: SegmentEnd, keys: &Keys) {
        let name = index_name(header.segment);
        let repair = "remove it, and opening the log makes it anew";
        let Ok(file) = storage.open(&name) else {
            self.report.say(name, 0, "it is missing; opening the log makes it anew", false);
            return;
        };
        let expected = encode(live, header, end, keys);
        self.report.bytes += expected.len() as u64;
        let mut bytes = vec![0; expected.len()];
        let same_length = file.len().is_ok_and(|len| len == expected.len() as u64);
        if same_length && file.read_at(&mut bytes, 0).is_ok() {
            if let Some(at) = bytes.iter().zip(&expected).position(|(is, should)| is != should) {
                self.report.say(name, at as u64, format!("it does not say what the segment says: {repair}"), false);
            }
            return;
        }
        let problem = match FileIndex::open(file, header, live.first, keys) {
            Ok((index, _)) => index.check_all(keys, header.segment).err().map_or_else(String::new, |why| why.0),
            Err(why) => why.0,
        };
        self.report.say(name, 0, format!("it is of no use: {problem}: {repair}"), false);
    }
}
