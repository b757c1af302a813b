//! Following a source: what projections, reactions and process managers have in common. Events come in batches to a
//! [`Sink`], which keeps its own checkpoint; at an event that it cannot handle the follower stops, and says which.

mod control;
mod metrics;
mod skips;
mod status;

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tokio_util::sync::CancellationToken;
use tradewind_events::{Delivery, EventSource, Position, Query, ReadError, Recorded, Subscription};

use crate::Upcasters;
use crate::panics::catch_in;

pub use control::{Control, ControlError};
pub(crate) use control::{Request, Wish, control};
pub(crate) use metrics::FollowerMetrics;
pub(crate) use skips::{Decided, Fix, Skips, TimerSkipped};
pub(crate) use status::Status;
pub use status::{FailedTimer, FollowerState, FollowerStatus, Paused, Stopped};

/// The most events that are handed over at once.
const BATCH_EVENTS_MAX: usize = 16_384;
/// A delivery of so many events is one of many to somebody who lags behind: more follow at once.
const DELIVERY_EVENTS_MANY: usize = 256;
const PAUSE_MIN: Duration = Duration::from_millis(20);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// Where events go.
pub(crate) trait Sink: Send + 'static {
    /// Up to where everything has been handled.
    fn position(&self) -> Position;

    /// Handles events in order; those before a failing one stay handled. Afterwards everything up to `through` is.
    fn handle<'a>(&'a mut self, events: &'a [Recorded], through: Position) -> BoxFuture<'a, Result<(), Halt>>;

    /// Sets an event aside that cannot be read, so that others can go on; false if it must be stopped at instead.
    fn park<'a>(&'a mut self, event: &'a Recorded, error: String) -> BoxFuture<'a, Result<bool, Halt>> {
        let _ = (event, error);
        ready(Ok(false)).boxed()
    }

    /// Up to where the effects are committed, and will not be asked for again.
    fn committed(&self) -> Position {
        self.position()
    }

    /// Keeps the checkpoint before a stop.
    fn flush(&mut self) -> BoxFuture<'_, ()>;
}

/// Why a batch was not handled to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// This event cannot be handled, now or later.
    Poison(Box<Stopped>),
    /// Something else is out of order, and trying again may help.
    Transient(String),
    /// It was told to stop.
    Told,
}

/// How far to follow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Until {
    Forever,
    /// Until nothing is left behind.
    CaughtUp,
    /// Until this position is reached.
    Reached(Position),
}

/// Why following ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// It was told to.
    Told,
    /// It has come as far as it was to go.
    Arrived,
    /// At an event that cannot be handled.
    Stopped(Box<Stopped>),
    /// By a panic that is no event's.
    Fell(String),
}

/// Carries events from a source to a sink.
pub(crate) struct Follower<S> {
    pub(crate) sink: S,
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) query: Query,
    pub(crate) upcasters: Upcasters,
    pub(crate) skips: Skips,
    pub(crate) status: Arc<Status>,
    /// As whom the source knows it, if that is not its name: others of this name get everything as well.
    pub(crate) known_as: Option<String>,
}

impl<S: Sink> Follower<S> {
    /// Follows the source until `until`, or until told to stop, which it heeds between two batches. Failures of the
    /// source or the sink are waited out; a panic in one of them is told.
    pub(crate) async fn follow(&mut self, stop: &CancellationToken, until: Until) -> Ended {
        let mut pause = PAUSE_MIN;
        loop {
            let before = self.sink.position();
            let following = catch_in("following", self.follow_once(stop, until)).await;
            match following.unwrap_or_else(|panic| Ok(Ended::Fell(panic))) {
                Ok(Ended::Fell(panic)) => return Ended::Fell(panic),
                Ok(ended) => {
                    self.sink.flush().await;
                    return ended;
                }
                Err(Halt::Poison(stopped)) => {
                    self.sink.flush().await;
                    return Ended::Stopped(stopped);
                }
                Err(Halt::Told) => {
                    self.sink.flush().await;
                    return Ended::Told;
                }
                Err(Halt::Transient(problem)) => {
                    tracing::warn!(follower = self.status.name(), problem, "interrupted; going on soon");
                }
            }
            pause = if self.sink.position() > before { PAUSE_MIN } else { (pause * 2).min(PAUSE_MAX) };
            if stop.run_until_cancelled(tokio::time::sleep(pause)).await.is_none() {
                self.sink.flush().await;
                return Ended::Told;
            }
        }
    }

    fn known_as(&self) -> &str {
        self.known_as.as_deref().unwrap_or_else(|| self.status.name())
    }

    async fn follow_once(&mut self, stop: &CancellationToken, until: Until) -> Result<Ended, Halt> {
        let query = self.upcasters.widen(self.query.clone());
        // What is only built beside another comes to its end by itself: nothing is kept for it.
        let stays = until == Until::Forever;
        let subscribing = match stays {
            true => self.source.follow(self.known_as(), self.sink.position(), query),
            false => self.source.subscribe(self.sink.position(), query),
        };
        let Some(deliveries) = stop.run_until_cancelled(subscribing).await else { return Ok(Ended::Told) };
        let mut deliveries = deliveries.map_err(lost)?;
        let mut next = stop.run_until_cancelled(gather(&mut deliveries)).await;
        loop {
            let Some(delivery) = next else { return Ok(Ended::Told) };
            let Some(delivery) = delivery.map_err(lost)? else {
                return Err(Halt::Transient("the subscription ended".to_owned()));
            };
            let caught_up = delivery.caught_up;
            // While this is handled, what comes next is read, if it is there already.
            let read_ahead =
                async { if caught_up { None } else { Some(stop.run_until_cancelled(gather(&mut deliveries)).await) } };
            let (handled, ahead) = tokio::join!(self.hand_over(delivery.events, delivery.through), read_ahead);
            if stays {
                self.source.handled(self.known_as(), self.sink.committed());
            }
            handled?;
            if caught_up {
                self.status.caught_up();
            }
            let arrived = match until {
                Until::Forever => false,
                Until::CaughtUp => caught_up,
                Until::Reached(position) => self.sink.position() >= position,
            };
            if arrived {
                return Ok(Ended::Arrived);
            }
            next = match ahead {
                Some(ahead) => ahead,
                None => stop.run_until_cancelled(gather(&mut deliveries)).await,
            };
        }
    }

    pub(crate) async fn hand_over(&mut self, mut events: Vec<Recorded>, through: Position) -> Result<(), Halt> {
        events.retain(|event| !self.skips.contains(event.position()));
        let mut readable = Vec::with_capacity(events.len());
        for event in events {
            let event = self.skips.fixed(event);
            match self.upcasters.upcast(event.clone()) {
                Ok(event) => readable.push(event),
                Err(problem) => {
                    let before = Position(event.position().0 - 1);
                    self.hand_over_readable(&std::mem::take(&mut readable), before).await?;
                    if !self.sink.park(&event, problem.to_string()).await? {
                        return Err(Halt::Poison(Box::new(Stopped::at(&event, problem.to_string()))));
                    }
                    self.status.handled(self.sink.position(), std::slice::from_ref(&event));
                }
            }
        }
        self.hand_over_readable(&readable, through).await
    }

    async fn hand_over_readable(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        let outcome = self.sink.handle(events, through).await;
        let reached = self.sink.position();
        let handled = events.partition_point(|event| event.position() <= reached);
        self.status.handled(reached, &events[..handled]);
        outcome
    }
}

/// Runs what works for a follower; the status tells if that ends before `shutdown`.
pub(crate) async fn run_to_its_end(status: &Status, shutdown: &CancellationToken, work: impl Future<Output = ()>) {
    let outcome = catch_in("its task", work).await;
    if !shutdown.is_cancelled() {
        status.fell(outcome.err().unwrap_or_else(|| "its task ended".to_owned()));
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is given to map_err")]
fn lost(error: ReadError) -> Halt {
    Halt::Transient(error.to_string())
}

/// The next delivery, together with those that are there already. Who lags far behind gets a full batch, since much of
/// what a batch costs does not depend on how many events are in it; who is nearly there waits for nothing.
async fn gather(deliveries: &mut Subscription) -> Result<Option<Delivery>, ReadError> {
    let Some(first) = deliveries.next().await else { return Ok(None) };
    let mut all = first?;
    let mut lags = !all.caught_up && all.events.len() >= DELIVERY_EVENTS_MANY;
    while all.events.len() < BATCH_EVENTS_MAX {
        let next = if lags { Some(deliveries.next().await) } else { deliveries.next().now_or_never() };
        // An error or an end that comes now comes again when it is asked for next.
        let Some(Some(Ok(next))) = next else { break };
        lags = !next.caught_up && next.events.len() >= DELIVERY_EVENTS_MANY;
        all.events.extend(next.events);
        (all.through, all.caught_up) = (next.through, next.caught_up);
    }
    Ok(Some(all))
}
