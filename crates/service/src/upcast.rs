//! Reading what older versions wrote: steps from one version of an event's JSON to the next.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use serde_json::Value;
use tradewind_events::{EventType, NameError, Recorded};

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

    /// What was recorded as `old` is read as `new`, after all steps of `old`.
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

    /// The event in today's shape; itself, if its type has never changed.
    ///
    /// # Errors
    /// [`UpcastError`] if its JSON is not what a step expects.
    pub fn upcast(&self, event: Recorded) -> Result<Recorded, UpcastError> {
        let history = {
            let all = self.by_type.read().unwrap_or_else(PoisonError::into_inner);
            match all.get(event.event_type()) {
                Some(history) => history.clone(),
                None => return Ok(event),
            }
        };
        history.apply(&event)
    }

    /// The same for many, in order.
    ///
    /// # Errors
    /// The first [`UpcastError`].
    pub fn upcast_all(&self, events: Vec<Recorded>) -> Result<Vec<Recorded>, UpcastError> {
        events.into_iter().map(|event| self.upcast(event)).collect()
    }
}

impl History {
    fn apply(&self, event: &Recorded) -> Result<Recorded, UpcastError> {
        let fail =
            |version: u16, problem: String| UpcastError { event_type: event.event_type().to_owned(), version, problem };
        let metadata = event.metadata().map_err(|e| fail(0, e.to_string()))?;
        let mut version = metadata.schema_version.max(1);
        let mut today = event.to_event().ok_or_else(|| fail(version, "its names are invalid".to_owned()))?;
        if usize::from(version) <= self.steps.len() {
            let mut data: Value = event.parse().map_err(|e| fail(version, e.to_string()))?;
            while let Some(step) = self.steps.get(usize::from(version) - 1) {
                if let Some(step) = step {
                    data = step(data).map_err(|problem| fail(version, problem))?;
                }
                version += 1;
            }
            today.data = serde_json::to_vec(&data).map_err(|e| fail(version, e.to_string()))?.into();
            today.metadata.schema_version = version;
        }
        if let Some(renamed) = &self.renamed {
            today.event_type = renamed.clone();
        }
        Ok(Recorded::assemble(event.stream(), &today, event.position(), event.revision(), event.recorded_at()))
    }
}
