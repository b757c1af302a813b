//! What a command records: its events, or that there were none.

use serde_json::json;
use tradewind_events::{Event, EventId, EventType, Metadata, Timestamp};

use super::CommandError;
use crate::context::SETTLED_BY;
use crate::{Command, CommandContext, DomainEvent, Entity};

/// The type of the event that stands for a command that came with a key and changed nothing. No entity knows it, and
/// so it changes none; but it takes the id that the command's first event would have had.
const CHANGED_NOTHING: &str = "tradewind.ChangedNothing";

pub(super) fn changed_nothing(command: &str, context: &CommandContext, at: Timestamp) -> Result<Event, CommandError> {
    let encode = |error: &dyn std::fmt::Display| CommandError::Encode(error.to_string());
    Ok(Event {
        id: context.key.as_ref().map_or_else(EventId::new, |key| key.event_id(0)),
        event_type: EventType::new(CHANGED_NOTHING).map_err(|e| encode(&e))?,
        time: at,
        tags: Vec::new(),
        metadata: context.metadata(),
        data: serde_json::to_vec(&json!({ "command": command })).map_err(|e| encode(&e))?.into(),
    })
}

/// The command's events; their ids follow from its key, if it has one.
pub(super) fn to_events<E: Entity>(
    command: &dyn Command<Entity = E>,
    events: &[E::Event],
    context: &CommandContext,
    at: Timestamp,
) -> Result<Vec<Event>, CommandError> {
    let mut metadata = context.metadata();
    if let Some(process) = command.settled_by() {
        metadata.extensions.insert(SETTLED_BY.to_owned(), process.to_owned());
    }
    let one = |(index, event): (usize, &E::Event)| {
        Ok(Event {
            id: context.key.as_ref().map_or_else(EventId::new, |key| key.event_id(index)),
            event_type: EventType::new(event.event_type()).map_err(|e| CommandError::Encode(e.to_string()))?,
            time: command.time_of(event, at),
            tags: event.tags(),
            metadata: Metadata { schema_version: event.schema_version(), ..metadata.clone() },
            data: event.encode().map_err(|e| CommandError::Encode(e.to_string()))?.into(),
        })
    };
    events.iter().enumerate().map(one).collect()
}
