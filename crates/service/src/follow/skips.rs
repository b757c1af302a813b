//! What somebody decided about events and timers that could not be handled: to pass over them, to let them say
//! something else, to try them again. Each decision is itself an event.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use futures_util::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tradewind_events::{
    Append, AppendError, Direction, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, Position,
    ReadError, Recorded, Revision, StreamId, Timestamp,
};

use super::Stopped;
use crate::context::internal_key;

/// How many decisions are recorded at the same time.
const APPENDS_MAX: usize = 64;

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

/// The type of the event that records that a parked event is to say something else.
const FIXED: &str = "ParkedEventFixed";

/// What an event says that was recorded otherwise. If it is met anew as it was recorded, it says this.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Fix {
    pub(crate) key: String,
    pub(crate) position: Position,
    pub(crate) event_id: String,
    /// In which shape it says so.
    pub(crate) event_type: String,
    pub(crate) schema_version: u16,
    pub(crate) data: Box<RawValue>,
}

impl Fix {
    /// Lets an event of `key` say `data`.
    pub(crate) fn of(event: &Recorded, key: &str, data: Box<RawValue>) -> Self {
        Self {
            key: key.to_owned(),
            position: event.position(),
            event_id: event.id().to_string(),
            event_type: event.event_type().to_owned(),
            schema_version: event.metadata().map_or(0, |metadata| metadata.schema_version),
            data,
        }
    }

    fn apply(&self, recorded: Recorded) -> Recorded {
        let (Some(mut event), Ok(event_type)) = (recorded.to_event(), EventType::new(&self.event_type)) else {
            return recorded;
        };
        event.event_type = event_type;
        event.metadata.schema_version = self.schema_version;
        event.data = self.data.get().as_bytes().to_vec().into();
        let (position, revision) = (recorded.position(), recorded.revision());
        Recorded::assemble(recorded.stream(), &event, position, revision, recorded.recorded_at())
    }
}

/// The type of the event that records that parked keys were to be met again.
const REDRIVEN: &str = "ParkedKeysRedriven";

/// A decision about what is parked.
#[derive(Debug, Clone, Serialize)]
#[serde(untagged)]
pub(crate) enum Decided {
    Fixed(Fix),
    /// All events of so many keys are met again.
    Redriven {
        selection: String,
        keys: u64,
    },
}

/// What was decided for one version of one follower. Clones share it.
#[derive(Clone)]
pub(crate) struct Skips {
    positions: Arc<RwLock<BTreeSet<Position>>>,
    fixes: Arc<RwLock<BTreeMap<Position, Fix>>>,
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
        Self { positions: Arc::default(), fixes: Arc::default(), timers: Arc::default(), store, name, version }
    }

    pub(crate) fn contains(&self, position: Position) -> bool {
        self.positions.read().unwrap_or_else(PoisonError::into_inner).contains(&position)
    }

    /// What an event says by what was decided.
    pub(crate) fn fixed(&self, event: Recorded) -> Recorded {
        let fixes = self.fixes.read().unwrap_or_else(PoisonError::into_inner);
        match fixes.get(&event.position()) {
            Some(fix) => fix.apply(event),
            None => event,
        }
    }

    /// Whether the timer `name` that the event `cause` has set was given up.
    pub(crate) fn contains_timer(&self, cause: &str, name: &str) -> bool {
        let timers = self.timers.read().unwrap_or_else(PoisonError::into_inner);
        !timers.is_empty() && timers.contains(&(cause.to_owned(), name.to_owned()))
    }

    fn stream(&self) -> Result<StreamId, tradewind_events::NameError> {
        StreamId::of("projection", self.name)
    }

    /// Reads what was decided earlier.
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
            FIXED => self.insert_fix(event.parse()?),
            _ => {}
        }
        Ok(())
    }

    fn insert_fix(&self, fix: Fix) {
        self.fixes.write().unwrap_or_else(PoisonError::into_inner).insert(fix.position, fix);
    }

    fn insert(&self, position: Position) {
        self.positions.write().unwrap_or_else(PoisonError::into_inner).insert(position);
    }

    fn insert_timer(&self, cause: String, name: String) {
        self.timers.write().unwrap_or_else(PoisonError::into_inner).insert((cause, name));
    }

    /// Records the decision, and then acts on it.
    pub(crate) async fn skip(&self, at: &Stopped, now: Timestamp, actor: Option<String>) -> Result<(), SkipError> {
        self.skip_all(std::slice::from_ref(at), now, actor).await
    }

    /// The same for many.
    pub(crate) async fn skip_all(
        &self,
        all: &[Stopped],
        now: Timestamp,
        actor: Option<String>,
    ) -> Result<(), SkipError> {
        let recorded = all.iter().map(|at| {
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
            let id = EventId::derived(&internal_key(id), 0);
            decision(SKIPPED, &data, id, Cause { event: &at.event_id, actor: actor.clone(), now })
        });
        let recorded: Vec<Event> = recorded.collect::<Result<_, _>>()?;
        // Each by itself: what was skipped before, and is so in another company now, is no other decision.
        let mut appends =
            stream::iter(recorded.into_iter().map(|event| self.append(event))).buffer_unordered(APPENDS_MAX);
        while let Some(appended) = appends.next().await {
            appended?;
        }
        all.iter().for_each(|at| self.insert(at.position));
        Ok(())
    }

    /// Records a decision about what is parked, and from now on holds by it.
    pub(crate) async fn decide(&self, it: Decided, now: Timestamp, actor: Option<String>) -> Result<(), SkipError> {
        let (event_type, event) = match &it {
            Decided::Fixed(fix) => (FIXED, fix.event_id.clone()),
            Decided::Redriven { .. } => (REDRIVEN, String::new()),
        };
        self.append(decision(event_type, &it, EventId::new(), Cause { event: &event, actor, now })?).await?;
        if let Decided::Fixed(fix) = it {
            self.insert_fix(fix);
        }
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
        let id = EventId::derived(&internal_key(id), 0);
        self.append(decision(TIMER_SKIPPED, &skipped, id, Cause { event: &skipped.cause, actor, now })?).await?;
        self.insert_timer(skipped.cause, skipped.timer);
        Ok(())
    }

    async fn append(&self, event: Event) -> Result<(), SkipError> {
        let stream = self.stream().map_err(|error| SkipError::Invalid(error.to_string()))?;
        self.store.append(Append::to(stream, ExpectedRevision::Any, vec![event])).await?;
        Ok(())
    }
}

fn decision(event_type: &str, data: &impl Serialize, id: EventId, cause: Cause<'_>) -> Result<Event, SkipError> {
    let invalid = |e: &dyn std::fmt::Display| SkipError::Invalid(e.to_string());
    let Cause { event, actor, now } = cause;
    let causation_id = Some(event.to_owned()).filter(|id| !id.is_empty());
    Ok(Event {
        id,
        event_type: EventType::new(event_type).map_err(|e| invalid(&e))?,
        time: now,
        tags: Vec::new(),
        metadata: Metadata { actor, causation_id, ..Metadata::default() },
        data: serde_json::to_vec(data).map_err(|e| invalid(&e))?.into(),
    })
}

/// Why and by whom a skip is recorded.
struct Cause<'a> {
    event: &'a str,
    actor: Option<String>,
    now: Timestamp,
}
