//! A projection's life: following its source, setting aside what it cannot apply, and being rebuilt beside itself.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Clock, ErrorCode, EventSource, EventStore};

use super::Projection;
use super::folder::{Folder, instance_of};
use super::generation::Generation;
use super::home::Home;
use super::lane::Lane;
use super::open::{Opened, ProjectionOptions, ProjectionStartError, check_name, open_current};
use super::past::{PastSource, Pasts};
use super::read_model::ReadModel;
use super::redriving::Redriving;
use super::seeding::{Handover, Seeding, Seeds};
use super::sink::SqlSink;
use crate::follow::{
    Control, ControlError, Ended, Follower, FollowerMetrics, Request, Skips, Status, Stopped, Until, Wish, control,
    run_to_its_end,
};
use crate::reaction::{Aside, CountedAside, DeadLetters};
use crate::shared::{FOLLOWERS, Seat, SharedHome, Term, stand_by};
use crate::{ParkingOptions, StartFrom, Upcasters};

/// What a projection shares with the rest of its service.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The service's own store, where skips are recorded.
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) upcasters: Upcasters,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: FollowerMetrics,
}

/// What a projection follows.
pub(crate) struct Follows {
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) from: StartFrom,
}

/// A projection as a task: see [`ProjectionRunner::run`].
pub(crate) struct ProjectionRunner {
    pub(super) projection: Arc<dyn Projection>,
    pub(super) source: Arc<dyn EventSource>,
    pub(super) from: StartFrom,
    pub(super) around: Surroundings,
    /// Where its generations are. Those that instances share are touched only while the lease is held.
    pub(super) home: Home,
    /// Where it is kept where it began, by each instance for itself.
    pub(super) folder: Folder,
    /// As whom the source knows it, if other instances have one of the same name that is theirs alone.
    known_as: Option<String>,
    /// How it gets the lease, if it needs one.
    seat: Option<Seat>,
    pub(super) skips: Skips,
    pub(super) status: Arc<Status>,
    pub(super) parking: ParkingOptions,
    /// What operators see of what is set aside.
    pub(super) dead_letters: DeadLetters,
    /// What is set aside of the one that answers.
    pub(super) aside: Option<Arc<Aside>>,
    /// What goes back to that.
    pub(super) redriving: Option<Redriving>,
    pub(super) answering: watch::Sender<Arc<Generation>>,
    requests: mpsc::Receiver<Request>,
    handovers: mpsc::Receiver<Handover>,
    /// Who hands over what it would follow, if somebody does.
    pub(super) seeding: Option<Seeding>,
    /// What answers at the start, until the runner runs.
    opened: Option<SqlSink>,
    /// The one that follows the source and answers.
    pub(super) live: Lane,
    /// What answers but is not kept up to date: of an older version, or of another store.
    pub(super) outdated: Option<SqlSink>,
    /// The one that is to replace it.
    pub(super) build: Lane,
    pub(super) build_generation: Option<Arc<Generation>>,
}

impl ProjectionRunner {
    /// Opens or makes the read database. It answers from now on, and is kept up to date once the runner runs.
    pub(crate) fn open(
        projection: Arc<dyn Projection>,
        follows: Follows,
        around: Surroundings,
        options: &ProjectionOptions,
    ) -> Result<(Self, ReadModel, Control, Seeds), ProjectionStartError> {
        let Follows { source, from } = follows;
        let name = projection.name();
        check_name(name)?;
        let at_fault = |error| ProjectionStartError::Folder { name, error };
        let folder = Folder::open(options.folder.join(name)).map_err(at_fault)?;
        let shared = options.shared.clone().filter(|_| projection.postgres_schema().is_some());
        // What each instance makes for itself, each is given all of.
        let is_one_of_several = options.shared.is_some() && shared.is_none();
        let known_as = is_one_of_several.then(|| Ok(format!("{name}_{}", instance_of(&options.folder)?)));
        let known_as = known_as.transpose().map_err(at_fault)?;
        let (version, generation, opened) = match &shared {
            Some(shared) => {
                folder.tidy(&[]).map_err(at_fault)?;
                (projection.version(), Arc::new(shared.nothing_yet()), None)
            }
            None => {
                let Opened { name: file, generation, writer } = open_current(&folder, &*projection)?;
                let unfinished = folder.unfinished(projection.version()).map_err(at_fault)?;
                folder.tidy(&[Some(file), unfinished].into_iter().flatten().collect::<Vec<_>>()).map_err(at_fault)?;
                (file.version, generation.clone(), Some(SqlSink::new(projection.clone(), generation, writer)))
            }
        };

        let metrics = around.metrics.clone();
        let status = Status::new("projection", name, version, metrics, around.clock.clone());
        status.moved_to(generation.position());
        if !generation.is_of_today() {
            status.answers_nothing();
        }
        let skips = Skips::new(around.store.clone(), name, projection.version());
        let (answering, live) = watch::channel(generation);
        let of = PastSource {
            projection: projection.clone(),
            source: source.clone(),
            upcasters: around.upcasters.clone(),
            skips: skips.clone(),
            clock: around.clock.clone(),
        };
        let pasts = Arc::new(Pasts::new(of, folder.past(), options.past.clone()));
        let read_model = ReadModel { live, status: status.clone(), pasts, wait_max: options.wait_max };
        let (control, requests) = control();
        let seat = shared.map(|shared| {
            shared.show(&*projection, answering.clone(), status.clone());
            shared.seat(&format!("projection {name}"), FOLLOWERS, status.clone())
        });
        let (seeds, handovers) = Seeds::new();
        let runner = Self {
            projection,
            source,
            from,
            around,
            home: Home::Folder(folder.clone()),
            folder,
            known_as,
            seat,
            dead_letters: DeadLetters::new(name, None, skips.clone()),
            skips,
            status,
            parking: options.parking.clone(),
            aside: None,
            redriving: None,
            answering,
            requests,
            handovers,
            seeding: None,
            opened,
            live: Lane::Empty,
            outdated: None,
            build: Lane::Empty,
            build_generation: None,
        };
        Ok((runner, read_model, control, seeds))
    }

    pub(crate) fn status(&self) -> Arc<Status> {
        self.status.clone()
    }

    pub(crate) fn dead_letters(&self) -> DeadLetters {
        self.dead_letters.clone()
    }

    /// Runs until `shutdown`. If it ends before, the status tells.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let status = self.status.clone();
        // Boxed, since the compiler follows futures within futures only so deep.
        run_to_its_end(&status, &shutdown, self.run_until(&shutdown).boxed()).await;
    }

    async fn run_until(mut self, shutdown: &CancellationToken) {
        let _sampling = self.status.keep_sampling(self.source.clone());
        let Some(seat) = self.seat.take() else { return self.work(shutdown).await };
        loop {
            let standing_by = stand_by(&seat, &mut self.requests, shutdown);
            let Some(term) = shutdown.run_until_cancelled(standing_by).await else { return };
            self.status.started();
            if self.take_over(&term).await {
                self.work(term.stop()).await;
            }
            (self.outdated, self.build_generation, self.aside) = (None, None, None);
            self.dead_letters.are_of(None);
            self.status.set_aside(CountedAside::default());
            self.status.rebuilding(None, None);
            self.status.stands_by();
        }
    }

    /// Opens what the instances share, as the one that may write to it; false if that was taken away meanwhile.
    async fn take_over(&mut self, term: &Term) -> bool {
        loop {
            let home = SharedHome::new(term, self.projection.name());
            let problem = match home.open_current(&*self.projection).await {
                Ok(Opened { generation, writer, .. }) => {
                    self.status.moved_to(generation.position());
                    if generation.is_of_today() {
                        self.status.answers_again();
                    }
                    self.answering.send_replace(generation.clone());
                    self.opened = Some(SqlSink::new(self.projection.clone(), generation, writer));
                    self.home = Home::Shared(home);
                    return true;
                }
                Err(error) => error,
            };
            tracing::warn!(projection = self.projection.name(), %problem, "failed to take over; trying again");
            let pause = tokio::time::sleep(Duration::from_millis(500));
            if term.stop().run_until_cancelled(pause).await.is_none() {
                return false;
            }
        }
    }

    /// Follows the source and builds what is to be built, until told to stop.
    async fn work(&mut self, shutdown: &CancellationToken) {
        if shutdown.run_until_cancelled(self.load_skips()).await.is_none() {
            return;
        }
        if shutdown.run_until_cancelled(self.begin(shutdown)).await.is_none() {
            return;
        }
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(request) = self.requests.recv() => self.grant(request, shutdown).boxed().await,
                Some(handover) = self.handovers.recv() => self.take(handover, shutdown).boxed().await,
                ended = self.live.ended() => self.live_ended(ended),
                ended = self.build.ended() => self.build_ended(ended, shutdown).await,
                _ = ticks.tick() => {
                    self.tell_build();
                    self.go_on_if_there_is_room(shutdown).await;
                    self.end_seeding_if_left(shutdown).await;
                }
            }
        }
        self.keep_what_was_seeded().await;
        self.live.finish().await;
        self.build.finish().await;
        self.end_redriving().await;
    }

    fn live_ended(&mut self, ended: Result<(Follower<SqlSink>, Ended), String>) {
        match ended {
            Ok((follower, ended)) => {
                if let Some(stopped) = stop_of(&follower, ended) {
                    self.status.stopped(stopped.clone());
                    self.live = Lane::Stopped(Box::new(follower), Box::new(stopped));
                }
            }
            Err(error) => self.status.fell(error),
        }
    }

    async fn load_skips(&mut self) {
        while let Err(error) = self.skips.load().await {
            let name = self.projection.name();
            tracing::warn!(projection = name, %error, "failed to read the recorded skips; trying again");
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }

    async fn begin(&mut self, shutdown: &CancellationToken) {
        let Some(mut sink) = self.opened.take() else { return };
        self.aside = Some(self.read_aside(sink.pen().aside_at(), self.status.clone()).await);
        let version = sink.generation().name().map(|name| name.version);
        let of_older_version = version != Some(self.projection.version());
        // A store that has fewer events than have been applied is another one than last time.
        let head = tokio::time::timeout(Duration::from_secs(5), self.source.head()).await;
        let of_other_store = matches!(head, Ok(Ok(head)) if head < sink.generation().position());
        let unfinished = self.home.unfinished(&*self.projection).await;
        let is_outdated = of_older_version || of_other_store || !sink.generation().is_of_today();
        if of_other_store {
            tracing::warn!(
                projection = self.projection.name(),
                "the store is not that of the read model; building anew"
            );
        } else if is_outdated {
            self.status.answers_already();
        }
        if is_outdated {
            if let (true, Ok(Ok(head))) = (of_other_store, &head) {
                self.begin_anew(*head).await;
            }
            if of_other_store {
                // What the other one has applied says nothing of what this one must.
                self.aside = None;
            }
            self.outdated = Some(sink);
            self.start_build(unfinished.filter(|_| !of_other_store), shutdown).await;
        } else {
            self.park_from_now_on(&mut sink);
            self.start_following(sink, shutdown).await;
            if unfinished.is_some() {
                self.start_build(unfinished, shutdown).await;
            }
        }
    }

    pub(super) fn follower(&self, sink: SqlSink, status: Arc<Status>) -> Follower<SqlSink> {
        Follower {
            sink,
            source: self.source.clone(),
            query: self.projection.query(),
            upcasters: self.around.upcasters.clone(),
            skips: self.skips.clone(),
            status,
            known_as: self.known_as.clone(),
        }
    }

    async fn grant(&mut self, request: Request, shutdown: &CancellationToken) {
        self.end_seeding(shutdown).await;
        let answer = match request.wish {
            Wish::Retry => self.go_on(shutdown).await,
            Wish::Skip => self.skip(request.actor, shutdown).await,
            Wish::Rebuild => self.rebuild(shutdown).await,
        };
        // Whoever asked may have gone.
        let _ = request.reply.send(answer);
    }

    async fn skip(&mut self, actor: Option<String>, shutdown: &CancellationToken) -> Result<(), ControlError> {
        let at = self.live.stopped_at().or(self.build.stopped_at()).filter(|stopped| stopped.is_at_event());
        let at = at.ok_or(ControlError::NotStopped)?.clone();
        let now = self.around.clock.now();
        self.skips.skip(&at, now, actor).await.map_err(|error| ControlError::Failed(error.to_string()))?;
        tracing::warn!(projection = self.projection.name(), position = %at.position, "event skipped, as was asked");
        self.go_on(shutdown).await
    }

    /// What stopped for want of room goes on when there is some.
    async fn go_on_if_there_is_room(&mut self, shutdown: &CancellationToken) {
        let is_full = self.live.stopped_at().is_some_and(|stopped| stopped.code == ErrorCode::TOO_MUCH_ASIDE);
        if is_full && self.aside.as_ref().is_some_and(|aside| aside.has_room()) {
            // It has stopped, so that it can go on.
            let _ = self.go_on(shutdown).await;
        }
    }

    /// Goes on where it stopped.
    async fn go_on(&mut self, shutdown: &CancellationToken) -> Result<(), ControlError> {
        if self.live.stopped_at().is_some() {
            if let Some(follower) = self.live.finish().await {
                self.status.started();
                self.live = Lane::start(follower, shutdown, Until::Forever);
            }
            return Ok(());
        }
        if self.build.stopped_at().is_some() {
            if let Some(follower) = self.build.finish().await {
                self.build = Lane::start(follower, shutdown, Until::CaughtUp);
                self.tell_build();
            }
            return Ok(());
        }
        Err(ControlError::NotStopped)
    }
}

/// Where a follower waits for somebody, if it does.
pub(super) fn stop_of(follower: &Follower<SqlSink>, ended: Ended) -> Option<Stopped> {
    match ended {
        Ended::Stopped(stopped) => Some(*stopped),
        Ended::Fell(panic) => Some(Stopped::fallen(follower.sink.generation().position(), panic)),
        Ended::Told | Ended::Arrived => None,
    }
}
