//! Commands on several entities that take effect together or not at all: one append to all their streams.

use std::collections::BTreeSet;
use std::time::Instant;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::future::try_join_all;
use tradewind_events::{
    Append, AppendCondition, AppendError, ExpectedRevision, NameError, Position, Revision, StreamAppend, StreamId,
    Timestamp,
};

use super::handle::pause;
use super::record::{changed_nothing, to_events};
use super::{Acknowledged, CommandError, Commands};
use crate::{Command, CommandContext, Rejection, stream_of};

/// Commands on several entities, each at most once. The rules of each see its own entity, and one that says no holds
/// all of them back: so what spans entities, such as goods that are set aside for all lines of an order, is never half
/// done. The first command stands for all of them: by it they are recognised when they come again, so it should be one
/// that records something.
///
/// Many small entities that seldom meet are what this is for: whoever changes one of them at the same moment makes all of
/// it be decided again.
#[derive(Default)]
pub struct Together {
    parts: Vec<Box<dyn Part>>,
}

/// One of the commands was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Which, counted from 0 in the order in which they were added.
    pub index: usize,
    /// Why.
    pub rejection: Rejection,
}

/// Why none of the commands took effect.
#[derive(Debug, thiserror::Error)]
pub enum TogetherError {
    /// The rules of some of them said no: all who did.
    #[error("{}", .0.iter().map(|refused| refused.rejection.message.as_str()).collect::<Vec<_>>().join("; "))]
    Rejected(Vec<Refused>),
    /// As for a single command.
    #[error(transparent)]
    Command(#[from] CommandError),
}

impl TogetherError {
    fn outcome(&self) -> &'static str {
        match self {
            Self::Rejected(_) => "rejected",
            Self::Command(error) => error.outcome(),
        }
    }
}

impl Together {
    /// The most commands: as many streams as a store takes in one append without complaint.
    pub const COMMANDS_MAX: usize = 1_024;

    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// One more, on the entity `id`.
    #[must_use]
    pub fn and<C: Command>(mut self, id: impl Into<String>, command: C) -> Self {
        self.parts.push(Box::new(OnEntity { id: id.into(), command }));
        self
    }
}

impl Commands {
    /// Handles commands on several entities: all take effect, or none. The ids of their events follow from the key of
    /// the context and each command's place. The answer's revision is that of the first entity.
    ///
    /// At most one of them may have a [`Command::condition`].
    ///
    /// # Errors
    /// [`TogetherError`] says which were refused, or as for a single command why they were not acknowledged.
    pub async fn handle_together(
        &self,
        commands: &Together,
        context: &CommandContext,
    ) -> Result<Acknowledged, TogetherError> {
        let started = Instant::now();
        let answer = self.try_together(commands, context).await;
        if let Some(first) = commands.parts.first() {
            self.observe(first.name(), answer.as_ref().map_err(TogetherError::outcome), started);
        }
        answer
    }

    async fn try_together(&self, commands: &Together, context: &CommandContext) -> Result<Acknowledged, TogetherError> {
        if !(1..=Together::COMMANDS_MAX).contains(&commands.parts.len()) {
            let problem = format!("{} commands together; 1 to {} can be", commands.parts.len(), Together::COMMANDS_MAX);
            return Err(CommandError::Append(AppendError::Invalid(problem)).into());
        }
        let streams = commands.parts.iter().map(|part| part.stream()).collect::<Result<Vec<_>, _>>();
        let streams = streams.map_err(CommandError::from)?;
        let at = context.at.unwrap_or_else(|| self.inner.loader.clock.now());
        let all = All { parts: &commands.parts, streams: &streams, context, at };
        if let Some(answer) = self.attempt_together(&all, false).await? {
            return Ok(answer);
        }
        // In the order of the queues, so that nobody waits for somebody who waits for them.
        let queues: BTreeSet<usize> = streams.iter().map(|stream| self.queue_of(stream)).collect();
        let mut turns = Vec::with_capacity(queues.len());
        for queue in queues {
            turns.push(self.inner.contended[queue].lock().await);
        }
        for retry in 0..self.inner.options.retries_max {
            if let Some(answer) = self.attempt_together(&all, true).await? {
                return Ok(answer);
            }
            tokio::time::sleep(pause(retry)).await;
        }
        Err(CommandError::Contention { attempts: self.inner.options.retries_max + 1 }.into())
    }

    /// One attempt; nothing, if another writer came first.
    async fn attempt_together(&self, all: &All<'_>, refresh: bool) -> Result<Option<Acknowledged>, TogetherError> {
        let mut decided = self.decide_all(all, refresh).await?;
        // What memory refuses, or has already, may be otherwise by what has happened since.
        let is_refused = decided.iter().any(|part| part.append.is_err());
        let is_nothing = decided.iter().all(|part| part.append.as_ref().is_ok_and(|append| append.events.is_empty()));
        if (is_refused || is_nothing) && decided.iter().any(|part| part.remembered) {
            decided = self.decide_all(all, true).await?;
        }
        let (mut streams, mut refused, mut condition, mut keep) = (Vec::new(), Vec::new(), None, Vec::new());
        for (index, part) in decided.into_iter().enumerate() {
            match part.append {
                Ok(append) => streams.push(append),
                Err(rejection) => refused.push(Refused { index, rejection }),
            }
            if let Some(one) = part.condition
                && condition.replace(one).is_some()
            {
                let problem = "two of the commands have conditions of their own".to_owned();
                return Err(CommandError::Append(AppendError::Invalid(problem)).into());
            }
            keep.push(part.keep);
        }
        let counts: Vec<u64> = streams.iter().map(|stream: &StreamAppend| stream.events.len() as u64).collect();
        let (first, context) = (&all.streams[0], context_of(all.context, 0));
        if !refused.is_empty() {
            // They may be refused only because they have been granted before.
            let repeated = self.find_repeated(first, &context).await?;
            return repeated.map(Some).ok_or(TogetherError::Rejected(refused));
        }
        if streams.iter().all(|stream| stream.events.is_empty()) && context.key.is_some() {
            streams[0].events.push(changed_nothing(all.parts[0].name(), &context, all.at)?);
        }
        match self.inner.loader.store.append(Append { streams, condition }).await {
            Ok(answer) if answer.duplicate => {
                self.check_fingerprint(&answer, &context).await?;
                Ok(Some(self.acknowledge_repeated(&answer)))
            }
            Ok(answer) => {
                let mut end = answer.first.0;
                for ((keep, count), revision) in keep.into_iter().zip(counts).zip(&answer.revisions) {
                    end += count;
                    keep(self, *revision, Position(end.saturating_sub(1)));
                }
                let revision = answer.revisions.first().copied().flatten();
                Ok(Some(Acknowledged { position: answer.last, revision, duplicate: false }))
            }
            Err(AppendError::WrongRevision { .. }) => {
                self.inner.metrics.conflicts.inc();
                Ok(None)
            }
            Err(AppendError::ConditionFailed { position }) => {
                self.inner.metrics.conflicts.inc();
                let repeated = self.find_repeated(first, &context).await?;
                repeated.map(Some).ok_or_else(|| CommandError::ConditionFailed { position }.into())
            }
            Err(AppendError::IdReused { .. }) => {
                let repeated = self.find_repeated(first, &context).await?;
                repeated.map(Some).ok_or_else(|| CommandError::KeyReused.into())
            }
            Err(error) => Err(CommandError::Append(error).into()),
        }
    }

    async fn decide_all(&self, all: &All<'_>, refresh: bool) -> Result<Vec<Decided>, CommandError> {
        let mut work = Vec::with_capacity(all.parts.len());
        for (index, part) in all.parts.iter().enumerate() {
            work.push(part.decide(self, &all.streams[index], refresh, context_of(all.context, index), all.at));
        }
        try_join_all(work).await
    }
}

/// What an attempt goes by.
struct All<'a> {
    parts: &'a [Box<dyn Part>],
    streams: &'a [StreamId],
    context: &'a CommandContext,
    at: Timestamp,
}

/// The context of the command at a place.
fn context_of(context: &CommandContext, index: usize) -> CommandContext {
    let mut context = context.clone();
    if let Some(key) = &mut context.key {
        key.key = format!("{}/{index}", key.key);
    }
    context
}

/// A command of any kind, together with the entity that it is for.
trait Part: Send + Sync {
    fn name(&self) -> &'static str;

    fn stream(&self) -> Result<StreamId, NameError>;

    /// Loads the entity and asks its rules; `refresh` if what memory has of it is not enough.
    fn decide<'a>(
        &'a self,
        commands: &'a Commands,
        stream: &'a StreamId,
        refresh: bool,
        context: CommandContext,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Decided, CommandError>>;
}

/// What the rules of one command said.
struct Decided {
    /// Whether the entity came from memory and may be older than the store's.
    remembered: bool,
    append: Result<StreamAppend, Rejection>,
    condition: Option<AppendCondition>,
    /// Keeps the entity in memory when all of it is recorded.
    keep: Keep,
}

type Keep = Box<dyn FnOnce(&Commands, Option<Revision>, Position) + Send>;

struct OnEntity<C> {
    id: String,
    command: C,
}

impl<C: Command> Part for OnEntity<C> {
    fn name(&self) -> &'static str {
        self.command.name()
    }

    fn stream(&self) -> Result<StreamId, NameError> {
        stream_of::<C::Entity>(&self.id)
    }

    fn decide<'a>(
        &'a self,
        commands: &'a Commands,
        stream: &'a StreamId,
        refresh: bool,
        context: CommandContext,
        at: Timestamp,
    ) -> BoxFuture<'a, Result<Decided, CommandError>> {
        async move {
            let mut candidate = commands.candidate::<C::Entity>(stream).await?;
            if refresh {
                commands.refresh(stream, &mut candidate).await?;
            }
            let (loaded, remembered) = (candidate.loaded, candidate.remembered);
            let events = match self.command.decide(&loaded.state, at) {
                Ok(events) => events,
                Err(rejection) => {
                    let keep = Box::new(|_: &Commands, _, _| {});
                    return Ok(Decided { remembered, append: Err(rejection), condition: None, keep });
                }
            };
            let append = StreamAppend {
                stream: stream.clone(),
                expected: ExpectedRevision::seen(loaded.revision),
                events: to_events(&self.command, &events, &context, at)?,
            };
            let condition = self.command.condition().map(|AppendCondition { fail_if, after }| AppendCondition {
                fail_if: commands.inner.loader.upcasters.widen(fail_if),
                after,
            });
            let stream = stream.clone();
            let keep = Box::new(move |commands: &Commands, revision, position| {
                // An entity to which nothing happened stays as it is, at its own position.
                if !events.is_empty() {
                    commands.remember(&stream, &loaded, &events, (revision, position));
                }
            });
            Ok(Decided { remembered, append: Ok(append), condition, keep })
        }
        .boxed()
    }
}
