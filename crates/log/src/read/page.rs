//! Pages of everything, or of what matches a query.

use super::PAGE_BYTES_MAX;
use super::fetch::fetch;
use super::sight::Sight;
use super::walk::walk;
use crate::ReadError;
use crate::format::record::Record;
use crate::lookup::find_all;
use crate::query::{ItemKeys, Known, Query, candidates};
use crate::segment::{Index, Segment, read};
use crate::state::{State, lock};

/// When fewer records than this are left to look at, they are looked at one by one and not by the index.
const FEW: u64 = 256;
/// How many segments one page looks through for matches before it answers with how far it came.
const SEGMENTS_A_PAGE: usize = 256;

/// Part of everything.
#[derive(Debug, Clone, Default)]
pub struct Page {
    /// The matching records, by position.
    pub records: Vec<Record>,
    /// Every match up to here is in the page.
    pub through: u64,
    /// The log's last position.
    pub head: u64,
}

/// Calls back for every record that readers see, after a position, until it says stop.
pub(crate) fn replay(state: &State, after: u64, each: &mut dyn FnMut(Record) -> bool) -> Result<(), ReadError> {
    let mut sight = Sight::new(state);
    walk(state, after + 1, state.head(), &mut |record| !sight.sees(record.get()) || each(record))?;
    sight.check()
}

/// Up to `limit` records that match, after a position.
pub(crate) fn page(state: &State, after: u64, query: &Query, limit: usize) -> Result<Page, ReadError> {
    let head = state.head();
    let mut page = Page { records: Vec::new(), through: after.min(head), head };
    if after >= head || limit == 0 {
        return Ok(page);
    }
    let items = query.resolve(&state.keys);
    if items.is_empty() || head - after <= FEW {
        let mut sight = Sight::new(state);
        let mut bytes = 0;
        walk(state, after + 1, head, &mut |record: Record| {
            let found = record.get();
            page.through = found.position();
            if sight.sees(found) && query.matches(found) {
                bytes += record.block().len();
                page.records.push(record);
            }
            page.records.len() < limit && bytes < PAGE_BYTES_MAX
        })?;
        sight.check()?;
        return Ok(page);
    }
    search(state, query, &items, &mut page, limit)?;
    Ok(page)
}

/// The position of the first match after a position.
pub(crate) fn first_match(
    state: &State,
    query: &Query,
    items: &[ItemKeys],
    after: u64,
) -> Result<Option<u64>, ReadError> {
    let head = state.head();
    let mut page = Page { records: Vec::new(), through: after, head };
    while page.through < head && page.records.is_empty() {
        if items.is_empty() {
            page = self::page(state, page.through, query, 1)?;
        } else {
            search(state, query, items, &mut page, 1)?;
        }
    }
    Ok(page.records.first().map(|record| record.get().position()))
}

/// Fills a page by the index, from its `through` on.
fn search(state: &State, query: &Query, items: &[ItemKeys], page: &mut Page, limit: usize) -> Result<(), ReadError> {
    let mut sight = Sight::new(state);
    let segments = state.segments();
    let start = segments.partition_point(|segment| segment.first <= page.through + 1).saturating_sub(1);
    let mut bytes = 0;
    for (number, segment) in segments.iter().enumerate().skip(start).take(SEGMENTS_A_PAGE) {
        if page.through >= page.head {
            return Ok(());
        }
        // The record at the mark before the page's beginning: nothing before it is of interest.
        let ordinal = (page.through + 1).saturating_sub(segment.first) as u32;
        let mut from = segment.mark_before(ordinal).map_or(0, |(_, offset)| offset);
        loop {
            let wanted = limit - page.records.len() + 2 * crate::index::MARK_EVERY as usize;
            let known = candidates(items, |hash| known_from(segment, hash, from, wanted, state))?;
            let mut full = false;
            let through = page.through;
            fetch(state, segment, &known.offsets, &mut |record: Record| {
                let found = record.get();
                if found.position() <= through {
                    return true;
                }
                if found.position() > page.head {
                    return false;
                }
                page.through = found.position();
                if sight.sees(found) && query.matches(found) {
                    bytes += record.block().len();
                    page.records.push(record);
                }
                full = page.records.len() >= limit || bytes >= PAGE_BYTES_MAX;
                !full
            })?;
            sight.check()?;
            if full {
                return Ok(());
            }
            if known.through == u32::MAX {
                break;
            }
            from = known.through + 1;
        }
        let end = segments.get(number + 1).map_or(page.head, |next| next.first - 1);
        page.through = page.through.max(end.min(page.head));
    }
    Ok(())
}

/// A key's offsets from one on, at most so many.
fn known_from(segment: &Segment, hash: u128, from: u32, most: usize, state: &State) -> Result<Known, ReadError> {
    let some = |all: &[u32]| {
        let start = all.partition_point(|offset| *offset < from);
        let end = all.len().min(start + most);
        let through = if end < all.len() { all[end - 1] } else { u32::MAX };
        Known { offsets: all[start..end].to_vec(), through }
    };
    match segment.index() {
        Index::Live(live) => Ok(read(&live).keys.get(&hash).map_or_else(|| some(&[]), |key| some(&key.offsets))),
        Index::File(file) => {
            let place = (segment.number(), segment.header.generation, hash);
            if let Some(list) = lock(&state.postings).get(&place) {
                return Ok(some(&list));
            }
            let list = find_all(state, segment, &file, hash)?;
            lock(&state.postings).put(place, &list);
            Ok(some(&list))
        }
    }
}

/// The last position that was recorded at or before a moment.
pub(crate) fn position_at(state: &State, moment: i64) -> Result<u64, ReadError> {
    let segments = state.segments();
    let head = state.head();
    for segment in segments.iter().rev() {
        let Some(ordinal) = segment.mark_at(moment) else { continue };
        let from = segment.first + u64::from(ordinal);
        let mut found = from.saturating_sub(1);
        walk(state, from, head.min(from + u64::from(crate::index::MARK_EVERY)), &mut |record: Record| {
            let before = record.get().recorded_at() <= moment;
            if before {
                found = record.get().position();
            }
            before
        })?;
        return Ok(found);
    }
    Ok(0)
}
