//! What a process manager sets off.

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tradewind_events::Timestamp;

use crate::{Acknowledged, Command, CommandContext, CommandError, Commands};

/// A command to give, or a timer to set or cancel.
pub enum Effect {
    /// A command to an entity.
    Command(Box<dyn Issue>),
    /// A timer of the instance; setting it again moves it.
    SetTimer {
        /// Its name within the instance.
        name: String,
        /// When it runs out.
        due: Timestamp,
    },
    /// The timer does not run out any more.
    CancelTimer {
        /// Its name within the instance.
        name: String,
    },
}

impl Effect {
    /// Gives a command to the entity `id`.
    pub fn command(id: impl Into<String>, command: impl Command) -> Self {
        Self::Command(Box::new(ToEntity { id: id.into(), command }))
    }

    /// Sets a timer.
    pub fn timer(name: impl Into<String>, due: Timestamp) -> Self {
        Self::SetTimer { name: name.into(), due }
    }

    /// Cancels a timer.
    pub fn cancel(name: impl Into<String>) -> Self {
        Self::CancelTimer { name: name.into() }
    }
}

/// A command of any kind, together with the entity that it is for.
pub trait Issue: Send + Sync {
    /// Gives it.
    fn issue<'a>(
        &'a self,
        commands: &'a Commands,
        context: &'a CommandContext,
    ) -> BoxFuture<'a, Result<Acknowledged, CommandError>>;
}

struct ToEntity<C> {
    id: String,
    command: C,
}

impl<C: Command> Issue for ToEntity<C> {
    fn issue<'a>(
        &'a self,
        commands: &'a Commands,
        context: &'a CommandContext,
    ) -> BoxFuture<'a, Result<Acknowledged, CommandError>> {
        commands.handle(&self.id, &self.command, context).boxed()
    }
}
