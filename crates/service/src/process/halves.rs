//! The two halves of a process manager: from what happens to what it records, and from there to what it sets off.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tradewind_events::{EventId, Recorded, StreamId, Timestamp};

use super::{Effect, Issue, OwnEvent, ProcessManager};
use crate::context::{BACKDATED, SETTLED_BY, internal_key};
use crate::reaction::{Issuer, ReactionError, Reactor, Timer, TimerChange};
use crate::{Command, CommandContext, CommandError, Commands, DomainEvent, IdempotencyKey, Rejection};

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
    fn name(&self) -> &str {
        self.process.name()
    }

    /// An instance hears what it listens to in the order in which it happened, from whatever streams it comes.
    fn lane<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        self.process.instance(event).map_or_else(|| Cow::Borrowed(event.stream()), Cow::Owned)
    }

    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>> {
        async move {
            let Some(instance) = self.process.instance(event) else { return Ok(Vec::new()) };
            if self.has_settled(event) {
                return Ok(Vec::new());
            }
            let key = internal_key(format_args!("{}/{}", self.process.name(), event.id()));
            let context = CommandContext::caused_by(event, key).traced_by(self.process.name());
            let heard = event.clone();
            let record = Record::new(&self.process, move |process: &P, state| process.on_event(state, &heard));
            record.give(&self.commands, &instance, &context).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}

impl<P: ProcessManager> InputHalf<P> {
    /// Whether the process manager itself asked for this event, and has recorded all that follows from it.
    fn has_settled(&self, event: &Recorded) -> bool {
        let metadata = event.metadata().unwrap_or_default();
        metadata.extensions.get(SETTLED_BY).is_some_and(|name| name == self.process.name())
    }
}

impl<P: ProcessManager> Reactor for EffectHalf<P> {
    fn name(&self) -> &str {
        self.process.name()
    }

    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>> {
        self.set_off(event).boxed()
    }
}

impl<P: ProcessManager> EffectHalf<P> {
    async fn set_off(&self, event: &Recorded) -> Result<Vec<TimerChange>, ReactionError> {
        let instance = event.entity_id();
        let Some(own) = OwnEvent::<P>::decode(event.event_type(), event.data())? else { return Ok(Vec::new()) };
        let issuer = Issuer::new(self.commands.clone(), self.process.name(), event);
        let (mut changes, mut known) = (Vec::new(), None);
        for effect in self.process.effects(instance, &own, event.time()) {
            match effect {
                Effect::Command(command) => {
                    let known = match &mut known {
                        Some(known) => known,
                        unread => unread.insert(self.recorded_since(event).await?),
                    };
                    self.give(&*command, &issuer.next_context(), instance, known).await?;
                }
                Effect::SetTimer { name, due } => changes.push(TimerChange::Set(set_by(event, name, due))),
                Effect::CancelTimer { name } => {
                    changes.push(TimerChange::Cancel { process: instance.to_owned(), name });
                }
            }
        }
        Ok(changes)
    }

    /// By this a command is known that was refused when the event was met before: the refusal was recorded, perhaps
    /// acted upon, and holds, though the rules might grant the command today.
    async fn recorded_since(&self, event: &Recorded) -> Result<HashSet<EventId>, ReactionError> {
        let stream = StreamId::new(event.stream()).map_err(|error| ReactionError::Poison(error.to_string()))?;
        let ids = self.commands.ids_after(&stream, event.revision()).await;
        Ok(ids.map_err(CommandError::from)?)
    }

    async fn give(
        &self,
        command: &dyn Issue,
        context: &CommandContext,
        instance: &str,
        known: &HashSet<EventId>,
    ) -> Result<(), ReactionError> {
        let refusal = CommandContext { key: context.key.as_ref().map(refusal_of), ..context.clone() };
        if refusal.key.as_ref().is_some_and(|key| known.contains(&key.event_id(0))) {
            return Ok(());
        }
        match command.issue(&self.commands, context).await {
            Ok(_) => Ok(()),
            Err(error) => self.rejected(instance, error.into_rejection()?, &refusal).await,
        }
    }

    async fn rejected(&self, instance: &str, no: Rejection, context: &CommandContext) -> Result<(), ReactionError> {
        tracing::debug!(process = self.process.name(), instance, reason = no.reason, "a command was rejected");
        let record = Record::new(&self.process, move |process: &P, state| Ok(process.on_rejected(state, &no)));
        record.give(&self.commands, instance, context).await
    }
}

/// The key under which it is recorded that the command with `key` was refused.
fn refusal_of(key: &IdempotencyKey) -> IdempotencyKey {
    IdempotencyKey { key: format!("{}/rejected", key.key), fingerprint: None }
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
        traceparent: metadata.traceparent,
        tracestate: metadata.tracestate,
    }
}
