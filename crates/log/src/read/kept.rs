//! Records as they are kept, those that were given up included: what another store needs to become the same.

use super::PAGE_BYTES_MAX;
use super::walk::walk;
use crate::ReadError;
use crate::format::record::Record;
use crate::state::State;

/// A record, and what readers are not told of it.
#[derive(Debug, Clone)]
pub struct Kept {
    /// The record; of one that was given up only place, stream, id and times mean something.
    pub record: Record,
    /// It is the first of its append.
    pub first: bool,
    /// It is the last of its append.
    pub last: bool,
    /// It was given up with the beginning of its stream.
    pub given_up: bool,
}

/// Up to `limit` records after a position, without a gap.
pub(crate) fn kept(state: &State, after: u64, limit: usize) -> Result<Vec<Kept>, ReadError> {
    let truncated = state.truncated();
    let (mut page, mut bytes) = (Vec::new(), 0);
    walk(state, after + 1, state.head(), &mut |record: Record| {
        let found = record.get();
        let before = truncated.get(found.stream()).copied().unwrap_or(0);
        let (first, last) = (found.is_first(), found.is_last());
        let given_up = found.is_given_up() || found.revision() < before;
        bytes += record.block().len();
        page.push(Kept { record, first, last, given_up });
        page.len() < limit && bytes < PAGE_BYTES_MAX
    })?;
    Ok(page)
}
