//! One stream, forwards or backwards.

use std::sync::Arc;

use super::PAGE_BYTES_MAX;
use super::fetch::fetch;
use crate::ReadError;
use crate::format::record::Record;
use crate::index::table::KeyState;
use crate::index::{KeyEntry, NO_SEGMENT};
use crate::key::Domain;
use crate::lookup::find;
use crate::segment::{Segment, index_name, read};
use crate::state::State;

/// How many records are read at a time from a stream's end: they are found forwards, and none is to be read in vain.
const BACKWARD_AT_ONCE: usize = 32;

/// Part of a stream.
#[derive(Debug, Clone, Default)]
pub struct StreamPage {
    /// The records, in the order asked for.
    pub records: Vec<Record>,
    /// The stream's last revision; none if it has no records.
    pub last: Option<u64>,
    /// The first revision that is left.
    pub first: u64,
    /// Whether nothing is behind the page.
    pub end: bool,
}

/// The page that a read of a stream begins with, and the revisions that belong into it, both inclusive.
pub(crate) fn stream_bounds(
    last: u64,
    first: u64,
    from: u64,
    backward: bool,
    limit: usize,
) -> (StreamPage, Option<(u64, u64)>) {
    let limit = limit as u64;
    let (low, high) = if backward {
        let high = from.min(last);
        ((high + 1).saturating_sub(limit).max(first), high)
    } else {
        let low = from.max(first);
        (low, last.min(low.saturating_add(limit).saturating_sub(1)))
    };
    let any = limit > 0 && low <= high;
    let end = if any { if backward { low <= first } else { high == last } } else { limit > 0 };
    (StreamPage { records: Vec::new(), last: Some(last), first, end }, any.then_some((low, high)))
}

/// Up to `limit` records of a stream, from a revision on, in either direction.
pub(crate) fn stream(
    state: &State,
    name: &str,
    from: u64,
    backward: bool,
    limit: usize,
) -> Result<StreamPage, ReadError> {
    let key = state.keys.key(Domain::Stream, name.as_bytes());
    // In this order: what is known is then of this head or a later one, and not truncated beyond its end.
    let head = state.head();
    let first = state.truncated().get(name.as_bytes()).copied().unwrap_or(0);
    let known = read(&state.table).get(key).filter(|known| known.check == key.check && known.count > 0);
    let shown = match known {
        Some(known) if known.last > head => shown(state, key.hash, known)?,
        Some(known) => Some((known.count, known.segment)),
        None => None,
    };
    let Some((count, newest)) = shown else {
        return Ok(StreamPage { first, end: true, ..StreamPage::default() });
    };
    let last = count - 1;
    let (mut page, wanted) = stream_bounds(last, first, from, backward, limit);
    let Some((low, high)) = wanted else { return Ok(page) };
    let mut parts = parts(state, key.hash, newest, low, high)?;
    if backward {
        parts.reverse();
    }
    let mut bytes = 0;
    for (segment, entry) in parts {
        let begin = low.max(entry.base) - entry.base;
        let end = (high + 1).min(entry.base + entry.offsets.len() as u64) - entry.base;
        let Some(offsets) = entry.offsets.get(begin as usize..end as usize) else {
            let problem = format!("the index knows too few records of stream {name}");
            return Err(ReadError::Damaged { file: index_name(segment.number()), offset: 0, problem });
        };
        let mut left = offsets.len();
        for piece in offsets.rchunks(if backward { BACKWARD_AT_ONCE } else { left.max(1) }) {
            left -= piece.len();
            let known = page.records.len();
            let revision = entry.base + begin + left as u64;
            let piece = Piece { state, segment: &segment, name, offsets: piece, revision };
            let room = if backward { usize::MAX } else { PAGE_BYTES_MAX - bytes };
            match piece.read(room, &mut page.records)? {
                Some(read) => bytes += read,
                None if state.truncated().get(name.as_bytes()).is_some_and(|now| *now > first) => {
                    // It was truncated and reclaimed since this reader began.
                    return stream(state, name, from, backward, limit);
                }
                None => {
                    let problem = format!("a record of stream {name} was given up that was not truncated");
                    return Err(ReadError::Damaged { file: segment.name(), offset: 0, problem });
                }
            }
            if backward {
                page.records[known..].reverse();
            }
            if bytes >= PAGE_BYTES_MAX {
                let reached = page.records.last().map(|record| record.get().revision());
                page.end = reached == Some(if backward { first } else { last });
                return Ok(page);
            }
        }
    }
    Ok(page)
}

/// Records of a stream that lie in one segment, in order.
struct Piece<'a> {
    state: &'a State,
    segment: &'a Segment,
    name: &'a str,
    offsets: &'a [u32],
    /// The revision of the first.
    revision: u64,
}

impl Piece<'_> {
    /// Reads them until there is no more room, and answers how many bytes they are; none if one of them was given up.
    fn read(&self, room: usize, records: &mut Vec<Record>) -> Result<Option<usize>, ReadError> {
        let (mut bytes, mut revision) = (0, self.revision);
        let mut wrong = None;
        fetch(self.state, self.segment, self.offsets, &mut |record: Record| {
            let found = record.get();
            if found.stream() != self.name.as_bytes() || found.revision() != revision || found.is_given_up() {
                wrong = Some((found.position(), found.is_given_up()));
                return false;
            }
            revision += 1;
            bytes += record.block().len();
            records.push(record);
            bytes < room
        })?;
        match wrong {
            None => Ok(Some(bytes)),
            Some((_, true)) => Ok(None),
            Some((position, false)) => {
                let problem =
                    format!("the index calls position {position} revision {revision} of stream {}", self.name);
                Err(ReadError::Damaged { file: index_name(self.segment.number()), offset: 0, problem })
            }
        }
    }
}

/// How many records of a stream readers may see, and the newest segment that has one, while a commit that has more
/// is just being shown: a commit is seen whole or not at all.
fn shown(state: &State, hash: u128, known: KeyState) -> Result<Option<(u64, u32)>, ReadError> {
    let segments = state.segments();
    let Some(segment) = segments.get(known.segment as usize) else { return Ok(None) };
    let end = segment.end();
    let Some(entry) = find(state, segment, hash)? else { return Ok(None) };
    let visible = entry.offsets.partition_point(|offset| *offset < end) as u64;
    let newest = if visible > 0 { known.segment } else { entry.previous };
    let count = entry.base + visible;
    Ok((count > 0).then_some((count, newest)))
}

/// The segments that have a key's records between two of its revisions, oldest first.
fn parts(
    state: &State,
    hash: u128,
    newest: u32,
    low: u64,
    high: u64,
) -> Result<Vec<(Arc<Segment>, KeyEntry)>, ReadError> {
    let segments = state.segments();
    let mut parts = Vec::new();
    let mut number = newest;
    while number != NO_SEGMENT {
        let Some(segment) = segments.get(number as usize) else { break };
        let Some(entry) = find(state, segment, hash)? else {
            return Err(segment.damage(0, "its index does not know a stream that it should know"));
        };
        let (base, previous) = (entry.base, entry.previous);
        if base <= high {
            parts.push((Arc::clone(segment), entry));
        }
        if base <= low {
            break;
        }
        number = previous;
    }
    parts.reverse();
    Ok(parts)
}
