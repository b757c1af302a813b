//! Commands: what somebody wants of an entity, and the rules that say whether it happens.

use tradewind_events::{AppendCondition, Timestamp};

use crate::Entity;

/// A wish. Its rules are pure: they see the entity's state and the time, and answer with what happens, or why not.
pub trait Command: Send + Sync + 'static {
    /// Whom it concerns.
    type Entity: Entity;

    /// What happens if the wish is granted; nothing, if the entity is already as wished. Of a command with a key, it
    /// is then noted in the entity's stream that it changed nothing, so that giving it again changes nothing either.
    ///
    /// # Errors
    /// [`Rejection`] is an answer, not a failure: the rules say no.
    fn decide(&self, entity: &Self::Entity, at: Timestamp) -> Result<Vec<<Self::Entity as Entity>::Event>, Rejection>;

    /// A rule that spans entities: events that must not have been recorded. If they have, the command is answered
    /// with a conflict and not tried again, since who asked must look again first.
    fn condition(&self) -> Option<AppendCondition> {
        None
    }

    /// When one of its events happened: at the command's own time `at`, unless the command brings in a whole stretch of
    /// the past, in which one thing followed another.
    fn time_of(&self, event: &<Self::Entity as Entity>::Event, at: Timestamp) -> Timestamp {
        let _ = event;
        at
    }

    /// The process manager that has recorded already all that follows from the events, and so is not told of them; by
    /// its name. For a process manager that asks for several steps at once: it would else have to note of each that it
    /// has nothing more to do about it.
    fn settled_by(&self) -> Option<&'static str> {
        None
    }

    /// The command's name in metrics and logs: the type's own, unless told otherwise.
    fn name(&self) -> &'static str {
        short_type_name::<Self>()
    }
}

/// What the events of a command's entity are.
pub type EventOf<C> = <<C as Command>::Entity as Entity>::Event;

/// The rules said no.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Rejection {
    /// Which rule, as a stable word for programs: `order-already-shipped`.
    pub reason: &'static str,
    /// The same for people.
    pub message: String,
}

impl Rejection {
    /// A rejection by the rule `reason`.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// A type's name without its modules.
pub(crate) fn short_type_name<T: ?Sized>() -> &'static str {
    let name = std::any::type_name::<T>();
    let bare = name.split('<').next().unwrap_or(name);
    bare.rsplit("::").next().unwrap_or(bare)
}

/// What a command would record on an entity that has seen `history`: the rules alone, for tests and simulations.
///
/// # Errors
/// [`Rejection`] if the rules say no.
pub fn decide_after<C: Command>(
    history: &[EventOf<C>],
    command: &C,
    at: Timestamp,
) -> Result<Vec<EventOf<C>>, Rejection> {
    let mut entity = C::Entity::default();
    for event in history {
        entity.evolve(event);
    }
    command.decide(&entity, at)
}
