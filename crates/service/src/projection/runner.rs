//! A projection's life: following its source, stopping at what it cannot handle, and being rebuilt beside itself.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Clock, EventSource, EventStore};

use super::Projection;
use super::folder::{FileName, Folder};
use super::generation::Generation;
use super::lane::Lane;
use super::open::{Opened, ProjectionOptions, ProjectionStartError, check_name, open_current};
use super::past::{PastSource, Pasts};
use super::read_model::ReadModel;
use super::sink::SqlSink;
use crate::Upcasters;
use crate::follow::{
    Control, ControlError, Ended, Follower, FollowerMetrics, Request, Skips, Status, Stopped, Until, Wish, control,
    run_to_its_end,
};

/// What a projection shares with the rest of its service.
#[derive(Clone)]
pub(crate) struct Surroundings {
    /// The service's own store, where skips are recorded.
    pub(crate) store: Arc<dyn EventStore>,
    pub(crate) upcasters: Upcasters,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: FollowerMetrics,
}

/// A projection as a task: see [`ProjectionRunner::run`].
pub(crate) struct ProjectionRunner {
    pub(super) projection: Arc<dyn Projection>,
    source: Arc<dyn EventSource>,
    pub(super) around: Surroundings,
    pub(super) folder: Folder,
    skips: Skips,
    pub(super) status: Arc<Status>,
    pub(super) answering: watch::Sender<Arc<Generation>>,
    requests: mpsc::Receiver<Request>,
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
        source: Arc<dyn EventSource>,
        around: Surroundings,
        options: &ProjectionOptions,
    ) -> Result<(Self, ReadModel, Control), ProjectionStartError> {
        let name = projection.name();
        check_name(name)?;
        let at_fault = |error| ProjectionStartError::Folder { name, error };
        let folder = Folder::open(options.folder.join(name)).map_err(at_fault)?;
        let Opened { name: file, generation, writer } = open_current(&folder, &*projection)?;
        let unfinished = folder.unfinished(projection.version()).map_err(at_fault)?;
        folder.tidy(&[Some(file), unfinished].into_iter().flatten().collect::<Vec<_>>()).map_err(at_fault)?;

        let metrics = around.metrics.clone();
        let status = Status::new("projection", name, file.version, metrics, around.clock.clone());
        status.moved_to(generation.position());
        if !generation.is_of_today() {
            status.answers_nothing();
        }
        let skips = Skips::new(around.store.clone(), name, projection.version());
        let (answering, live) = watch::channel(generation.clone());
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
        let opened = Some(SqlSink::new(projection.clone(), generation, writer));
        let runner = Self {
            projection,
            source,
            around,
            folder,
            skips,
            status,
            answering,
            requests,
            opened,
            live: Lane::Empty,
            outdated: None,
            build: Lane::Empty,
            build_generation: None,
        };
        Ok((runner, read_model, control))
    }

    pub(crate) fn status(&self) -> Arc<Status> {
        self.status.clone()
    }

    /// Runs until `shutdown`. If it ends before, the status tells.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        let status = self.status.clone();
        run_to_its_end(&status, &shutdown, self.run_until(&shutdown)).await;
    }

    async fn run_until(mut self, shutdown: &CancellationToken) {
        if shutdown.run_until_cancelled(self.load_skips()).await.is_none() {
            return;
        }
        let _sampling = self.status.keep_sampling(self.source.clone());
        self.begin(shutdown).await;
        let mut ticks = tokio::time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                () = shutdown.cancelled() => break,
                Some(request) = self.requests.recv() => self.grant(request, shutdown).await,
                ended = self.live.ended() => self.live_ended(ended),
                ended = self.build.ended() => self.build_ended(ended, shutdown).await,
                _ = ticks.tick() => self.tell_build(),
            }
        }
        self.live.finish().await;
        self.build.finish().await;
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
        let Some(sink) = self.opened.take() else { return };
        let version = FileName::of(sink.generation().path()).map(|name| name.version);
        let of_older_version = version != Some(self.projection.version());
        // A store that has fewer events than have been applied is another one than last time.
        let head = tokio::time::timeout(Duration::from_secs(5), self.source.head()).await;
        let of_other_store = matches!(head, Ok(Ok(head)) if head < sink.generation().position());
        let unfinished = self.folder.unfinished(self.projection.version()).ok().flatten();
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
            self.outdated = Some(sink);
            self.start_build(unfinished.filter(|_| !of_other_store), shutdown);
        } else {
            self.live = Lane::start(self.follower(sink, self.status.clone()), shutdown, Until::Forever);
            if unfinished.is_some() {
                self.start_build(unfinished, shutdown);
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
        }
    }

    async fn grant(&mut self, request: Request, shutdown: &CancellationToken) {
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
