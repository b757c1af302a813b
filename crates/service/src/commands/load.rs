//! Making an entity's state from its snapshot and its later events.

use std::sync::Arc;

use tradewind_events::{Clock, Direction, EventStore, Position, Recorded, Revision, Snapshot, StreamId, StreamSlice};

use super::LoadError;
use crate::entity::snapshot_schema;
use crate::{AsOf, DomainEvent, Entity, NotYet, Upcasters};

/// How many events are asked for at a time. A shorter stream costs one read and no look for a snapshot.
const PAGE_EVENTS: usize = 256;

/// An entity as its events up to `revision` make it.
#[derive(Debug, Clone)]
pub(crate) struct Loaded<E> {
    pub(crate) state: E,
    /// The last event in it; none if nothing has happened to it yet.
    pub(crate) revision: Option<Revision>,
    /// That event's position.
    pub(crate) position: Position,
}

impl<E: Default> Default for Loaded<E> {
    fn default() -> Self {
        Self { state: E::default(), revision: None, position: Position::START }
    }
}

/// What loads entities; clones share the store.
#[derive(Clone)]
pub(crate) struct Loader {
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) upcasters: Upcasters,
    /// What tells the past from the future.
    pub(crate) clock: Arc<dyn Clock>,
}

impl Loader {
    /// The entity as it is now.
    pub(crate) async fn load<E: Entity>(&self, stream: &StreamId) -> Result<Loaded<E>, LoadError> {
        let slice = self.read(stream, Revision::FIRST).await?;
        let mut loaded = Loaded::default();
        if slice.end && slice.first == Revision::FIRST {
            self.evolve(&mut loaded, slice)?;
            return Ok(loaded);
        }
        // A long stream, or one whose beginning is gone: a snapshot spares reading, or stands for what is gone.
        if let Some(from_snapshot) = self.snapshot(stream).await? {
            loaded = from_snapshot;
        } else {
            whole_from(Revision::FIRST, stream, &slice)?;
            self.evolve(&mut loaded, slice)?;
        }
        self.catch_up(stream, &mut loaded).await?;
        Ok(loaded)
    }

    /// Adds what has happened since; tells whether anything had.
    pub(crate) async fn catch_up<E: Entity>(
        &self,
        stream: &StreamId,
        loaded: &mut Loaded<E>,
    ) -> Result<bool, LoadError> {
        let before = loaded.revision;
        loop {
            let from = next(loaded);
            let slice = self.read(stream, from).await?;
            if slice.first > from {
                // What came next is gone. A snapshot that is newer than this stands for it.
                let newer = self.snapshot::<E>(stream).await?.filter(|newer| newer.revision > loaded.revision);
                *loaded = newer.ok_or_else(|| truncated(stream, &slice))?;
                continue;
            }
            let end = slice.end || slice.events.is_empty();
            self.evolve(loaded, slice)?;
            if end {
                return Ok(loaded.revision != before);
            }
        }
    }

    /// The entity as it was: after the event at a position, or with what had happened by a moment.
    pub(crate) async fn load_as_of<E: Entity>(&self, stream: &StreamId, as_of: AsOf) -> Result<Loaded<E>, LoadError> {
        match as_of {
            AsOf::Position(wanted) => NotYet::unless_recorded(wanted, self.store.head().await?)?,
            AsOf::Time(wanted) => NotYet::unless_passed(wanted, self.clock.now())?,
        }
        let mut loaded = Loaded::default();
        if let AsOf::Position(limit) = as_of
            && let Some(snapshot) = self.snapshot::<E>(stream).await?.filter(|old| old.position <= limit)
        {
            loaded = snapshot;
        }
        let mut from = next(&loaded);
        loop {
            let mut slice = self.read(stream, from).await?;
            whole_from(from, stream, &slice)?;
            let end = slice.end || slice.events.is_empty();
            from = slice.events.last().map_or(from, |event| event.revision().next());
            slice.events.retain(|event| as_of.includes(event));
            self.evolve(&mut loaded, slice)?;
            if end {
                return Ok(loaded);
            }
        }
    }

    async fn read(&self, stream: &StreamId, from: Revision) -> Result<StreamSlice, LoadError> {
        Ok(self.store.read_stream(stream, from, Direction::Forward, PAGE_EVENTS).await?)
    }

    async fn snapshot<E: Entity>(&self, stream: &StreamId) -> Result<Option<Loaded<E>>, LoadError> {
        let snapshot = self.store.load_snapshot(stream).await?;
        let usable = snapshot.filter(|snapshot| snapshot.schema == snapshot_schema::<E>());
        Ok(usable.and_then(|snapshot| {
            // A snapshot that cannot be read is worth nothing, and costs nothing: the events are there.
            let state = serde_json::from_slice(&snapshot.state).ok()?;
            Some(Loaded { state, revision: Some(snapshot.revision), position: snapshot.position })
        }))
    }

    fn evolve<E: Entity>(&self, loaded: &mut Loaded<E>, slice: StreamSlice) -> Result<(), LoadError> {
        for event in slice.events {
            self.evolve_one(loaded, event)?;
        }
        Ok(())
    }

    fn evolve_one<E: Entity>(&self, loaded: &mut Loaded<E>, event: Recorded) -> Result<(), LoadError> {
        let event = self.upcasters.upcast(event)?;
        let decoded = E::Event::decode(event.event_type(), event.data())
            .map_err(|e| LoadError::Undecodable { position: event.position(), problem: e.to_string() })?;
        if let Some(decoded) = decoded {
            loaded.state.evolve(&decoded);
        }
        loaded.revision = Some(event.revision());
        loaded.position = event.position();
        Ok(())
    }
}

/// The first event that is not in it yet.
fn next<E>(loaded: &Loaded<E>) -> Revision {
    loaded.revision.map_or(Revision::FIRST, Revision::next)
}

fn truncated(stream: &StreamId, slice: &StreamSlice) -> LoadError {
    LoadError::Truncated { stream: stream.clone(), first: slice.first }
}

/// Refuses to take a part for the whole.
fn whole_from(from: Revision, stream: &StreamId, slice: &StreamSlice) -> Result<(), LoadError> {
    if slice.first > from { Err(truncated(stream, slice)) } else { Ok(()) }
}

impl<E: Entity> Loaded<E> {
    /// The snapshot of this state; none for an entity to which nothing has happened, or if it cannot be written.
    pub(crate) fn snapshot(&self, stream: &StreamId) -> Option<Snapshot> {
        Some(Snapshot {
            stream: stream.clone(),
            revision: self.revision?,
            position: self.position,
            schema: snapshot_schema::<E>(),
            state: serde_json::to_vec(&self.state).ok()?.into(),
        })
    }
}
