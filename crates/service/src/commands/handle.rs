//! One command, from its arrival to its acknowledgement.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tradewind_events::{
    Append, AppendCondition, AppendError, Event, ExpectedRevision, Position, Revision, StreamId, Timestamp,
};

use super::load::Loaded;
use super::metrics::CommandLabels;
use super::record::{changed_nothing, to_events};
use super::{Acknowledged, CommandError, Commands};
use crate::{Command, CommandContext, Entity, stream_of};

/// An entity, and whether it comes from memory and may therefore be older than the store's.
pub(super) struct Candidate<E> {
    pub(super) loaded: Arc<Loaded<E>>,
    pub(super) remembered: bool,
}

/// What one attempt came to.
enum Attempt {
    Done(Acknowledged),
    Conflict,
}

impl Commands {
    /// Handles a command on the entity `id`.
    ///
    /// # Errors
    /// [`CommandError`] says why it was not acknowledged, and whether giving it again may help.
    pub async fn handle<C: Command>(
        &self,
        id: &str,
        command: &C,
        context: &CommandContext,
    ) -> Result<Acknowledged, CommandError> {
        let started = Instant::now();
        let answer = self.try_until_settled::<C::Entity>(id, command, context).await;
        self.observe(command.name(), answer.as_ref().map_err(CommandError::outcome), started);
        answer
    }

    /// Tells the metrics how long a command took, and what came of it.
    pub(super) fn observe(&self, command: &'static str, answer: Result<&Acknowledged, &'static str>, started: Instant) {
        let outcome = match answer {
            Ok(done) if done.duplicate => "duplicate",
            Ok(_) => "done",
            Err(outcome) => outcome,
        };
        let labels = CommandLabels { command, outcome };
        self.inner.metrics.duration.get_or_create(&labels).observe(started.elapsed().as_secs_f64());
    }

    // Of commands on one entity, all that is below is compiled once.
    async fn try_until_settled<E: Entity>(
        &self,
        id: &str,
        command: &dyn Command<Entity = E>,
        context: &CommandContext,
    ) -> Result<Acknowledged, CommandError> {
        let stream = stream_of::<E>(id)?;
        let at = context.at.unwrap_or_else(|| self.inner.loader.clock.now());
        if let Attempt::Done(answer) = self.attempt(&stream, command, context, at, false).await? {
            return Ok(answer);
        }
        let _turn = self.inner.contended[self.queue_of(&stream)].lock().await;
        for retry in 0..self.inner.options.retries_max {
            if let Attempt::Done(answer) = self.attempt(&stream, command, context, at, true).await? {
                return Ok(answer);
            }
            tokio::time::sleep(pause(retry)).await;
        }
        Err(CommandError::Contention { attempts: self.inner.options.retries_max + 1 })
    }

    /// Where writers to a stream queue that have met a conflict.
    pub(super) fn queue_of(&self, stream: &StreamId) -> usize {
        RandomState::hash_one(&FIXED, stream) as usize % self.inner.contended.len()
    }

    async fn attempt<E: Entity>(
        &self,
        stream: &StreamId,
        command: &dyn Command<Entity = E>,
        context: &CommandContext,
        at: Timestamp,
        refresh: bool,
    ) -> Result<Attempt, CommandError> {
        let mut candidate = self.candidate::<E>(stream).await?;
        if refresh {
            self.refresh(stream, &mut candidate).await?;
        }
        loop {
            match command.decide(&candidate.loaded.state, at) {
                Ok(events) if !events.is_empty() => {
                    return self.append(stream, command, context, at, &candidate.loaded, &events).await;
                }
                // What memory refuses may be granted by what has happened since.
                _ if candidate.remembered && self.refresh(stream, &mut candidate).await? => {}
                Ok(_) if context.key.is_some() => {
                    return self.append_nothing(stream, command, context, at, &candidate.loaded).await;
                }
                Ok(_) => {
                    let Loaded { position, revision, .. } = *candidate.loaded;
                    return Ok(Attempt::Done(Acknowledged { position, revision, duplicate: false }));
                }
                Err(rejection) => {
                    // It may be refused only because it has been granted before.
                    return match self.find_repeated(stream, context).await? {
                        Some(answer) => Ok(Attempt::Done(answer)),
                        None => Err(rejection.into()),
                    };
                }
            }
        }
    }

    pub(super) async fn candidate<E: Entity>(&self, stream: &StreamId) -> Result<Candidate<E>, CommandError> {
        if let Some(loaded) = self.inner.cache.get::<E>(stream) {
            return Ok(Candidate { loaded, remembered: true });
        }
        let loaded = Arc::new(self.inner.loader.load::<E>(stream).await?);
        Ok(Candidate { loaded, remembered: false })
    }

    /// Brings an entity up to the store's; tells whether it was behind.
    pub(super) async fn refresh<E: Entity>(
        &self,
        stream: &StreamId,
        candidate: &mut Candidate<E>,
    ) -> Result<bool, CommandError> {
        let mut loaded = Loaded::clone(&candidate.loaded);
        let behind = self.inner.loader.catch_up(stream, &mut loaded).await?;
        if behind {
            candidate.loaded = Arc::new(loaded);
            self.inner.cache.put(stream, candidate.loaded.clone());
        }
        candidate.remembered = false;
        Ok(behind)
    }

    async fn append<E: Entity>(
        &self,
        stream: &StreamId,
        command: &dyn Command<Entity = E>,
        context: &CommandContext,
        at: Timestamp,
        loaded: &Loaded<E>,
        events: &[E::Event],
    ) -> Result<Attempt, CommandError> {
        let condition = command.condition().map(|AppendCondition { fail_if, after }| {
            let fail_if = self.inner.loader.upcasters.widen(fail_if);
            AppendCondition { fail_if, after }
        });
        let recorded = to_events(command, events, context, at)?;
        self.append_events(stream, context, loaded, events, (recorded, condition)).await
    }

    /// Remembers that the command changed nothing, so that it changes nothing when it comes again either.
    async fn append_nothing<E: Entity>(
        &self,
        stream: &StreamId,
        command: &dyn Command<Entity = E>,
        context: &CommandContext,
        at: Timestamp,
        loaded: &Loaded<E>,
    ) -> Result<Attempt, CommandError> {
        let nothing = changed_nothing(command.name(), context, at)?;
        self.append_events(stream, context, loaded, &[], (vec![nothing], None)).await
    }

    async fn append_events<E: Entity>(
        &self,
        stream: &StreamId,
        context: &CommandContext,
        loaded: &Loaded<E>,
        events: &[E::Event],
        (recorded, condition): (Vec<Event>, Option<AppendCondition>),
    ) -> Result<Attempt, CommandError> {
        let expected = ExpectedRevision::seen(loaded.revision);
        let append = Append { condition, ..Append::to(stream.clone(), expected, recorded) };
        match self.inner.loader.store.append(append).await {
            Ok(answer) if answer.duplicate => {
                self.check_fingerprint(&answer, context).await?;
                Ok(Attempt::Done(self.acknowledge_repeated(&answer)))
            }
            Ok(answer) => {
                let (revision, position) = (answer.revisions.first().copied().flatten(), answer.last);
                self.remember(stream, loaded, events, (revision, position));
                Ok(Attempt::Done(Acknowledged { position, revision, duplicate: false }))
            }
            Err(AppendError::WrongRevision { .. }) => {
                self.inner.metrics.conflicts.inc();
                Ok(Attempt::Conflict)
            }
            Err(AppendError::ConditionFailed { position }) => {
                self.inner.metrics.conflicts.inc();
                match self.find_repeated(stream, context).await? {
                    Some(answer) => Ok(Attempt::Done(answer)),
                    None => Err(CommandError::ConditionFailed { position }),
                }
            }
            Err(AppendError::IdReused { position, .. }) => match self.find_at(position, stream, context).await? {
                Some(answer) => Ok(Attempt::Done(answer)),
                None => Err(CommandError::KeyReused),
            },
            Err(error) => Err(CommandError::Append(error)),
        }
    }

    /// Keeps the entity as the new events make it, in memory and now and then as a snapshot.
    pub(super) fn remember<E: Entity>(
        &self,
        stream: &StreamId,
        before: &Loaded<E>,
        events: &[E::Event],
        (revision, position): (Option<Revision>, Position),
    ) {
        let mut after = before.clone();
        events.iter().for_each(|event| after.state.evolve(event));
        (after.revision, after.position) = (revision, position);
        let after = Arc::new(after);
        self.inner.cache.put(stream, after.clone());
        if crosses(before.revision, revision, self.inner.options.snapshot_every_events) {
            self.take_snapshot(stream.clone(), after);
        }
    }

    /// Off the path of the request; given up if too many are under way, since a later one does as well.
    fn take_snapshot<E: Entity>(&self, stream: StreamId, entity: Arc<Loaded<E>>) {
        let Ok(permit) = self.inner.snapshots_in_flight.clone().try_acquire_owned() else { return };
        let (store, metrics) = (self.inner.loader.store.clone(), self.inner.metrics.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let Some(snapshot) = entity.snapshot(&stream) else { return };
            match store.save_snapshot(snapshot).await {
                Ok(()) => _ = metrics.snapshots.inc(),
                Err(error) => tracing::warn!(%stream, %error, "failed to save a snapshot; it is not needed"),
            }
        });
    }
}

static FIXED: std::sync::LazyLock<RandomState> = std::sync::LazyLock::new(RandomState::new);

/// Whether a multiple of `every` events was reached between two revisions.
fn crosses(before: Option<Revision>, after: Option<Revision>, every: u64) -> bool {
    let count = |revision: Option<Revision>| revision.map_or(0, |revision| revision.0 + 1);
    every > 0 && count(before) / every != count(after) / every
}

/// A random pause that grows from retry to retry, up to 64 ms.
pub(super) fn pause(retry: u32) -> Duration {
    let limit_us = 500_u64 << retry.min(7);
    Duration::from_micros(RandomState::new().hash_one(retry) % limit_us)
}
