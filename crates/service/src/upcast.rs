//! Reading what older versions wrote: steps from one version of an event's JSON to the next.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tradewind_events::{Event, EventType, NameError, Query, Recorded};

use crate::panics::catch;

type Step = Arc<dyn Fn(Value) -> Result<Value, String> + Send + Sync>;

/// The steps of a service, applied to every event before it is decoded: by entities, projections and reactions
/// alike. Clones share them.
#[derive(Clone, Default)]
pub struct Upcasters {
    by_type: Arc<RwLock<HashMap<String, Arc<History>>>>,
}

/// How one event type has changed.
#[derive(Clone, Default)]
struct History {
    /// The step from version `index + 1` to the next.
    steps: Vec<Option<Step>>,
    renamed: Option<EventType>,
}

/// An old event that cannot be brought to today's shape.
#[derive(Debug, thiserror::Error)]
#[error("{event_type} of version {version} cannot be read: {problem}")]
pub struct UpcastError {
    /// The event's type.
    pub event_type: String,
    /// The version that the failing step starts from.
    pub version: u16,
    /// What is wrong.
    pub problem: String,
}

impl Upcasters {
    /// Adds the step that brings `event_type` from version `from` (1 is the first) to `from + 1`.
    pub fn step<F>(&self, event_type: &str, from: u16, step: F)
    where
        F: Fn(Value) -> Result<Value, String> + Send + Sync + 'static,
    {
        self.change(event_type, |history| {
            let index = usize::from(from.max(1)) - 1;
            if history.steps.len() <= index {
                history.steps.resize(index + 1, None);
            }
            history.steps[index] = Some(Arc::new(step));
        });
    }

    /// What was recorded as `old` is read as `new`, after all steps of `old`: as the first version of `new`, whose
    /// steps then follow.
    ///
    /// # Errors
    /// If `new` is no valid name.
    pub fn renamed(&self, old: &str, new: &str) -> Result<(), NameError> {
        let new = EventType::new(new)?;
        self.change(old, |history| history.renamed = Some(new));
        Ok(())
    }

    fn change(&self, event_type: &str, change: impl FnOnce(&mut History)) {
        let mut all = self.by_type.write().unwrap_or_else(PoisonError::into_inner);
        let mut history = all.get(event_type).map(|kept| History::clone(kept)).unwrap_or_default();
        change(&mut history);
        all.insert(event_type.to_owned(), Arc::new(history));
    }

    /// The query that also finds what was recorded under older names of the types that it asks for: a store knows
    /// events only by the names under which they were recorded.
    #[must_use]
    pub fn widen(&self, mut query: Query) -> Query {
        let all = self.by_type.read().unwrap_or_else(PoisonError::into_inner);
        for item in &mut query.items {
            let mut asked = 0;
            // Names that are added are looked at in their turn, and each is added once.
            while let Some(name) = item.types.get(asked).cloned() {
                let older = all.iter().filter(|(_, history)| history.renamed.as_ref() == Some(&name));
                for old in older.filter_map(|(old, _)| EventType::new(old).ok()) {
                    if !item.types.contains(&old) {
                        item.types.push(old);
                    }
                }
                asked += 1;
            }
        }
        query
    }

    fn history(&self, event_type: &str) -> Option<Arc<History>> {
        self.by_type.read().unwrap_or_else(PoisonError::into_inner).get(event_type).cloned()
    }

    /// The event in today's shape; itself, if its type has never changed.
    ///
    /// # Errors
    /// [`UpcastError`] if its JSON is not what a step expects.
    pub fn upcast(&self, event: Recorded) -> Result<Recorded, UpcastError> {
        let Some(mut history) = self.history(event.event_type()) else { return Ok(event) };
        let mut today = Shape::of(&event)?;
        let mut names = Vec::new();
        loop {
            today.step(&history)?;
            names.push(today.event.event_type.clone());
            // Names that go in a circle come to an end where it closes.
            let Some(renamed) = history.renamed.clone().filter(|to| !names.contains(to)) else { break };
            let next = self.history(renamed.as_str());
            today.rename(renamed);
            match next {
                Some(next) => history = next,
                None => break,
            }
        }
        today.recorded_as(&event)
    }

    /// The same for many, in order.
    ///
    /// # Errors
    /// The first [`UpcastError`].
    pub fn upcast_all(&self, events: Vec<Recorded>) -> Result<Vec<Recorded>, UpcastError> {
        events.into_iter().map(|event| self.upcast(event)).collect()
    }
}

/// An event on its way from the shape in which it was recorded to today's.
struct Shape {
    event: Event,
    version: u16,
    /// Its JSON, parsed when the first step needs it.
    data: Option<Value>,
}

impl Shape {
    fn of(recorded: &Recorded) -> Result<Self, UpcastError> {
        let fail = |version, problem| UpcastError { event_type: recorded.event_type().to_owned(), version, problem };
        let version = recorded.metadata().map_err(|e| fail(0, e.to_string()))?.schema_version.max(1);
        let event = recorded.to_event().ok_or_else(|| fail(version, "its names are invalid".to_owned()))?;
        Ok(Self { event, version, data: None })
    }

    fn fail(&self, problem: String) -> UpcastError {
        UpcastError { event_type: self.event.event_type.to_string(), version: self.version, problem }
    }

    fn step(&mut self, history: &History) -> Result<(), UpcastError> {
        while let Some(step) = history.steps.get(usize::from(self.version) - 1) {
            if let Some(step) = step {
                let data = match self.data.take() {
                    Some(data) => data,
                    None => serde_json::from_slice(&self.event.data).map_err(|e| self.fail(e.to_string()))?,
                };
                let stepped = catch("the step", || step(data)).and_then(|stepped| stepped);
                self.data = Some(stepped.map_err(|problem| self.fail(problem))?);
            }
            self.version += 1;
        }
        Ok(())
    }

    /// Whoever gave it another name began to count that name's versions anew.
    fn rename(&mut self, to: EventType) {
        self.event.event_type = to;
        self.version = 1;
    }

    fn recorded_as(mut self, recorded: &Recorded) -> Result<Recorded, UpcastError> {
        if let Some(data) = self.data.take() {
            self.event.data = serde_json::to_vec(&data).map_err(|e| self.fail(e.to_string()))?.into();
        }
        self.event.metadata.schema_version = self.version;
        let (position, revision) = (recorded.position(), recorded.revision());
        Ok(Recorded::assemble(recorded.stream(), &self.event, position, revision, recorded.recorded_at()))
    }
}
