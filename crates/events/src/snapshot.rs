//! The state of an entity after some of its events, kept to spare reading them again.

use bytes::Bytes;

use crate::{Position, Revision, StreamId};

/// Derived from a stream's events and worth nothing without them: it may be lost at any time, and is ignored when
/// it was made by another version of the code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The stream whose entity it is.
    pub stream: StreamId,
    /// The last event that is in it.
    pub revision: Revision,
    /// That event's position.
    pub position: Position,
    /// Which code made it: the entity's name and the version of its state's shape.
    pub schema: String,
    /// The state, as that code writes it.
    pub state: Bytes,
}
