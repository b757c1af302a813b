//! Walking a segment's frames from its beginning: for recovery, for rebuilding an index, for verifying.

use super::commit::{COMMIT_HEADER_BYTES, CommitHeader, Kind, MAGIC, open_commit};
use super::header::Header;
use super::record::RecordRef;
use super::{FRAME_ALIGN, HEADER_BYTES, aligned};

/// A sound commit and where it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'a> {
    pub(crate) offset: u32,
    pub(crate) header: CommitHeader,
    pub(crate) body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The offset behind the frame and its padding.
    pub(crate) fn end(&self) -> u32 {
        self.offset + aligned(COMMIT_HEADER_BYTES + self.body.len()) as u32
    }

    /// The commit's records with their offsets in the segment. Each has been covered by the commit's checksum, so
    /// a record without shape ends the walk and makes the count wrong, which [`Scan`] has refused before.
    pub(crate) fn records(&self, first: u64) -> impl Iterator<Item = (u32, RecordRef<'a>)> + use<'a> {
        let mut at = 0;
        let body = if self.header.kind == Kind::Records { self.body } else { &[] };
        let start = self.offset + COMMIT_HEADER_BYTES as u32;
        std::iter::from_fn(move || {
            let record = RecordRef::peek(&body[at..], first)?;
            let offset = start + at as u32;
            at += record.bytes().len();
            Some((offset, record))
        })
    }
}

/// Walks the sound frames of a segment that lies in memory, and stops at the first that is not.
#[derive(Debug)]
pub(crate) struct Scan<'a> {
    bytes: &'a [u8],
    seed: u64,
    segment: u32,
    first: u64,
    /// Where the next frame is to begin.
    pub(crate) offset: u32,
    /// The position of the next record.
    pub(crate) next: u64,
    /// Up to where the last commit says that the segment was durable when it was written.
    pub(crate) durable: u32,
    /// The last commit's epoch. What an earlier opening left behind it is not its successor, however well it fits.
    pub(crate) epoch: u32,
    /// Whether the seal has been seen.
    pub(crate) sealed: bool,
}

impl<'a> Scan<'a> {
    /// `first` is the position of the segment's first record.
    pub(crate) fn new(bytes: &'a [u8], header: &Header, first: u64) -> Self {
        Self {
            bytes,
            seed: header.seed,
            segment: header.segment,
            first,
            offset: HEADER_BYTES as u32,
            next: first,
            durable: HEADER_BYTES as u32,
            epoch: 0,
            sealed: false,
        }
    }

    /// The next sound frame, or none if there is none at this place.
    pub(crate) fn next_frame(&mut self) -> Option<Frame<'a>> {
        if self.sealed {
            return None;
        }
        let bytes = self.bytes.get(self.offset as usize..)?;
        let header = open_commit(bytes, self.seed, self.segment, self.offset)?;
        let body = &bytes[COMMIT_HEADER_BYTES..COMMIT_HEADER_BYTES + header.body_bytes as usize];
        let frame = Frame { offset: self.offset, header, body };
        let padded = self.bytes.get(self.offset as usize + COMMIT_HEADER_BYTES + body.len()..frame.end() as usize)?;
        if header.first != self.next
            || header.epoch < self.epoch
            || padded.iter().any(|byte| *byte != 0)
            || !self.in_shape(&frame)
        {
            return None;
        }
        self.offset = frame.end();
        self.next += u64::from(header.count);
        self.durable = header.durable(frame.offset);
        self.epoch = header.epoch;
        self.sealed = header.kind == Kind::Seal;
        Some(frame)
    }

    fn in_shape(&self, frame: &Frame<'_>) -> bool {
        let next = (self.next - self.first) as u32;
        let (mut count, mut bytes) = (0, 0);
        for ((_, record), ordinal) in frame.records(self.first).zip(next..) {
            count += 1;
            bytes += record.bytes().len();
            let ends = (count == 1, count == frame.header.count);
            if record.ordinal() != ordinal || (record.is_first(), record.is_last()) != ends {
                return false;
            }
        }
        count == frame.header.count && (frame.header.kind != Kind::Records || bytes == frame.body.len())
    }
}

/// Looks for a sound commit anywhere at or behind `from` that was written when the segment was durable beyond
/// `cut`: if there is one, the bytes at `cut` had been durable and are damaged now. Answers that commit's offset.
pub(crate) fn find_commit_behind(bytes: &[u8], header: &Header, cut: u32, from: u32) -> Option<u32> {
    let mut at = (from as usize).next_multiple_of(FRAME_ALIGN);
    while at + COMMIT_HEADER_BYTES <= bytes.len() {
        if bytes[at..at + 3] == MAGIC
            && let Some(commit) = open_commit(&bytes[at..], header.seed, header.segment, at as u32)
            && commit.durable(at as u32) > cut
        {
            return Some(at as u32);
        }
        at += FRAME_ALIGN;
    }
    None
}

/// Decodes a segment's bytes as far as they are sound, calling back for each record; answers how many there were.
/// For fuzzing and for tools: it takes any bytes, allocates nothing that they ask for, and never panics.
///
/// # Errors
/// What is wrong with the header.
pub fn decode_segment(bytes: &[u8], first: u64, mut each: impl FnMut(RecordRef<'_>)) -> Result<u64, &'static str> {
    let header = Header::decode(bytes)?;
    let mut scan = Scan::new(bytes, &header, first);
    while let Some(frame) = scan.next_frame() {
        frame.records(first).for_each(|(_, record)| each(record));
    }
    let _ = find_commit_behind(bytes, &header, scan.offset, scan.offset);
    Ok(scan.next - first)
}
