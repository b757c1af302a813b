//! Process managers: what coordinates others over time. One is an entity with a stream of its own. Events and
//! timers make it record events; what it has recorded makes it give commands and set timers. All three steps may be
//! repeated after a crash and then come to the same, since everything is named after its cause and remembered under
//! that name: also that an event or a timer made it record nothing, and that one of its commands was refused.

mod effect;
mod halves;
mod timers;

use std::sync::Arc;

use tradewind_events::{EventSource, Query, Recorded, Timestamp};

use crate::{Entity, ReactionError, Rejection, StartFrom};

pub use effect::{Effect, Issue};
pub(crate) use halves::{EffectHalf, InputHalf};
pub(crate) use timers::{Pauses, TimerRunner};

/// The events of a process manager's own stream.
pub type OwnEvent<P> = <<P as ProcessManager>::State as Entity>::Event;

/// Another source to which a process manager listens.
pub struct AlsoHears {
    /// The name of this listening, which is also its checkpoint's: lower-case letters, digits and dashes. Renaming it
    /// makes the process manager hear all of it again.
    pub name: &'static str,
    /// The source.
    pub source: Arc<dyn EventSource>,
    /// Where in it it begins, if it has not begun before.
    pub from: StartFrom,
    /// Which of its events.
    pub query: Query,
}

/// The rules of a process manager; all of them are pure.
pub trait ProcessManager: Send + Sync + 'static {
    /// What it remembers of one instance: an entity, with a category that nothing else uses.
    type State: Entity;

    /// Its name, which is also its checkpoints': lower-case letters, digits and dashes.
    fn name(&self) -> &'static str;

    /// Which events it listens to.
    fn query(&self) -> Query;

    /// Which instance an event concerns; none, if it concerns nobody. Events of one instance are heard one after the
    /// other, in the order of the source, also if they are of different streams.
    fn instance(&self, event: &Recorded) -> Option<String>;

    /// What it records when one of the events that it listens to has happened. That it was nothing is noted in its
    /// stream; for events that concern nobody, [`instance`](Self::instance) spares the note.
    ///
    /// # Errors
    /// [`ReactionError`] if the event cannot be read.
    fn on_event(&self, state: &Self::State, event: &Recorded) -> Result<Vec<OwnEvent<Self>>, ReactionError>
    where
        Self: Sized;

    /// What follows from something that it has recorded, at `at`: commands and timers.
    fn effects(&self, instance: &str, event: &OwnEvent<Self>, at: Timestamp) -> Vec<Effect>
    where
        Self: Sized;

    /// What it records when a timer has run out.
    fn on_timer(&self, state: &Self::State, timer: &str) -> Vec<OwnEvent<Self>>
    where
        Self: Sized,
    {
        let _ = (state, timer);
        Vec::new()
    }

    /// What it records when the rules said no to one of its commands, or the command's condition failed (its reason
    /// is then `condition-failed`).
    fn on_rejected(&self, state: &Self::State, rejection: &Rejection) -> Vec<OwnEvent<Self>>
    where
        Self: Sized,
    {
        let _ = (state, rejection);
        Vec::new()
    }
}
