//! Where a reaction's events go: lanes side by side, each in its order, and then the checkpoint.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tradewind_events::{Position, Recorded};

use super::{Ledger, ReactionError, TimerChange};
use crate::follow::{Halt, Sink, Skips, Stopped};
use crate::panics::{catch, catch_in};

/// How many events are met before the checkpoint is kept: as many may be met again after a crash.
const CHUNK_EVENTS: usize = 256;
/// How many lanes are worked on at the same time.
const LANES_MAX: usize = 32;
/// After how many positions without a matching event the checkpoint is kept all the same.
const CHECKPOINT_EVERY: u64 = 10_000;

/// What meets events: a reaction, or one of the two halves of a process manager.
pub(crate) trait Reactor: Send + Sync + 'static {
    /// What must not be met at the same time: events of one lane come one after the other, in their order.
    fn lane<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        Cow::Borrowed(event.stream())
    }

    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>>;
}

pub(crate) struct ReactionSink {
    pub(crate) reactor: Arc<dyn Reactor>,
    pub(crate) ledger: Ledger,
    pub(crate) skips: Skips,
    pub(crate) position: Position,
    pub(crate) stored: Position,
}

/// What came of the events of one lane.
#[derive(Default)]
struct Met {
    changes: Vec<(Position, TimerChange)>,
    failed: Option<(Recorded, ReactionError)>,
}

impl ReactionSink {
    /// Forgets how far it has come: what it has met was in another store, and everything in this one is met anew.
    pub(crate) async fn reset(&mut self) -> Result<(), String> {
        self.ledger.reset().await?;
        (self.position, self.stored) = (Position::START, Position::START);
        Ok(())
    }

    async fn handle_all(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        let chunks = events.chunks(CHUNK_EVENTS);
        let last = chunks.len().saturating_sub(1);
        for (index, chunk) in chunks.enumerate() {
            let end = if index == last { through } else { chunk.last().map_or(through, Recorded::position) };
            self.handle_chunk(chunk, end).await?;
        }
        if events.is_empty() {
            self.position = through.max(self.position);
            if self.position.0 - self.stored.0 >= CHECKPOINT_EVERY {
                self.store(self.position, Vec::new()).await?;
            }
        }
        Ok(())
    }

    async fn handle_chunk(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        let reactor = &self.reactor;
        let mut lanes: HashMap<Cow<'_, str>, Vec<&Recorded>> = HashMap::new();
        for event in events {
            // Who falls over an event when asked for its lane falls over it again when he meets it, and is told then.
            let lane = catch("the lane", || reactor.lane(event)).unwrap_or_else(|_| Cow::Borrowed(event.stream()));
            lanes.entry(lane).or_default().push(event);
        }
        let work: Vec<_> = lanes.into_values().map(|events| meet_in_order(&**reactor, events).boxed()).collect();
        let met: Vec<Met> = stream::iter(work).buffer_unordered(LANES_MAX).collect().await;

        let (mut changes, mut failed) = (Vec::new(), None::<(Recorded, ReactionError)>);
        for one in met {
            changes.extend(one.changes);
            let earlier = |a: &(Recorded, _), b: &(Recorded, _)| a.0.position() < b.0.position();
            if let Some(failure) = one.failed
                && failed.as_ref().is_none_or(|first| earlier(&failure, first))
            {
                failed = Some(failure);
            }
        }
        // Everything before the first failure has been met; what was met behind it is met again.
        let through = failed.as_ref().map_or(through, |(event, _)| Position(event.position().0 - 1));
        changes.retain(|(position, _)| *position <= through);
        changes.sort_by_key(|(position, _)| *position);
        let changes = changes.into_iter().map(|(_, change)| self.without_given_up(change)).collect();
        self.store(through, changes).await?;
        match failed {
            None => Ok(()),
            Some((_, ReactionError::Transient(problem))) => Err(Halt::Transient(problem)),
            Some((event, ReactionError::Poison(problem))) => Err(Halt::Poison(Box::new(Stopped::at(&event, problem)))),
        }
    }

    /// A timer that somebody has given up is not set again when its event is met again.
    fn without_given_up(&self, change: TimerChange) -> TimerChange {
        match change {
            TimerChange::Set(timer) if self.skips.contains_timer(&timer.cause, &timer.name) => {
                TimerChange::Cancel { process: timer.process, name: timer.name }
            }
            other => other,
        }
    }

    async fn store(&mut self, through: Position, changes: Vec<TimerChange>) -> Result<(), Halt> {
        self.ledger.record(through, changes).await.map_err(Halt::Transient)?;
        self.position = through.max(self.position);
        self.stored = self.position;
        Ok(())
    }
}

async fn meet_in_order(reactor: &dyn Reactor, events: Vec<&Recorded>) -> Met {
    let mut met = Met::default();
    for event in events {
        let meeting = catch_in("the reaction", reactor.meet(event)).await;
        match meeting.unwrap_or_else(|panic| Err(ReactionError::Poison(panic))) {
            Ok(changes) => met.changes.extend(changes.into_iter().map(|change| (event.position(), change))),
            Err(error) => {
                met.failed = Some((event.clone(), error));
                break;
            }
        }
    }
    met
}

impl Sink for ReactionSink {
    fn position(&self) -> Position {
        self.position
    }

    fn committed(&self) -> Position {
        self.stored
    }

    fn handle<'a>(&'a mut self, events: &'a [Recorded], through: Position) -> BoxFuture<'a, Result<(), Halt>> {
        self.handle_all(events, through).boxed()
    }

    fn flush(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if self.position > self.stored && self.store(self.position, Vec::new()).await.is_err() {
                tracing::debug!("a checkpoint was not kept; some events will be passed again");
            }
        }
        .boxed()
    }
}
