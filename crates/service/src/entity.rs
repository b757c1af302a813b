//! Entities: what events are about, and whose state follows from them.

use serde::Serialize;
use serde::de::DeserializeOwned;
use tradewind_events::{NameError, StreamId};

use crate::DomainEvent;

/// One kind of thing that changes over time. Its state is what its events make of `Default`; nothing else is kept.
pub trait Entity: Default + Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The category of its streams: an entity's stream is `{CATEGORY}-{id}`. Without a dash.
    const CATEGORY: &'static str;

    /// The version of the state's shape. Raise it when `evolve` or a field changes: snapshots of another version
    /// are ignored, and the state is made anew from the events.
    const STATE_VERSION: u16;

    /// What can happen to it.
    type Event: DomainEvent;

    /// The state after one more event. It never fails, and asks neither clock nor chance: what is recorded has
    /// happened.
    fn evolve(&mut self, event: &Self::Event);
}

/// The stream of an entity.
///
/// # Errors
/// If `id` cannot be part of a stream's name.
pub fn stream_of<E: Entity>(id: &str) -> Result<StreamId, NameError> {
    StreamId::of(E::CATEGORY, id)
}

/// How a snapshot of the entity names the code that made it.
pub(crate) fn snapshot_schema<E: Entity>() -> String {
    format!("{}/{}", E::CATEGORY, E::STATE_VERSION)
}
