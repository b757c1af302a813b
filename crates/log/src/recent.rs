//! Reading what is in memory: these reads never wait for a disk, so that a caller who must not block may use them.
//! They answer nothing where the disk would have to be asked.

use crate::format::record::Record;
use crate::key::Domain;
use crate::query::Query;
use crate::read::{Page, StreamPage, stream_bounds};
use crate::segment::{Index, read};
use crate::state::State;

/// The most records that are looked at, so that the caller is not held up by the looking either.
const LOOK_MAX: u64 = 512;

/// Up to `limit` records that match, after a position, if all that is behind it is in memory and little.
pub(crate) fn page(state: &State, after: u64, query: &Query, limit: usize) -> Option<Page> {
    let head = state.head();
    let mut page = Page { records: Vec::new(), through: after.min(head), head };
    if after >= head || limit == 0 {
        return Some(page);
    }
    if head - after > LOOK_MAX {
        return None;
    }
    let writes = read(&state.tail).from(after + 1);
    if writes.is_empty() {
        return None;
    }
    let truncated = state.truncated();
    let records = writes.iter().flat_map(|write| write.records_from(after + 1));
    for record in records.take_while(|record| record.get().position() <= head) {
        let found = record.get();
        page.through = found.position();
        let hidden = truncated.get(found.stream()).is_some_and(|first| found.revision() < *first);
        if !hidden && query.matches(found) {
            page.records.push(record);
            if page.records.len() == limit {
                break;
            }
        }
    }
    Some(page)
}

/// Up to `limit` records of a stream, if they are all in memory.
pub(crate) fn stream(state: &State, name: &str, from: u64, backward: bool, limit: usize) -> Option<StreamPage> {
    let key = state.keys.key(Domain::Stream, name.as_bytes());
    let head = state.head();
    let first = state.truncated().get(name.as_bytes()).copied().unwrap_or(0);
    let known = read(&state.table).get(key).filter(|known| known.check == key.check && known.count > 0);
    let Some(known) = known else {
        return Some(StreamPage { first, end: true, ..StreamPage::default() });
    };
    if known.last > head {
        // A commit is just being shown, of which this may be a part.
        return None;
    }
    let (mut page, wanted) = stream_bounds(known.count - 1, first, from, backward, limit);
    let Some((low, high)) = wanted else { return Some(page) };
    if high - low >= LOOK_MAX {
        return None;
    }
    let segments = state.segments();
    let segment = segments.get(known.segment as usize)?;
    let Index::Live(live) = segment.index() else { return None };
    let offsets: Vec<u32> = {
        let live = read(&live);
        let entry = live.keys.get(&key.hash)?;
        let begin = usize::try_from(low.checked_sub(entry.base)?).ok()?;
        let end = usize::try_from(high + 1 - entry.base).ok()?;
        entry.offsets.get(begin..end)?.to_vec()
    };
    {
        let tail = read(&state.tail);
        let found = offsets.iter().map(|offset| tail.record(segment.number(), *offset));
        page.records = found.collect::<Option<Vec<Record>>>()?;
    }
    if page.records.iter().any(|record| record.get().stream() != name.as_bytes()) {
        return None;
    }
    if backward {
        page.records.reverse();
    }
    Some(page)
}
