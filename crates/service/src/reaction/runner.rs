//! A reaction's life: following its source, and stopping at what it cannot handle.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{ErrorCode, EventSource, Position, Query};

use super::aside::{Aside, Driver, ParkingOptions, drive_all};
use super::dead_letters::DeadLetters;
use super::desk::Desk;
use super::meeting::{Meeting, Reactor};
use super::sink::ReactionSink;
use super::{Ledger, Share};
use crate::follow::{
    Control, ControlError, Ended, Follower, Request, Skips, Status, Stopped, Until, Wish, control, run_to_its_end,
};
use crate::projection::Surroundings;
use crate::shared::{FOLLOWERS, Seat, SharedDatabase, Term, stand_by};
use crate::{StartFrom, Upcasters};

/// How long the source may take to tell its head.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// Between two tries to begin.
const PAUSE: Duration = Duration::from_millis(500);
/// How often it is looked at whether there is room for more that is set aside.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// What tells reactions apart that share everything else.
pub(crate) struct ReactionSurroundings {
    pub(crate) kind: &'static str,
    /// The name under which it is known and its skips are recorded.
    pub(crate) name: &'static str,
    /// Which of its shares it is.
    pub(crate) share: Option<Share>,
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) from: StartFrom,
    pub(crate) query: Query,
    pub(crate) parking: ParkingOptions,
}

/// A reaction as a task: see [`ReactionRunner::run`].
pub(crate) struct ReactionRunner {
    follower: Option<Follower<ReactionSink>>,
    desk: Desk,
    source: Arc<dyn EventSource>,
    from: StartFrom,
    requests: mpsc::Receiver<Request>,
    meeting: Arc<Meeting>,
    upcasters: Upcasters,
    /// How it gets the lease, if it needs one, and the name that its shares have in common.
    seat: Option<(Seat, &'static str)>,
}

/// A reaction, and what can be asked of it.
pub(crate) struct Opened {
    pub(crate) runner: ReactionRunner,
    pub(crate) control: Control,
    pub(crate) dead_letters: DeadLetters,
}

impl ReactionRunner {
    pub(crate) fn open(
        reactor: Arc<dyn Reactor>,
        about: ReactionSurroundings,
        around: Surroundings,
        ledger: &Ledger,
        shared: Option<&SharedDatabase>,
    ) -> Opened {
        let ReactionSurroundings { kind, name, share, source, from, query, parking } = about;
        let full_name = share.map_or_else(|| name.to_owned(), |share| format!("{name}{}", share.suffix()));
        let position = Position::START;
        let status = Status::new(kind, &full_name, 1, around.metrics.clone(), around.clock.clone());
        let group = if share.is_some() { name } else { FOLLOWERS };
        let seat = shared.map(|shared| (shared.seat(&format!("{kind} {full_name}"), group, status.clone()), name));
        let skips = Skips::new(around.store.clone(), name, 1);
        let (ledger, clock, upcasters) = (ledger.clone(), around.clock.clone(), around.upcasters);
        let aside = Aside::new(ledger.clone(), parking, clock.clone(), status.clone());
        let dead_letters = DeadLetters::new(&full_name, Some(aside.clone()), skips.clone());
        let meeting = Meeting { reactor, aside, skips: skips.clone(), status: status.clone() };
        let meeting = Arc::new(meeting);
        let desk = Desk { ledger, skips: skips.clone(), status: status.clone(), clock };
        let sink =
            ReactionSink { meeting: meeting.clone(), position, stored: position, stop: CancellationToken::new() };
        let (upcasting, known_as) = (upcasters.clone(), None);
        let follower = Follower { sink, source: source.clone(), query, upcasters: upcasting, skips, status, known_as };
        let (control, requests) = control();
        let runner = Self { follower: Some(follower), desk, source, from, requests, meeting, upcasters, seat };
        Opened { runner, control, dead_letters }
    }

    pub(crate) fn status(&self) -> Arc<Status> {
        self.desk.status.clone()
    }

    /// Runs until `shutdown`. If it ends before, the status tells.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let status = self.desk.status.clone();
        run_to_its_end(&status, &shutdown, Box::pin(self.run_until(&shutdown))).await;
    }

    async fn run_until(mut self, shutdown: &CancellationToken) {
        let Some(mut follower) = self.follower.take() else { return };
        let Some((seat, family)) = self.seat.take() else {
            return Box::pin(self.work(&mut follower, shutdown)).await;
        };
        loop {
            let standing_by = stand_by(&seat, &mut self.requests, shutdown);
            let Some(term) = shutdown.run_until_cancelled(standing_by).await else { return };
            self.desk.status.started();
            if Box::pin(self.take_over(&term, family)).await {
                Box::pin(self.work(&mut follower, term.stop())).await;
            }
            self.desk.ledger.let_go();
            self.desk.status.stands_by();
        }
    }

    /// Begins to use the ledger; false if the lease was taken away meanwhile.
    async fn take_over(&self, term: &Term, family: &str) -> bool {
        while let Err(problem) = self.desk.ledger.take_over(term, family).await {
            tracing::warn!(reaction = self.desk.status.name(), problem, "failed to take over; trying again");
            if term.stop().run_until_cancelled(tokio::time::sleep(PAUSE)).await.is_none() {
                return false;
            }
        }
        true
    }

    async fn work(&mut self, follower: &mut Follower<ReactionSink>, shutdown: &CancellationToken) {
        let about = (&self.desk.skips, &*self.source, self.from, &*self.desk.status);
        while let Err(problem) = self.desk.open_during(&mut self.requests, prepare(about, &mut follower.sink)).await {
            tracing::warn!(reaction = self.desk.status.name(), problem, "failed to begin; trying again");
            let pause = shutdown.run_until_cancelled(tokio::time::sleep(PAUSE));
            if self.desk.open_during(&mut self.requests, pause).await.is_none() {
                return;
            }
        }
        let _sampling = self.desk.status.keep_sampling(self.source.clone());
        let _looking = self.desk.keep_looking();
        let driving = self.drive(shutdown);
        self.follow_on(follower, shutdown).await;
        // It comes to its end by the same word; if this is dropped before, so is it.
        if driving.await.is_err() {
            tracing::debug!(reaction = self.desk.status.name(), "what was set aside is gone on with at the next start");
        }
    }

    /// Goes back to what is set aside, in a task of its own.
    fn drive(&self, shutdown: &CancellationToken) -> AbortOnDropHandle<()> {
        let driver = Driver { meeting: self.meeting.clone(), upcasters: self.upcasters.clone() };
        let (status, shutdown) = (self.desk.status.clone(), shutdown.clone());
        let driving = async move { run_to_its_end(&status, &shutdown, drive_all(&driver, &shutdown)).await };
        AbortOnDropHandle::new(tokio::spawn(driving))
    }

    async fn follow_on(&mut self, follower: &mut Follower<ReactionSink>, shutdown: &CancellationToken) {
        follower.sink.stop = shutdown.clone();
        loop {
            let stopped =
                match self.desk.open_during(&mut self.requests, follower.follow(shutdown, Until::Forever)).await {
                    Ended::Stopped(stopped) => *stopped,
                    Ended::Fell(panic) => Stopped::fallen(follower.sink.position, panic),
                    Ended::Told | Ended::Arrived => return,
                };
            self.desk.status.stopped(stopped.clone());
            if !self.wait_for_help(&stopped, shutdown).await {
                return;
            }
            self.desk.status.started();
        }
    }

    /// Waits until somebody says how to go on; false if the service goes down instead.
    async fn wait_for_help(&mut self, stopped: &Stopped, shutdown: &CancellationToken) -> bool {
        let for_want_of_room = stopped.code == ErrorCode::TOO_MUCH_ASIDE;
        let mut looks = tokio::time::interval(LOOK_EVERY);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let request = tokio::select! {
                () = shutdown.cancelled() => return false,
                request = self.requests.recv() => request,
                _ = looks.tick(), if for_want_of_room => match self.meeting.aside.has_room() {
                    true => return true,
                    false => continue,
                },
            };
            let Some(request) = request else { return false };
            let answer = match request.wish {
                // There need not be a timer that has failed as well.
                Wish::Retry => self.desk.retry().await.or(Ok(())),
                Wish::Rebuild => Err(ControlError::NotAProjection),
                Wish::Skip if !stopped.is_at_event() => Err(ControlError::NotStopped),
                Wish::Skip => self
                    .desk
                    .skips
                    .skip(stopped, self.desk.clock.now(), request.actor)
                    .await
                    .map_err(|error| ControlError::Failed(error.to_string())),
            };
            let goes_on = answer.is_ok();
            let _ = request.reply.send(answer);
            if goes_on {
                return true;
            }
        }
    }
}

/// Reads the recorded skips, and makes sure that the checkpoint is one of this source.
async fn prepare(
    (skips, source, from, status): (&Skips, &dyn EventSource, StartFrom, &Status),
    sink: &mut ReactionSink,
) -> Result<(), String> {
    skips.load().await.map_err(|error| error.to_string())?;
    sink.begin().await?;
    status.moved_to(sink.position);
    let head = tokio::time::timeout(HEAD_MAX, source.head()).await;
    let head = head.map_err(|_| "the source does not tell its head".to_owned())?;
    let head = head.map_err(|error| error.to_string())?;
    if head >= sink.position {
        return begin(from, head, status, sink).await;
    }
    // A store that was brought back from a backup, or another one: what it records from now on has not been met,
    // though the checkpoint says so. Whatever is met again comes to the same.
    tracing::warn!(reaction = status.name(), "the store is not that of the checkpoint; meeting all of it");
    sink.reset(head).await?;
    status.moved_to(sink.position);
    begin(from, head, status, sink).await
}

async fn begin(from: StartFrom, head: Position, status: &Status, sink: &mut ReactionSink) -> Result<(), String> {
    if from == StartFrom::Now {
        sink.begin_behind(head).await?;
        status.moved_to(sink.position);
    }
    Ok(())
}
