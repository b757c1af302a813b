//! What one write puts into the segment, and whom it answers.

use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use crate::check::Accepted;
use crate::format::aligned;
use crate::format::commit::{COMMIT_HEADER_BYTES, CommitHeader, Kind, seal_commit};
use crate::format::record::{Place, RecordRef, place_record};
use crate::pending::Pending;
use crate::request::AppendRequest;
use crate::segment::Segment;
use crate::{AppendError, Appended};

/// What every segment keeps free for its seal.
const SEAL_BYTES: usize = COMMIT_HEADER_BYTES;

/// Whom to tell what became of an append.
pub(crate) type Done = Box<dyn FnOnce(Result<Appended, AppendError>) + Send>;

/// What somebody is told once the round is durable.
pub(crate) struct Answer {
    pub(crate) done: Done,
    pub(crate) result: Result<Appended, AppendError>,
    /// It is a truncation, which has no position of its own to tell that it rests on this round.
    pub(crate) truncates: bool,
}

/// One write: a `Round<BytesMut>` is being prepared, a `Round<Bytes>` no longer changes.
pub(crate) struct Round<B> {
    pub(crate) segment: Arc<Segment>,
    /// How often the log had been opened.
    pub(crate) epoch: u32,
    pub(crate) bytes: B,
    /// Where in the segment the bytes go.
    pub(crate) start: u32,
    /// Where in the bytes each record lies.
    pub(crate) records: Vec<(u32, u32)>,
    /// The position of the first of them.
    pub(crate) first: u64,
    pub(crate) pending: Pending,
    pub(crate) truncations: Vec<(Box<str>, u64)>,
    pub(crate) answers: Vec<Answer>,
}

impl<B: AsRef<[u8]>> Round<B> {
    /// The records from one of them on, in order.
    pub(crate) fn records_from(&self, index: usize) -> impl Iterator<Item = RecordRef<'_>> {
        let (bytes, first) = (self.bytes.as_ref(), self.segment.first);
        self.records[index..].iter().filter_map(move |(start, _)| RecordRef::peek(&bytes[*start as usize..], first))
    }

    /// The position of the record behind its last one.
    pub(crate) fn next(&self) -> u64 {
        self.first + self.records.len() as u64
    }

    /// Where in the segment the next round goes.
    pub(crate) fn end(&self) -> u32 {
        self.start + self.bytes.as_ref().len() as u32
    }
}

impl Round<BytesMut> {
    /// Puts an append's commit behind what is there.
    pub(crate) fn append(&mut self, request: &AppendRequest, accepted: &Accepted, now: i64) {
        let frame = self.bytes.len();
        let body = frame + COMMIT_HEADER_BYTES;
        self.bytes.resize(body, 0);
        self.bytes.extend_from_slice(&request.body);
        let last = request.drafts.len() - 1;
        for (index, (draft, revision)) in request.drafts.iter().zip(&accepted.revisions).enumerate() {
            let start = body + draft.start as usize;
            let place = Place {
                seed: self.segment.header.seed,
                segment: self.segment.number(),
                offset: self.start + start as u32,
                ordinal: (self.next() - self.segment.first) as u32,
                revision: *revision,
                at: now,
                first: index == 0,
                last: index == last,
            };
            let record = &mut self.bytes[start..start + draft.len as usize];
            place_record(record, &place);
            if let Some(record) = RecordRef::peek(record, self.segment.first) {
                let key = request.streams[draft.stream as usize].key;
                self.pending.admit(draft.id, record, key);
            }
            self.records.push((start as u32, draft.len));
        }
        self.seal_frame(frame, Kind::Records, request.drafts.len() as u32);
    }

    /// Puts a commit without records behind what is there.
    pub(crate) fn frame(&mut self, kind: Kind, body: &[u8]) {
        let frame = self.bytes.len();
        self.bytes.resize(frame + COMMIT_HEADER_BYTES, 0);
        self.bytes.extend_from_slice(body);
        self.seal_frame(frame, kind, 0);
    }

    /// Completes the frame that begins at `frame` with its header and padding.
    fn seal_frame(&mut self, frame: usize, kind: Kind, count: u32) {
        let header = CommitHeader {
            kind,
            body_bytes: (self.bytes.len() - frame - COMMIT_HEADER_BYTES) as u32,
            count,
            first: self.next() - u64::from(count),
            // A round is written only when the one before it is durable.
            durable_back: frame as u32,
            epoch: self.epoch,
        };
        self.bytes.resize(aligned(self.bytes.len()), 0);
        let (seed, number) = (self.segment.header.seed, self.segment.number());
        seal_commit(&mut self.bytes[frame..], &header, seed, number, self.start + frame as u32);
    }

    /// Whether a frame fits behind what is there, and the seal behind that.
    pub(crate) fn has_room(&self, frame: usize) -> bool {
        let end = self.end() as usize + aligned(frame) + SEAL_BYTES;
        end <= self.segment.header.bytes as usize
    }

    /// The round as it is written.
    pub(crate) fn freeze(self) -> Round<Bytes> {
        let Self { segment, epoch, bytes, start, records, first, pending, truncations, answers } = self;
        Round { segment, epoch, bytes: bytes.freeze(), start, records, first, pending, truncations, answers }
    }
}

impl Round<Bytes> {
    /// What is to be written.
    pub(crate) fn write(&self) -> Write {
        Write { segment: Arc::clone(&self.segment), offset: self.start, bytes: self.bytes.clone() }
    }
}

/// Bytes on their way to the disk.
pub(crate) struct Write {
    segment: Arc<Segment>,
    offset: u32,
    bytes: Bytes,
}

impl Write {
    /// Writes and syncs.
    pub(crate) fn run(&self) -> io::Result<()> {
        let file = &self.segment.file;
        file.write_at(&self.bytes, u64::from(self.offset)).and_then(|()| file.sync())
    }
}
