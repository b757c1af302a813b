//! One append from JSON: a CloudEvent, or several.

use serde_json::Deserializer;
use tradewind_events::{Append, Appended, Clock, CloudEvent, EventStore, ExpectedRevision, StreamAppend};

use super::ToolError;
use super::cloudevents::event;

/// Appends the CloudEvents of a text, one after the other or on a line each, together or not at all. Each names its
/// stream as `subject`; every stream must be as `expected`.
///
/// # Errors
/// [`ToolError::Line`] if one is malformed, [`ToolError::Append`] if the store refuses them.
pub async fn append(
    store: &dyn EventStore,
    json: &str,
    expected: ExpectedRevision,
    clock: &dyn Clock,
) -> Result<Appended, ToolError> {
    let (mut append, mut line) = (Append::default(), 1);
    let mut events = Deserializer::from_str(json).into_iter::<CloudEvent>();
    while let Some(next) = events.next() {
        let cloud = next.map_err(|error| ToolError::line(error.line() as u64, &error))?;
        line = 1 + json[..events.byte_offset()].bytes().filter(|b| *b == b'\n').count() as u64;
        let (stream, event) = event(cloud, line, clock.now())?;
        match append.streams.iter_mut().find(|part| part.stream == stream) {
            Some(part) => part.events.push(event),
            None => append.streams.push(StreamAppend { stream, expected, events: vec![event] }),
        }
    }
    store.append(append).await.map_err(|source| ToolError::Append { first: 1, last: line, source })
}
