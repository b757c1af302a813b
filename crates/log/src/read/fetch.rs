//! Records at known offsets: from memory, one by one, or together where they lie close.

use crate::ReadError;
use crate::format::record::{Record, RecordRef};
use crate::segment::{Segment, read};
use crate::state::State;

/// Records that lie closer than this are read together.
const GAP_BYTES: u32 = 2_048;
/// The longest piece that is read for records that lie close.
const SPAN_BYTES: u32 = 256 << 10;

/// Calls back for the records at ascending offsets of a segment, until it says stop.
pub(super) fn fetch(
    state: &State,
    segment: &Segment,
    offsets: &[u32],
    each: &mut dyn FnMut(Record) -> bool,
) -> Result<(), ReadError> {
    let mut rest = offsets;
    let Some(&newest) = rest.last() else { return Ok(()) };
    let any_in_memory = !read(&state.tail).is_behind(segment.number(), newest);
    while let Some(&start) = rest.first() {
        let tail = if any_in_memory { read(&state.tail).record(segment.number(), start) } else { None };
        if let Some(record) = tail {
            rest = &rest[1..];
            if !each(record) {
                return Ok(());
            }
            continue;
        }
        let together = 1 + rest
            .windows(2)
            .take_while(|pair| pair[1] - pair[0] < GAP_BYTES && pair[1] - start < SPAN_BYTES)
            .count();
        if together == 1 {
            rest = &rest[1..];
            if !each(segment.record(start, &state.keys)?) {
                return Ok(());
            }
            continue;
        }
        let last = rest[together - 1];
        let room = segment.header.bytes - start;
        let span = segment.read_bytes(start, room.min(last - start + GAP_BYTES) as usize)?;
        for &offset in &rest[..together] {
            let bytes = span.slice((offset - start) as usize..);
            let record = match open(segment, &bytes, offset, state) {
                Some(len) => Record::new(bytes.slice(..len), segment.first),
                None => segment.record(offset, &state.keys)?,
            };
            if !each(record) {
                return Ok(());
            }
        }
        rest = &rest[together..];
    }
    Ok(())
}

/// The length of the sound record at the beginning of some bytes.
fn open(segment: &Segment, bytes: &[u8], offset: u32, state: &State) -> Option<usize> {
    RecordRef::open(bytes, state.keys.seed(), segment.number(), offset, segment.first)
        .map(|record| record.bytes().len())
}
