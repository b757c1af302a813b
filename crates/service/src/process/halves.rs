//! The two halves of a process manager: from what happens to what it records, and from there to what it sets off.

use std::borrow::Cow;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tradewind_events::{Recorded, Timestamp};

use super::{Effect, OwnEvent, ProcessManager};
use crate::context::{BACKDATED, internal_key};
use crate::reaction::{Issuer, ReactionError, Reactor, Timer, TimerChange};
use crate::{Command, CommandContext, Commands, DomainEvent, Rejection};

/// From events to the process manager's own stream.
pub(crate) struct InputHalf<P> {
    pub(crate) process: Arc<P>,
    pub(crate) commands: Commands,
}

/// From its own stream to commands and timers.
pub(crate) struct EffectHalf<P> {
    pub(crate) process: Arc<P>,
    pub(crate) commands: Commands,
}

/// What is recorded in an instance's stream, as a command, so that conflicts and repetitions are taken care of.
pub(super) struct Record<P, F> {
    process: Arc<P>,
    name: &'static str,
    decide: F,
    failure: Mutex<Option<ReactionError>>,
}

impl<P, F> Record<P, F>
where
    P: ProcessManager,
    F: Fn(&P, &P::State) -> Result<Vec<OwnEvent<P>>, ReactionError> + Send + Sync + 'static,
{
    pub(super) fn new(process: &Arc<P>, decide: F) -> Self {
        Self { process: process.clone(), name: process.name(), decide, failure: Mutex::default() }
    }

    pub(super) async fn give(
        self,
        commands: &Commands,
        instance: &str,
        context: &CommandContext,
    ) -> Result<(), ReactionError> {
        let outcome = commands.handle(instance, &self, context).await;
        if let Some(failure) = self.failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
            return Err(failure);
        }
        outcome.map(drop).map_err(ReactionError::from)
    }
}

impl<P, F> Command for Record<P, F>
where
    P: ProcessManager,
    F: Fn(&P, &P::State) -> Result<Vec<OwnEvent<P>>, ReactionError> + Send + Sync + 'static,
{
    type Entity = P::State;

    fn decide(&self, state: &P::State, _at: Timestamp) -> Result<Vec<OwnEvent<P>>, Rejection> {
        (self.decide)(&self.process, state).map_err(|error| {
            let rejection = Rejection::new("unreadable-event", error.to_string());
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
            rejection
        })
    }

    fn name(&self) -> &'static str {
        self.name
    }
}

impl<P: ProcessManager> Reactor for InputHalf<P> {
    /// An instance hears what it listens to in the order in which it happened, from whatever streams it comes.
    fn lane<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        self.process.instance(event).map_or_else(|| Cow::Borrowed(event.stream()), Cow::Owned)
    }

    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>> {
        async move {
            let Some(instance) = self.process.instance(event) else { return Ok(Vec::new()) };
            let key = internal_key(format_args!("{}/{}", self.process.name(), event.id()));
            let context = CommandContext::caused_by(event, key);
            let heard = event.clone();
            let record = Record::new(&self.process, move |process: &P, state| process.on_event(state, &heard));
            record.give(&self.commands, &instance, &context).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}

impl<P: ProcessManager> Reactor for EffectHalf<P> {
    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>> {
        self.set_off(event).boxed()
    }
}

impl<P: ProcessManager> EffectHalf<P> {
    async fn set_off(&self, event: &Recorded) -> Result<Vec<TimerChange>, ReactionError> {
        let instance = event.entity_id();
        let Some(own) = OwnEvent::<P>::decode(event.event_type(), event.data())? else { return Ok(Vec::new()) };
        let issuer = Issuer::new(self.commands.clone(), self.process.name(), event);
        let mut changes = Vec::new();
        for effect in self.process.effects(instance, &own, event.time()) {
            match effect {
                Effect::Command(command) => {
                    let context = issuer.next_context();
                    match command.issue(issuer.commands(), &context).await {
                        Ok(_) => {}
                        Err(error) => self.rejected(instance, error.into_rejection()?, &context).await?,
                    }
                }
                Effect::SetTimer { name, due } => changes.push(TimerChange::Set(set_by(event, name, due))),
                Effect::CancelTimer { name } => {
                    changes.push(TimerChange::Cancel { process: instance.to_owned(), name });
                }
            }
        }
        Ok(changes)
    }

    async fn rejected(&self, instance: &str, no: Rejection, command: &CommandContext) -> Result<(), ReactionError> {
        let mut context = command.clone();
        if let Some(key) = &mut context.key {
            key.key.push_str("/rejected");
        }
        tracing::debug!(process = self.process.name(), instance, reason = no.reason, "a command was rejected");
        let record = Record::new(&self.process, move |process: &P, state| Ok(process.on_rejected(state, &no)));
        record.give(&self.commands, instance, &context).await
    }
}

fn set_by(event: &Recorded, name: String, due: Timestamp) -> Timer {
    let metadata = event.metadata().unwrap_or_default();
    Timer {
        process: event.entity_id().to_owned(),
        name,
        due,
        cause: event.id().to_string(),
        backdated: metadata.extensions.contains_key(BACKDATED),
        correlation: metadata.correlation_id,
    }
}
