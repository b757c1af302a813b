//! What no engine takes, checked before it is asked.

use std::collections::HashSet;

use tradewind_events::{Append, AppendError, Query, ReadError};

/// How much an append is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) events: usize,
    /// Names, tags, metadata and data of all its events.
    pub(crate) bytes: usize,
}

/// Whether an append is well-formed and within the limits, and how much it is.
pub(crate) fn check_append(append: &Append) -> Result<Size, AppendError> {
    let invalid = |problem: String| Err(AppendError::Invalid(problem));
    if append.streams.is_empty() {
        return invalid("it names no stream".to_owned());
    }
    let (mut events, mut bytes) = (0, 0);
    let mut streams = HashSet::with_capacity(append.streams.len());
    for part in &append.streams {
        if append.streams.len() > 1 && !streams.insert(&part.stream) {
            return invalid(format!("stream {} appears twice", part.stream));
        }
        events += part.events.len();
        for event in &part.events {
            bytes += part.stream.as_str().len() + event.event_type.as_str().len() + event.data.len();
            bytes += event.tags.iter().map(|tag| tag.as_str().len()).sum::<usize>();
            if !event.metadata.is_empty() {
                bytes += event.metadata.encode().len();
            }
        }
    }
    if events > Append::EVENTS_MAX {
        return invalid(format!("{events} events; the most is {}", Append::EVENTS_MAX));
    }
    if bytes > Append::BYTES_MAX {
        return invalid(format!("{bytes} bytes; the most is {}", Append::BYTES_MAX));
    }
    if events > 1 {
        let mut ids = HashSet::with_capacity(events);
        for event in append.streams.iter().flat_map(|part| &part.events) {
            if !ids.insert(event.id) {
                return invalid(format!("event id {} appears twice", event.id));
            }
        }
    }
    match append.condition.as_ref().and_then(|condition| condition.fail_if.problem()) {
        Some(problem) => invalid(format!("the condition's query {problem}")),
        None => Ok(Size { events, bytes }),
    }
}

/// Whether a query is well-formed and within the limits.
pub(crate) fn check_query(query: &Query) -> Result<(), ReadError> {
    match query.problem() {
        Some(problem) => Err(ReadError::Invalid(format!("the query {problem}"))),
        None => Ok(()),
    }
}
