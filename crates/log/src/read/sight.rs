//! Which records readers see.

use std::sync::Arc;

use crate::ReadError;
use crate::format::record::RecordRef;
use crate::segment::log_name;
use crate::state::{State, Truncated};

/// Tells which records readers see: not those that went with the beginning of their stream.
pub(super) struct Sight<'a> {
    state: &'a State,
    truncated: Arc<Truncated>,
    /// A record whose contents are gone, though no truncation says so.
    lost: Option<u64>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state, truncated: state.truncated(), lost: None }
    }

    pub(super) fn is_truncated(&self, record: RecordRef<'_>) -> bool {
        !self.truncated.is_empty()
            && self.truncated.get(record.stream()).is_some_and(|first| record.revision() < *first)
    }

    pub(super) fn sees(&mut self, record: RecordRef<'_>) -> bool {
        if record.is_given_up() && !self.is_truncated(record) {
            // It may have been truncated and reclaimed since this reader began.
            self.truncated = self.state.truncated();
            if !self.is_truncated(record) {
                self.lost.get_or_insert(record.position());
            }
        }
        !record.is_given_up() && !self.is_truncated(record)
    }

    pub(super) fn check(&self) -> Result<(), ReadError> {
        let Some(position) = self.lost else { return Ok(()) };
        let segments = self.state.segments();
        let number = State::segment_of(&segments, position).map_or(0, |segment| segment.number());
        let problem =
            format!("the contents of position {position} are gone, though its stream was not truncated there");
        Err(ReadError::Damaged { file: log_name(number), offset: 0, problem })
    }
}
