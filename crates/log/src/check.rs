//! Whether an append may be written: revisions, the condition, ids that are there already. It looks at what is
//! durable and at what the same batch is about to write.

use std::collections::HashMap;
use std::sync::Arc;

use crate::format::record::RecordRef;
use crate::key::{Domain, KeyMap};
use crate::query::Query;
use crate::request::{AppendRequest, Condition, Draft};
use crate::segment::{Segment, read};
use crate::state::State;
use crate::{AppendError, Appended, ReadError, read as reading};

/// What a batch is about to write.
#[derive(Default)]
pub(crate) struct Pending {
    streams: KeyMap<(u64, u32)>,
    ids: HashMap<u128, PendingRecord>,
    /// Last positions by key; kept only for batches in which someone has a condition.
    names: KeyMap<u64>,
    keep_names: bool,
    records: Vec<u64>,
}

#[derive(Debug, Clone, Copy)]
struct PendingRecord {
    position: u64,
    revision: u64,
    stream: u128,
    first: bool,
    last: bool,
}

/// Where an accepted append's records go.
pub(crate) struct Accepted {
    /// The revision of each draft.
    pub(crate) revisions: Vec<u64>,
    pub(crate) appended: Appended,
}

/// What to do with a request.
pub(crate) enum Verdict {
    Write(Accepted),
    /// It is there already, or there is nothing in it to write.
    Answer(Appended),
}

impl Pending {
    pub(crate) fn new(keep_names: bool) -> Self {
        Self { keep_names, ..Self::default() }
    }

    /// How many records a stream will have, if the batch writes to it.
    pub(crate) fn count(&self, stream: u128) -> Option<u64> {
        self.streams.get(&stream).map(|(count, _)| *count)
    }

    /// Notes a record that the batch writes.
    pub(crate) fn admit(&mut self, state: &State, draft: &Draft, record: RecordRef<'_>, stream: u128, check: u32) {
        let position = record.position();
        let pending = PendingRecord {
            position,
            revision: record.revision(),
            stream,
            first: record.is_first(),
            last: record.is_last(),
        };
        self.ids.insert(draft.id, pending);
        self.streams.insert(stream, (record.revision() + 1, check));
        self.records.push(position);
        if self.keep_names {
            let mut note = |domain, name| self.names.insert(state.keys.key(domain, name).hash, position);
            note(Domain::Category, record.category());
            note(Domain::Type, record.kind());
            for tag in record.each_tag() {
                note(Domain::Tag, tag);
            }
        }
    }
}

/// Looks at one request. `next` is the position that its first record would take; `written` gives the records that
/// the batch is about to write.
pub(crate) fn examine<'a>(
    state: &State,
    pending: &Pending,
    request: &AppendRequest,
    next: u64,
    written: impl Fn() -> Box<dyn Iterator<Item = RecordRef<'a>> + 'a>,
) -> Result<Verdict, AppendError> {
    if request.repeats_an_id() {
        return Err(AppendError::Invalid("an id comes twice".to_owned()));
    }
    if let Some(appended) = find_duplicate(state, pending, request)? {
        return Ok(Verdict::Answer(appended));
    }
    let mut counts = Vec::with_capacity(request.streams.len());
    for (index, stream) in request.streams.iter().enumerate() {
        let (count, check) = match pending.streams.get(&stream.key.hash) {
            Some(known) => *known,
            None => {
                read(&state.table).get(stream.key).map_or((0, stream.key.check), |known| (known.count, known.check))
            }
        };
        if check != stream.key.check {
            return Err(AppendError::Check(format!("the name of stream {} collides with another's", stream.name)));
        }
        let actual = count.checked_sub(1);
        if !stream.expected.holds(actual) {
            return Err(AppendError::WrongRevision { index, stream: stream.name.to_string(), actual });
        }
        counts.push(count);
    }
    if let Some(condition) = &request.condition
        && let Some(position) = find_conflict(state, pending, condition, written)?
    {
        return Err(AppendError::ConditionFailed { position });
    }
    let revisions = request
        .drafts
        .iter()
        .map(|draft| {
            let count = &mut counts[draft.stream as usize];
            *count += 1;
            *count - 1
        })
        .collect::<Vec<_>>();
    let appended = Appended {
        first: next,
        last: next + request.drafts.len() as u64 - 1,
        revisions: counts.into_iter().map(|count| count.checked_sub(1)).collect(),
        duplicate: false,
    };
    if request.drafts.is_empty() {
        return Ok(Verdict::Answer(Appended { first: next - 1, last: next - 1, ..appended }));
    }
    Ok(Verdict::Write(Accepted { revisions, appended }))
}

/// The answer that this very append got before, if it did.
fn find_duplicate(state: &State, pending: &Pending, request: &AppendRequest) -> Result<Option<Appended>, AppendError> {
    let Some(first) = request.drafts.first() else { return Ok(None) };
    let mut known = Vec::new();
    let mut unknown = false;
    let segments = state.segments();
    for draft in &request.drafts {
        let found = match pending.ids.get(&draft.id) {
            Some(found) => Some(*found),
            None => find_id(state, &segments, draft.id).map_err(|error| AppendError::Check(error.to_string()))?,
        };
        match found {
            Some(found) => known.push(found),
            None => unknown = true,
        }
    }
    let Some(start) = known.first().copied() else { return Ok(None) };
    let same = !unknown
        && start.first
        && known.last().is_some_and(|found| found.last)
        && request.drafts.iter().zip(&known).enumerate().all(|(index, (draft, found))| {
            found.position == start.position + index as u64
                && found.stream == request.streams[draft.stream as usize].key.hash
        });
    if !same {
        let id = if unknown { reused(request, pending, state, &segments) } else { first.id };
        return Err(AppendError::IdReused { id, position: start.position });
    }
    let revisions = (0..request.streams.len() as u32)
        .map(|stream| {
            let last = request.drafts.iter().rposition(|draft| draft.stream == stream);
            match last {
                Some(index) => Some(known[index].revision),
                None => read(&state.table)
                    .get(request.streams[stream as usize].key)
                    .and_then(|known| known.count.checked_sub(1)),
            }
        })
        .collect();
    let last = start.position + known.len() as u64 - 1;
    Ok(Some(Appended { first: start.position, last, revisions, duplicate: true }))
}

/// The first id of a request that is taken.
fn reused(request: &AppendRequest, pending: &Pending, state: &State, segments: &[Arc<Segment>]) -> u128 {
    let taken =
        |id: u128| pending.ids.contains_key(&id) || find_id(state, segments, id).is_ok_and(|found| found.is_some());
    request.drafts.iter().map(|draft| draft.id).find(|id| taken(*id)).unwrap_or_default()
}

fn find_id(state: &State, segments: &[Arc<Segment>], id: u128) -> Result<Option<PendingRecord>, ReadError> {
    let hash = state.keys.id(id);
    for segment in segments.iter().rev() {
        for offset in crate::lookup::find_id(state, segment, id, hash)? {
            let record = state.record(segment, offset)?;
            let record = record.get();
            if record.id() == id {
                return Ok(Some(PendingRecord {
                    position: record.position(),
                    revision: record.revision(),
                    stream: state.keys.key(Domain::Stream, record.stream()).hash,
                    first: record.is_first(),
                    last: record.is_last(),
                }));
            }
        }
    }
    Ok(None)
}

/// The position of the first record after the condition's that matches it.
fn find_conflict<'a>(
    state: &State,
    pending: &Pending,
    condition: &Condition,
    written: impl Fn() -> Box<dyn Iterator<Item = RecordRef<'a>> + 'a>,
) -> Result<Option<u64>, AppendError> {
    let head = state.head();
    if !may_match(state, pending, condition) {
        return Ok(None);
    }
    if condition.after < head {
        let found = reading::first_match(state, &condition.query, &condition.items, condition.after)
            .map_err(|error| AppendError::Check(error.to_string()))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    if pending.records.last().is_none_or(|last| *last <= condition.after) {
        return Ok(None);
    }
    let matches = |query: &Query, record: RecordRef<'_>| record.position() > condition.after && query.matches(record);
    Ok(written().find(|record| matches(&condition.query, *record)).map(|record| record.position()))
}

/// Whether the newest positions of the condition's keys leave it open that something matches. Nearly always they
/// do not, and this is all that a condition costs.
fn may_match(state: &State, pending: &Pending, condition: &Condition) -> bool {
    let table = read(&state.table);
    let newer = |hash: &u128| {
        let durable = table.by_hash(*hash).map_or(0, |known| known.last);
        durable.max(pending.names.get(hash).copied().unwrap_or(0)) > condition.after
    };
    if condition.items.is_empty() {
        return state.head() > condition.after || !pending.records.is_empty();
    }
    condition.items.iter().any(|item| item.all_of.iter().all(|any_of| any_of.iter().any(newer)))
}
