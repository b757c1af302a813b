//! Events that somebody decided to pass over: each decision is itself an event.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tradewind_events::{
    Append, AppendError, Direction, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, Position,
    ReadError, Revision, StreamId, Timestamp,
};

use super::Stopped;

/// The type of the event that records a skip.
const SKIPPED: &str = "ProjectionEventSkipped";

/// What it says.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct ProjectionEventSkipped {
    name: String,
    /// The version that could not handle the event. A later one may have learnt to, and is given it.
    version: u32,
    position: Position,
    event_id: String,
    event_type: String,
    stream: String,
    error: String,
}

/// The skipped positions of one version of one follower. Clones share them.
#[derive(Clone)]
pub(crate) struct Skips {
    positions: Arc<RwLock<BTreeSet<Position>>>,
    store: Arc<dyn EventStore>,
    name: &'static str,
    version: u32,
}

/// Why a skip was not recorded.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SkipError {
    #[error("the skip cannot be recorded: {0}")]
    Append(#[from] AppendError),
    #[error("the skip cannot be written: {0}")]
    Invalid(String),
}

impl Skips {
    pub(crate) fn new(store: Arc<dyn EventStore>, name: &'static str, version: u32) -> Self {
        Self { positions: Arc::default(), store, name, version }
    }

    pub(crate) fn contains(&self, position: Position) -> bool {
        self.positions.read().unwrap_or_else(PoisonError::into_inner).contains(&position)
    }

    fn stream(&self) -> Result<StreamId, tradewind_events::NameError> {
        StreamId::of("projection", self.name)
    }

    /// Reads the skips that were recorded earlier.
    pub(crate) async fn load(&self) -> Result<(), ReadError> {
        let stream = self.stream().map_err(|e| ReadError::Invalid(e.to_string()))?;
        let mut from = Revision::FIRST;
        loop {
            let slice = self.store.read_stream(&stream, from, Direction::Forward, 256).await?;
            for event in slice.events.iter().filter(|event| event.event_type() == SKIPPED) {
                match event.parse::<ProjectionEventSkipped>() {
                    Ok(skip) if skip.version == self.version => self.insert(skip.position),
                    Ok(_) => {}
                    Err(error) => tracing::warn!(%error, ?event, "a recorded skip cannot be read"),
                }
            }
            match slice.events.last() {
                Some(last) if !slice.end => from = last.revision().next(),
                _ => return Ok(()),
            }
        }
    }

    fn insert(&self, position: Position) {
        self.positions.write().unwrap_or_else(PoisonError::into_inner).insert(position);
    }

    /// Records the decision, and then acts on it.
    pub(crate) async fn skip(&self, at: &Stopped, now: Timestamp, actor: Option<String>) -> Result<(), SkipError> {
        let data = ProjectionEventSkipped {
            name: self.name.to_owned(),
            version: self.version,
            position: at.position,
            event_id: at.event_id.clone(),
            event_type: at.event_type.clone(),
            stream: at.stream.clone(),
            error: at.error.clone(),
        };
        let invalid = |e: &dyn std::fmt::Display| SkipError::Invalid(e.to_string());
        let event = Event {
            id: EventId::derived(&format!("skip/{}/{}/{}", self.name, self.version, at.position), 0),
            event_type: EventType::new(SKIPPED).map_err(|e| invalid(&e))?,
            time: now,
            tags: Vec::new(),
            metadata: Metadata { actor, causation_id: Some(at.event_id.clone()), ..Metadata::default() },
            data: serde_json::to_vec(&data).map_err(|e| invalid(&e))?.into(),
        };
        let stream = self.stream().map_err(|e| invalid(&e))?;
        self.store.append(Append::to(stream, ExpectedRevision::Any, vec![event])).await?;
        self.insert(at.position);
        Ok(())
    }
}
