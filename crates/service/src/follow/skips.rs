//! Events and timers that somebody decided to pass over: each decision is itself an event.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use serde::{Deserialize, Serialize};
use tradewind_events::{
    Append, AppendError, Direction, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, Position,
    ReadError, Recorded, Revision, StreamId, Timestamp,
};

use super::Stopped;
use crate::context::internal_key;

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

/// The type of the event that records that a timer was given up.
const TIMER_SKIPPED: &str = "TimerSkipped";

/// What it says.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct TimerSkipped {
    /// Whose it was: an instance of a process manager.
    pub(crate) instance: String,
    pub(crate) timer: String,
    /// The event that set it. The same timer set anew is another one.
    pub(crate) cause: String,
    pub(crate) due: Timestamp,
    pub(crate) error: String,
}

/// What was decided for one version of one follower. Clones share it.
#[derive(Clone)]
pub(crate) struct Skips {
    positions: Arc<RwLock<BTreeSet<Position>>>,
    /// By the event that set each, and its name.
    timers: Arc<RwLock<BTreeSet<(String, String)>>>,
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
        Self { positions: Arc::default(), timers: Arc::default(), store, name, version }
    }

    pub(crate) fn contains(&self, position: Position) -> bool {
        self.positions.read().unwrap_or_else(PoisonError::into_inner).contains(&position)
    }

    /// Whether the timer `name` that the event `cause` has set was given up.
    pub(crate) fn contains_timer(&self, cause: &str, name: &str) -> bool {
        let timers = self.timers.read().unwrap_or_else(PoisonError::into_inner);
        !timers.is_empty() && timers.contains(&(cause.to_owned(), name.to_owned()))
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
            for event in &slice.events {
                if let Err(error) = self.heed(event) {
                    tracing::warn!(%error, ?event, "a recorded skip cannot be read");
                }
            }
            match slice.events.last() {
                Some(last) if !slice.end => from = last.revision().next(),
                _ => return Ok(()),
            }
        }
    }

    fn heed(&self, event: &Recorded) -> Result<(), serde_json::Error> {
        match event.event_type() {
            SKIPPED => {
                let skip = event.parse::<ProjectionEventSkipped>()?;
                if skip.version == self.version {
                    self.insert(skip.position);
                }
            }
            TIMER_SKIPPED => {
                let TimerSkipped { cause, timer, .. } = event.parse()?;
                self.insert_timer(cause, timer);
            }
            _ => {}
        }
        Ok(())
    }

    fn insert(&self, position: Position) {
        self.positions.write().unwrap_or_else(PoisonError::into_inner).insert(position);
    }

    fn insert_timer(&self, cause: String, name: String) {
        self.timers.write().unwrap_or_else(PoisonError::into_inner).insert((cause, name));
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
        let id = format!("skip/{}/{}/{}", self.name, self.version, at.position);
        self.record(SKIPPED, &data, &id, Cause { event: &at.event_id, actor, now }).await?;
        self.insert(at.position);
        Ok(())
    }

    /// The same for a timer.
    pub(crate) async fn skip_timer(
        &self,
        skipped: TimerSkipped,
        now: Timestamp,
        actor: Option<String>,
    ) -> Result<(), SkipError> {
        let id = format!("skip-timer/{}/{}/{}", self.name, skipped.cause, skipped.timer);
        self.record(TIMER_SKIPPED, &skipped, &id, Cause { event: &skipped.cause, actor, now }).await?;
        self.insert_timer(skipped.cause, skipped.timer);
        Ok(())
    }

    async fn record(
        &self,
        event_type: &str,
        data: &impl Serialize,
        id: &str,
        cause: Cause<'_>,
    ) -> Result<(), SkipError> {
        let invalid = |e: &dyn std::fmt::Display| SkipError::Invalid(e.to_string());
        let Cause { event, actor, now } = cause;
        let event = Event {
            id: EventId::derived(&internal_key(id), 0),
            event_type: EventType::new(event_type).map_err(|e| invalid(&e))?,
            time: now,
            tags: Vec::new(),
            metadata: Metadata { actor, causation_id: Some(event.to_owned()), ..Metadata::default() },
            data: serde_json::to_vec(data).map_err(|e| invalid(&e))?.into(),
        };
        let stream = self.stream().map_err(|e| invalid(&e))?;
        self.store.append(Append::to(stream, ExpectedRevision::Any, vec![event])).await?;
        Ok(())
    }
}

/// Why and by whom a skip is recorded.
struct Cause<'a> {
    event: &'a str,
    actor: Option<String>,
    now: Timestamp,
}
