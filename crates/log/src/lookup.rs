//! Asking a segment's index, wherever it lies. An index file that turns out damaged is made anew from its segment:
//! it holds nothing that the segment does not.

use std::sync::{Arc, RwLock};

use crate::ReadError;
use crate::format::Scan;
use crate::format::commit::{Kind, open_truncation};
use crate::format::header::Header;
use crate::format::record::RecordRef;
use crate::index::file::{FileIndex, Useless};
use crate::index::live::LiveIndex;
use crate::index::table::{KeyState, KeyTable};
use crate::index::{KeyEntry, NO_SEGMENT};
use crate::key::{Domain, Key, Keys};
use crate::segment::{Index, Segment, read};
use crate::state::State;

/// What a segment's index knows of a key.
pub(crate) fn find(state: &State, segment: &Segment, hash: u128) -> Result<Option<KeyEntry>, ReadError> {
    match segment.index() {
        Index::Live(live) => Ok(read(&live).find(hash)),
        Index::File(file) => match file.find(hash, &state.keys, segment.number()) {
            Ok(found) => Ok(found),
            Err(Useless(_)) => Ok(read(&*mend(state, segment)?).find(hash)),
        },
    }
}

/// The offsets of the records whose ids may be this one.
pub(crate) fn find_id(state: &State, segment: &Segment, id: u128, hash: u64) -> Result<Vec<u32>, ReadError> {
    let in_memory = |live: &RwLock<LiveIndex>| read(live).ids.get(&id).copied().into_iter().collect();
    match segment.index() {
        Index::Live(live) => Ok(in_memory(&live)),
        Index::File(file) => match file.find_id(hash, &state.keys, segment.number()) {
            Ok(found) => Ok(found),
            Err(Useless(_)) => Ok(in_memory(&*mend(state, segment)?)),
        },
    }
}

/// All offsets of a key in a sealed segment's index file.
pub(crate) fn find_all(
    state: &State,
    segment: &Segment,
    file: &FileIndex,
    hash: u128,
) -> Result<Arc<[u32]>, ReadError> {
    let entry = match file.find(hash, &state.keys, segment.number()) {
        Ok(entry) => entry,
        Err(Useless(_)) => read(&*mend(state, segment)?).find(hash),
    };
    Ok(entry.map_or_else(|| Arc::from([]), |entry| entry.offsets))
}

/// Makes a sealed segment's index anew, in memory; opening the log writes it to its file again.
fn mend(state: &State, segment: &Segment) -> Result<Arc<RwLock<LiveIndex>>, ReadError> {
    let bytes = segment.read_bytes(0, segment.header.bytes as usize)?;
    let segments = state.segments();
    let earlier = &segments[..(segment.number() as usize).min(segments.len())];
    let live = index_segment(&bytes, &segment.header, segment.first, &state.keys, &mut |key| {
        for before in earlier.iter().rev() {
            if let Some(entry) = find(state, before, key.hash)? {
                let count = entry.base + entry.offsets.len() as u64;
                return Ok(Some(KeyState { check: key.check, segment: before.number(), count, last: 0 }));
            }
        }
        Ok(None)
    })?;
    let live = Arc::new(RwLock::new(live));
    segment.set_index(Index::Live(Arc::clone(&live)));
    // So that the next opening does not trust it; if it cannot be removed, it is mended once more then.
    let _ = state.storage.remove(&crate::segment::index_name(segment.number()));
    Ok(live)
}

/// Indexes a sealed segment that lies in memory. `past` tells of each key what was known before the segment.
pub(crate) fn index_segment(
    bytes: &[u8],
    header: &Header,
    first: u64,
    keys: &Keys,
    past: &mut dyn FnMut(Key) -> Result<Option<KeyState>, ReadError>,
) -> Result<LiveIndex, ReadError> {
    let mut live = LiveIndex::new(header.segment, first, keys);
    let mut table = KeyTable::default();
    let mut scan = Scan::new(bytes, header, first);
    while let Some(frame) = scan.next_frame() {
        for (offset, record) in frame.records(first) {
            for key in names(record, keys) {
                if table.get(key).is_none() {
                    let unseen = KeyState { segment: NO_SEGMENT, ..KeyState::unseen(key) };
                    table.put(key.hash, past(key)?.unwrap_or(unseen));
                }
            }
            live.admit(record, offset, keys, &mut table);
        }
        if frame.header.kind == Kind::Truncate
            && let Some((stream, before)) = open_truncation(frame.body)
        {
            live.truncations.push((stream.into(), before));
        }
    }
    if scan.sealed {
        return Ok(live);
    }
    Err(ReadError::Damaged {
        file: crate::segment::log_name(header.segment),
        offset: u64::from(scan.offset),
        problem: "a sealed segment has no sound commit here".to_owned(),
    })
}

fn names(record: RecordRef<'_>, keys: &Keys) -> Vec<Key> {
    let mut names = vec![keys.key(Domain::Stream, record.stream())];
    if !record.is_given_up() {
        names.push(keys.key(Domain::Category, record.category()));
        names.push(keys.key(Domain::Type, record.kind()));
        names.extend(record.each_tag().map(|tag| keys.key(Domain::Tag, tag)));
    }
    names
}
