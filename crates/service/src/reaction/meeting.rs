//! Events of one key, met one after the other, by the sink as they come and by the driver when they were set aside.

use std::borrow::Cow;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use tokio::time::Instant;
use tracing::Instrument;
use tradewind_events::{DELIVER_AFTER, Position, Recorded, Timestamp};

use super::aside::{Aside, is_alone};
use super::failure::class;
use super::ledger::TimerChange;
use super::{ReactionError, Timer};
use crate::context::{child_of, step_of};
use crate::follow::{Skips, Status};
use crate::panics::catch_in;

/// What meets events: a reaction, or one of the two halves of a process manager.
pub(crate) trait Reactor: Send + Sync + 'static {
    /// Who does what is done.
    fn name(&self) -> &str;

    /// The key of an event: events of one key come one after the other, in their order.
    fn lane<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        Cow::Borrowed(event.stream())
    }

    /// Whether it is this one that meets the event, and not another share of the same.
    fn is_mine(&self, event: &Recorded) -> bool {
        let _ = event;
        true
    }

    /// Whether later events of a key wait for one that is delayed.
    fn later_events_wait(&self) -> bool {
        true
    }

    fn meet<'a>(&'a self, event: &'a Recorded) -> BoxFuture<'a, Result<Vec<TimerChange>, ReactionError>>;
}

/// Why an event was not met.
#[derive(Debug)]
pub(crate) enum Left {
    /// Nobody tried, since nothing works just now.
    NotTried,
    /// It is to be met at that time.
    Until(Timestamp),
    Failed(Failure),
}

#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// One of [`class`].
    pub(crate) class: &'static str,
    pub(crate) error: String,
}

impl Failure {
    pub(super) fn is_transient(&self) -> bool {
        [class::TRANSIENT, class::UNAVAILABLE].contains(&self.class)
    }
}

/// What came of the events of one key.
#[derive(Default)]
pub(super) struct Met {
    /// How many of them are done with: met, or to be met alone.
    pub(super) done: usize,
    pub(super) timers: Vec<(Position, TimerChange)>,
    /// Those that are to be met alone, and when.
    pub(super) alone: Vec<(Recorded, Timestamp)>,
    /// Why the next one was not met, if there is one.
    pub(super) left: Option<Left>,
}

/// Meets events.
pub(super) struct Meeting {
    pub(super) reactor: Arc<dyn Reactor>,
    pub(super) aside: Arc<Aside>,
    pub(super) skips: Skips,
    pub(super) status: Arc<Status>,
}

impl Meeting {
    /// Meets events of a key in their order, as far as it goes. A probe is made though nothing works.
    pub(super) async fn in_order(&self, key: &str, events: &[&Recorded], is_probe: bool) -> Met {
        let mut met = Met::default();
        for event in events {
            if !is_probe && self.aside.circuit.is_open() {
                met.left = Some(Left::NotTried);
                break;
            }
            match self.meet(event).await {
                Ok(changes) => {
                    self.aside.met(true);
                    let changes = changes.into_iter().map(|change| self.without_given_up(change));
                    met.timers.extend(changes.map(|change| (event.position(), change)));
                }
                Err(Left::Until(due)) if self.overtakes(key) && due > self.aside.now() => {
                    met.alone.push(((*event).clone(), due));
                }
                Err(left) => {
                    match &left {
                        Left::Failed(failure) if failure.is_transient() => {
                            self.aside.failed(key, &failure.error, failure.class == class::UNAVAILABLE);
                        }
                        Left::Failed(_) => self.aside.met(false),
                        Left::Until(_) | Left::NotTried => {}
                    }
                    met.left = Some(left);
                    break;
                }
            }
            met.done += 1;
        }
        met
    }

    /// Whether later events of a key go on without one that is delayed.
    fn overtakes(&self, key: &str) -> bool {
        !self.reactor.later_events_wait() && !is_alone(key)
    }

    async fn meet(&self, event: &Recorded) -> Result<Vec<TimerChange>, Left> {
        if let Some(due) = not_before(event)?
            && due > self.aside.now()
        {
            return Err(Left::Until(due));
        }
        let started = Instant::now();
        let meeting = catch_in("the reaction", self.reactor.meet(event)).instrument(self.span(event));
        let met = meeting.await;
        self.status.met(started.elapsed());
        let failed = |class, error| Err(Left::Failed(Failure { class, error }));
        match met {
            Ok(Ok(changes)) => Ok(changes),
            Ok(Err(ReactionError::Transient(error))) => failed(class::TRANSIENT, error),
            Ok(Err(ReactionError::Unavailable(error))) => failed(class::UNAVAILABLE, error),
            Ok(Err(ReactionError::Poison(error))) => failed(class::POISON, error),
            Ok(Err(ReactionError::Unreadable(error))) => failed(class::UNREADABLE, error),
            Ok(Err(ReactionError::Again(due))) => Err(Left::Until(due)),
            Err(panic) => failed(class::PANIC, panic),
        }
    }

    /// What is logged while the event is met belongs to its trace.
    fn span(&self, event: &Recorded) -> tracing::Span {
        if !tracing::enabled!(tracing::Level::DEBUG) {
            return tracing::Span::none();
        }
        let parent = event.metadata().ok().and_then(|metadata| metadata.traceparent);
        let step = step_of(self.reactor.name(), &event.id().to_string());
        let traceparent = parent.and_then(|parent| child_of(&parent, &step)).unwrap_or_default();
        tracing::debug_span!("react", follower = self.status.name(), position = %event.position(), id = %event.id(),
            event_type = event.event_type(), stream = event.stream(), traceparent)
    }

    /// A timer that somebody has given up is not set again when its event is met again.
    fn without_given_up(&self, change: TimerChange) -> TimerChange {
        match change {
            TimerChange::Set(Timer { process, name, cause, .. }) if self.skips.contains_timer(&cause, &name) => {
                TimerChange::Cancel { process, name }
            }
            other => other,
        }
    }
}

/// When an event is to be delivered, if it says so.
fn not_before(event: &Recorded) -> Result<Option<Timestamp>, Left> {
    let metadata = event.metadata_bytes();
    // Hardly any event says so, and to read the metadata of each costs more than what most reactions do with it.
    if !metadata.windows(DELIVER_AFTER.len()).any(|bytes| bytes == DELIVER_AFTER.as_bytes()) {
        return Ok(None);
    }
    let unreadable = |error: String| Left::Failed(Failure { class: class::UNREADABLE, error });
    let metadata = event.metadata().map_err(|error| unreadable(error.to_string()))?;
    let Some(moment) = metadata.extensions.get(DELIVER_AFTER) else { return Ok(None) };
    let parsed = moment.parse().map_err(|_| unreadable(format!("{DELIVER_AFTER} {moment:?} is no time in RFC 3339")));
    parsed.map(Some)
}
