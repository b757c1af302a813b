//! Whether an append may be written: revisions, the condition, ids that are there already. It looks at what is
//! durable and at what is about to be.

use std::sync::Arc;

use crate::key::Domain;
use crate::pending::PendingRecord;
use crate::request::{AppendRequest, Condition};
use crate::rounds::Rounds;
use crate::segment::{Segment, read};
use crate::state::State;
use crate::{AppendError, Appended, ReadError, read as reading};

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

/// Looks at one request.
pub(crate) fn examine(state: &State, rounds: &mut Rounds, request: &AppendRequest) -> Result<Verdict, AppendError> {
    let next = rounds.last() + 1;
    if request.repeats_an_id() {
        return Err(AppendError::Invalid("an id comes twice".to_owned()));
    }
    if let Some(appended) = find_duplicate(state, rounds, request)? {
        return Ok(Verdict::Answer(appended));
    }
    let mut counts = Vec::with_capacity(request.streams.len());
    for (index, stream) in request.streams.iter().enumerate() {
        let (count, check) = match rounds.stream(stream.key.hash) {
            Some(known) => known,
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
        && let Some(position) = find_conflict(state, rounds, condition)?
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
fn find_duplicate(state: &State, rounds: &Rounds, request: &AppendRequest) -> Result<Option<Appended>, AppendError> {
    let Some(first) = request.drafts.first() else { return Ok(None) };
    let mut known = Vec::new();
    let mut unknown = false;
    let segments = state.segments();
    for draft in &request.drafts {
        let found = match rounds.id(draft.id) {
            Some(found) => Some(found),
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
        let id = if unknown { reused(request, rounds, state, &segments) } else { first.id };
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
fn reused(request: &AppendRequest, rounds: &Rounds, state: &State, segments: &[Arc<Segment>]) -> u128 {
    let taken = |id: u128| rounds.id(id).is_some() || find_id(state, segments, id).is_ok_and(|found| found.is_some());
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
fn find_conflict(state: &State, rounds: &mut Rounds, condition: &Condition) -> Result<Option<u64>, AppendError> {
    if !may_match(state, rounds, condition) {
        return Ok(None);
    }
    if condition.after < state.head() {
        let found = reading::first_match(state, &condition.query, &condition.items, condition.after)
            .map_err(|error| AppendError::Check(error.to_string()))?;
        if found.is_some() {
            return Ok(found);
        }
    }
    Ok(rounds.first_match(&condition.query, condition.after))
}

/// Whether the newest positions of the condition's keys leave it open that something matches. Nearly always they
/// do not, and this is all that a condition costs.
fn may_match(state: &State, rounds: &mut Rounds, condition: &Condition) -> bool {
    if condition.items.is_empty() {
        return rounds.last() > condition.after;
    }
    rounds.note_names();
    let table = read(&state.table);
    let newer = |hash: &u128| {
        let durable = table.by_hash(*hash).map_or(0, |known| known.last);
        durable.max(rounds.newest(*hash).unwrap_or(0)) > condition.after
    };
    condition.items.iter().any(|item| item.all_of.iter().all(|any_of| any_of.iter().any(newer)))
}
