//! Building a read model anew beside the one that answers, and putting it in its place.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tradewind_events::Position;

use super::folder::GenerationName;
use super::home::Home;
use super::lane::Lane;
use super::open::Opened;
use super::parking::Parking;
use super::runner::{ProjectionRunner, stop_of};
use super::sink::SqlSink;
use crate::follow::{ControlError, Ended, Follower, FollowerMetrics, Status, Stopped, Until};

impl ProjectionRunner {
    /// Begins to build a generation beside the one that answers, or goes on with one that was begun.
    pub(super) async fn start_build(&mut self, unfinished: Option<GenerationName>, shutdown: &CancellationToken) {
        let (projection, home) = (self.projection.clone(), self.home.clone());
        let mut begun = None;
        if let Some(name) = unfinished
            && let Ok(found) = home.open(name, &*projection).await
        {
            // One whose tables have changed since it was begun is not gone on with.
            if found.generation.is_of_today() {
                begun = Some(found);
            } else {
                home.give_up(&found.generation).await;
            }
        }
        let opened = match begun {
            Some(begun) => Ok(begun),
            None => home.create(&*projection).await,
        };
        match opened {
            Ok(Opened { generation, writer, .. }) => {
                self.build_generation = Some(generation.clone());
                let mut sink = SqlSink::new(self.projection.clone(), generation, writer);
                sink.begin_behind(self.began_behind());
                let status = self.build_status();
                let aside = self.read_aside(sink.pen().aside_at(), status.clone()).await;
                sink.park_in(Parking { aside, required: self.required_of_build() });
                self.build = Lane::start(self.follower(sink, status), shutdown, Until::CaughtUp);
                self.tell_build();
            }
            Err(error) => tracing::error!(%error, "failed to begin a rebuild; the old read model goes on answering"),
        }
    }

    /// The one that is built reports through the one that answers, not as a follower of its own.
    fn build_status(&self) -> Arc<Status> {
        let (name, version) = (self.projection.name(), self.projection.version());
        Status::new("rebuild", name, version, FollowerMetrics::default(), self.around.clock.clone())
    }

    pub(super) fn tell_build(&self) {
        if self.build.is_running() {
            self.status.rebuilding(self.build_generation.as_ref().map(|built| built.position()), None);
        }
    }

    fn build_stopped(&mut self, follower: Follower<SqlSink>, stopped: Stopped) {
        self.status.rebuilding(Some(follower.sink.generation().position()), Some(stopped.clone()));
        self.build = Lane::Stopped(Box::new(follower), Box::new(stopped));
    }

    /// What was built does not take the place of the one that answered, which is followed on with.
    fn stay_with(
        &mut self,
        old: Option<Follower<SqlSink>>,
        built: Follower<SqlSink>,
        stopped: Stopped,
        shutdown: &CancellationToken,
    ) {
        self.build_stopped(built, stopped);
        if let Some(mut old) = old {
            self.park_from_now_on(&mut old.sink);
            self.live = Lane::start(old, shutdown, Until::Forever);
        }
    }

    /// Puts the generation that was built in the place of the one that answered.
    async fn replace(&mut self, mut built: Follower<SqlSink>, shutdown: &CancellationToken) {
        let old = self.live.finish().await;
        self.end_redriving().await;
        if let Some(answering) = &old {
            // Nobody who has seen a position may be answered from before it.
            let reached = answering.sink.generation().position();
            let ended = match built.sink.generation().position() < reached {
                true => built.follow(shutdown, Until::Reached(reached)).await,
                false => Ended::Arrived,
            };
            if let Ended::Told = ended {
                return;
            }
            if let Some(stopped) = stop_of(&built, ended) {
                return self.stay_with(old, built, stopped, shutdown);
            }
        }
        let generation = built.sink.generation().clone();
        if let Some(name) = generation.name()
            && let Err(error) = self.home.set_current(name).await
        {
            if let Home::Shared(_) = self.home {
                // The others go by what is noted.
                let stopped = Stopped::fallen(generation.position(), error);
                return self.stay_with(old, built, stopped, shutdown);
            }
            tracing::warn!(%error, "failed to note which read database answers; it is built again at the next start");
        }
        let old = self.answering.send_replace(generation.clone());
        self.home.give_up(&old).await;
        self.outdated = None;
        self.build_generation = None;
        self.status.answers_again();
        built.status = self.status.clone();
        self.aside = Some(self.read_aside(built.sink.pen().aside_at(), self.status.clone()).await);
        self.park_from_now_on(&mut built.sink);
        // Only now: whoever hears of it may go back at once to what is set aside.
        let version = self.projection.version();
        self.status.rebuilt(version, generation.position());
        tracing::info!(projection = self.projection.name(), version, position = %generation.position(), "rebuilt");
        self.status.started();
        self.live = Lane::start(built, shutdown, Until::Forever);
    }

    /// What is built has come to its end, or to a stop.
    pub(super) async fn build_ended(
        &mut self,
        ended: Result<(Follower<SqlSink>, Ended), String>,
        shutdown: &CancellationToken,
    ) {
        match ended {
            Ok((follower, Ended::Arrived)) => self.replace(follower, shutdown).await,
            Ok((follower, ended)) => {
                if let Some(stopped) = stop_of(&follower, ended) {
                    self.build_stopped(follower, stopped);
                }
            }
            Err(error) => {
                let position = self.build_generation.as_ref().map_or(Position::START, |built| built.position());
                self.status.rebuilding(None, Some(Stopped::fallen(position, error)));
            }
        }
    }

    /// Begins anew, because somebody asked.
    pub(super) async fn rebuild(&mut self, shutdown: &CancellationToken) -> Result<(), ControlError> {
        if self.build.is_running() {
            return Err(ControlError::Rebuilding);
        }
        if self.waits_for_its_seed() {
            return Err(ControlError::Failed("it waits for its seed".to_owned()));
        }
        if let Some(given_up) = self.build.finish().await {
            self.home.give_up(given_up.sink.generation()).await;
        }
        self.start_build(None, shutdown).await;
        if self.build.is_running() { Ok(()) } else { Err(ControlError::Failed("see the log".to_owned())) }
    }
}
