//! Every record, one behind the other, as it lies in the segments.

use bytes::Bytes;

use crate::ReadError;
use crate::format::commit::{COMMIT_HEADER_BYTES, Kind, peek_commit};
use crate::format::record::{RECORD_HEADER_BYTES, Record, RecordRef, UNSOUND};
use crate::format::{aligned, get_u32};
use crate::segment::{Segment, read};
use crate::state::State;

/// How much of a segment is read at a time.
const CHUNK_BYTES: usize = 512 << 10;
/// How much is read at first.
const FIRST_CHUNK_BYTES: usize = 32 << 10;

/// Calls back for every record from a position up to one, until it says stop.
pub(super) fn walk(state: &State, from: u64, to: u64, each: &mut dyn FnMut(Record) -> bool) -> Result<(), ReadError> {
    let (mut next, mut go_on) = (from, true);
    while go_on && next <= to {
        let begin = next;
        let mut take = |record: Record| {
            let position = record.get().position();
            go_on = position <= to && {
                next = position + 1;
                each(record)
            };
            go_on
        };
        // The writes are taken out first: nobody holds the tail while a reader is at work.
        let writes = read(&state.tail).from(begin);
        if writes.is_empty() {
            let segments = state.segments();
            let Some(segment) = State::segment_of(&segments, begin) else { return Ok(()) };
            walk_segment(state, segment, begin, &mut take)?;
            if go_on && next == begin {
                return Err(segment.damage(segment.end(), &format!("position {begin} is not where it should be")));
            }
        } else {
            let _ = writes.iter().all(|write| write.records_from(begin).all(&mut take));
        }
    }
    Ok(())
}

/// Calls back for a segment's records from a position on.
fn walk_segment(
    state: &State,
    segment: &Segment,
    from: u64,
    each: &mut dyn FnMut(Record) -> bool,
) -> Result<(), ReadError> {
    let Some((mut ordinal, mut offset)) = segment.mark_before((from - segment.first) as u32) else { return Ok(()) };
    let end = segment.end();
    let mut window = Window { segment, end, start: offset, bytes: Bytes::new(), grown: FIRST_CHUNK_BYTES };
    let mut in_commit = true;
    while offset < end {
        if !in_commit {
            offset = aligned(offset as usize) as u32;
            if offset >= end {
                break;
            }
            let Some(commit) = peek_commit(window.at(offset, COMMIT_HEADER_BYTES)?) else {
                return Err(segment.damage(offset, "no commit is where one should be"));
            };
            offset += COMMIT_HEADER_BYTES as u32;
            match commit.kind {
                Kind::Records => in_commit = true,
                Kind::Seal => break,
                Kind::Mark | Kind::Truncate => offset += commit.body_bytes,
            }
            continue;
        }
        let len = get_u32(window.at(offset, RECORD_HEADER_BYTES)?, 0) as usize;
        let bytes = window.at(offset, len.max(RECORD_HEADER_BYTES))?;
        let record = RecordRef::open(bytes, state.keys.seed(), segment.number(), offset, segment.first)
            .filter(|record| record.ordinal() == ordinal)
            .ok_or_else(|| segment.damage(offset, UNSOUND))?;
        (ordinal, offset, in_commit) = (ordinal + 1, offset + len as u32, !record.is_last());
        let wanted = record.position() >= from;
        if wanted && !each(Record::new(window.share(offset - len as u32, len), segment.first)) {
            break;
        }
    }
    Ok(())
}

/// The part of a segment that is in memory while it is walked.
struct Window<'a> {
    segment: &'a Segment,
    end: u32,
    start: u32,
    bytes: Bytes,
    grown: usize,
}

impl Window<'_> {
    /// Bytes of the segment, read in ever larger pieces.
    fn at(&mut self, offset: u32, len: usize) -> Result<&[u8], ReadError> {
        let skip = (offset - self.start) as usize;
        if skip + len > self.bytes.len() {
            let room = (self.end - offset) as usize;
            if len > room {
                return Err(self.segment.damage(offset, UNSOUND));
            }
            self.bytes = self.segment.read_bytes(offset, room.min(self.grown.max(len)))?;
            self.grown = (self.grown * 2).min(CHUNK_BYTES);
            self.start = offset;
            return Ok(&self.bytes[..len]);
        }
        Ok(&self.bytes[skip..skip + len])
    }

    /// Bytes that [`Window::at`] has just given, to be kept.
    fn share(&self, offset: u32, len: usize) -> Bytes {
        let skip = (offset - self.start) as usize;
        self.bytes.slice(skip..skip + len)
    }
}
