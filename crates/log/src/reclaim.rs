//! Taking back the space of records that were given up: a sealed segment is written anew without their contents.
//! What stays of each is its place, stream and id, so that positions keep their count and repeating an old append
//! is still recognised.

use std::io;
use std::sync::Arc;

use crate::ReadError;
use crate::format::commit::{COMMIT_HEADER_BYTES, CommitHeader, Kind, seal_commit};
use crate::format::header::Header;
use crate::format::record::{give_up_record, reseal_record};
use crate::format::{Scan, aligned};
use crate::index::file::{FileIndex, SegmentEnd, encode};
use crate::index::table::KeyState;
use crate::keeper::replace_file;
use crate::lookup::{find, index_segment};
use crate::segment::{Index, Segment, index_name, log_name};
use crate::state::State;

/// A segment is written anew if that takes back at least this part of it.
const WORTH_PART: u64 = 10;

/// Rewrites every segment before `newest` for which it is worth it; answers the bytes taken back.
pub(crate) fn reclaim(state: &State, newest: u32) -> Result<u64, ReadError> {
    let mut freed = 0;
    for segment in state.segments().iter().take(newest as usize) {
        if !state.truncated().is_empty() {
            freed += rewrite(state, segment)?;
        }
    }
    Ok(freed)
}

fn rewrite(state: &State, segment: &Arc<Segment>) -> Result<u64, ReadError> {
    let bytes = segment.read_bytes(0, segment.header.bytes as usize)?;
    let truncated = state.truncated();
    let mut scan = Scan::new(&bytes, &segment.header, segment.first);
    let header = Header { generation: segment.header.generation + 1, ..segment.header };
    let mut out = header.encode();
    let mut end = None;
    while let Some(frame) = scan.next_frame() {
        let start = out.len();
        out.resize(start + COMMIT_HEADER_BYTES, 0);
        if frame.header.kind == Kind::Records {
            for (_, record) in frame.records(segment.first) {
                let place = out.len();
                if truncated.get(record.stream()).is_some_and(|first| record.revision() < *first) {
                    give_up_record(record, &mut out);
                } else {
                    out.extend_from_slice(record.bytes());
                }
                reseal_record(&mut out[place..], header.seed, header.segment, place as u32);
            }
        } else {
            out.extend_from_slice(frame.body);
        }
        let commit = CommitHeader {
            body_bytes: (out.len() - start - COMMIT_HEADER_BYTES) as u32,
            durable_back: 0,
            ..frame.header
        };
        out.resize(aligned(out.len()), 0);
        seal_commit(&mut out[start..], &commit, header.seed, header.segment, start as u32);
        if frame.header.kind == Kind::Seal {
            end = Some(SegmentEnd { seal: start as u32, next: frame.header.first });
        }
    }
    let Some(end) = end else {
        return Err(segment.damage(scan.offset, "a sealed segment has no sound commit here"));
    };
    let freed = u64::from(segment.header.bytes).saturating_sub(out.len() as u64);
    // Only what was given up counts: the zeros behind every seal are not worth a rewrite.
    let given_up = u64::from(segment.end()).saturating_sub(u64::from(end.seal));
    if given_up < u64::from(segment.header.bytes) / WORTH_PART {
        return Ok(0);
    }
    replace(state, segment, header, out, end)?;
    Ok(freed)
}

/// Puts the new bytes in the segment's place, on the disk and for readers.
fn replace(
    state: &State,
    old: &Segment,
    mut header: Header,
    mut out: Vec<u8>,
    end: SegmentEnd,
) -> Result<(), ReadError> {
    let name = log_name(header.segment);
    let failed = |error: io::Error| ReadError::Io { file: name.clone(), error };
    header.bytes = out.len() as u32;
    out[..crate::format::HEADER_BYTES].copy_from_slice(&header.encode());

    // What the old index knows of each key's past holds for the new one too.
    let live = index_segment(&out, &header, old.first, &state.keys, &mut |key| {
        let entry = find(state, old, key.hash)?;
        Ok(entry.map(|entry| KeyState { check: key.check, segment: entry.previous, count: entry.base, last: 0 }))
    })?;

    let file = replace_file(state.storage.as_ref(), &name, &out).map_err(failed)?;
    let index = index_name(header.segment);
    let encoded = encode(&live, &header, end, &state.keys);
    let index = replace_file(state.storage.as_ref(), &index, &encoded)
        .ok()
        .and_then(|file| FileIndex::open(file, &header, old.first, &state.keys).ok());
    let index = match index {
        Some((index, _)) => Index::File(Arc::new(index)),
        None => Index::Live(Arc::new(live.into())),
    };
    let segment = Segment::new(header, file, old.first, end.seal, index);
    if state.options.map_sealed {
        segment.map();
    }
    state.replace_segment(Arc::new(segment));
    Ok(())
}
