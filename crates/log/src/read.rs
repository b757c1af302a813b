//! Reading: everything by position, what matches a query, one stream. Only what is durable.

use std::sync::Arc;

use bytes::Bytes;

use crate::ReadError;
use crate::format::commit::{COMMIT_HEADER_BYTES, Kind, peek_commit};
use crate::format::record::{RECORD_HEADER_BYTES, Record, RecordRef, UNSOUND};
use crate::format::{aligned, get_u32};
use crate::index::table::KeyState;
use crate::index::{KeyEntry, NO_SEGMENT};
use crate::key::Domain;
use crate::lookup::{find, find_all};
use crate::query::{ItemKeys, Known, Query, candidates};
use crate::segment::{Index, Segment, index_name, log_name, read};
use crate::state::{State, Truncated, lock};

/// The most bytes of records that one page gathers; a longer single record still comes.
const PAGE_BYTES_MAX: usize = 8 << 20;
/// How much of a segment is read at a time when everything is wanted.
const CHUNK_BYTES: usize = 512 << 10;
/// How much is read at first.
const FIRST_CHUNK_BYTES: usize = 32 << 10;
/// Records that lie closer than this are read together.
const GAP_BYTES: u32 = 2_048;
/// The longest piece that is read for records that lie close.
const SPAN_BYTES: u32 = 256 << 10;
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

/// Tells which records readers see: not those that went with the beginning of their stream.
struct Sight<'a> {
    state: &'a State,
    truncated: Arc<Truncated>,
    /// A record whose contents are gone, though no truncation says so.
    lost: Option<u64>,
}

impl<'a> Sight<'a> {
    fn new(state: &'a State) -> Self {
        Self { state, truncated: state.truncated(), lost: None }
    }

    fn is_truncated(&self, record: RecordRef<'_>) -> bool {
        !self.truncated.is_empty()
            && self.truncated.get(record.stream()).is_some_and(|first| record.revision() < *first)
    }

    fn sees(&mut self, record: RecordRef<'_>) -> bool {
        if record.is_given_up() && !self.is_truncated(record) {
            // It may have been truncated and reclaimed since this reader began.
            self.truncated = self.state.truncated();
            if !self.is_truncated(record) {
                self.lost.get_or_insert(record.position());
            }
        }
        !record.is_given_up() && !self.is_truncated(record)
    }

    fn check(&self) -> Result<(), ReadError> {
        let Some(position) = self.lost else { return Ok(()) };
        let segments = self.state.segments();
        let number = State::segment_of(&segments, position).map_or(0, |segment| segment.number());
        let problem =
            format!("the contents of position {position} are gone, though its stream was not truncated there");
        Err(ReadError::Damaged { file: log_name(number), offset: 0, problem })
    }
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

/// Calls back for the records at ascending offsets of a segment, until it says stop.
fn fetch(
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

/// Calls back for every record from a position up to one, until it says stop.
pub(crate) fn walk(state: &State, from: u64, to: u64, each: &mut dyn FnMut(Record) -> bool) -> Result<(), ReadError> {
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
    let mut bytes = 0;
    for (segment, entry) in parts(state, key.hash, newest, low, high)? {
        let begin = low.max(entry.base) - entry.base;
        let end = (high + 1).min(entry.base + entry.offsets.len() as u64) - entry.base;
        let mut revision = entry.base + begin;
        let mut wrong = None;
        let Some(offsets) = entry.offsets.get(begin as usize..end as usize) else {
            let problem = format!("the index knows too few records of stream {name}");
            return Err(ReadError::Damaged { file: index_name(segment.number()), offset: 0, problem });
        };
        fetch(state, &segment, offsets, &mut |record: Record| {
            let found = record.get();
            if found.stream() != name.as_bytes() || found.revision() != revision || found.is_given_up() {
                wrong = Some((found.position(), found.is_given_up()));
                return false;
            }
            revision += 1;
            bytes += record.block().len();
            page.records.push(record);
            backward || bytes < PAGE_BYTES_MAX
        })?;
        if let Some((position, true)) = wrong {
            if state.truncated().get(name.as_bytes()).is_some_and(|now| *now > first) {
                // It was truncated and reclaimed since this reader began.
                return stream(state, name, from, backward, limit);
            }
            let problem = format!("position {position} was given up, though stream {name} is not truncated there");
            return Err(ReadError::Damaged { file: segment.name(), offset: 0, problem });
        }
        if let Some((position, _)) = wrong {
            let problem = format!("the index calls position {position} revision {revision} of stream {name}");
            return Err(ReadError::Damaged { file: index_name(segment.number()), offset: 0, problem });
        }
        if !backward && bytes >= PAGE_BYTES_MAX {
            page.end = revision > last;
            break;
        }
    }
    if backward {
        page.records.reverse();
    }
    Ok(page)
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
