//! Building a read model anew beside the one that answers, and putting it in its place.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tradewind_events::Position;

use super::folder::FileName;
use super::lane::Lane;
use super::open::{Opened, create_database, open_database};
use super::runner::{ProjectionRunner, stop_of};
use super::sink::SqlSink;
use crate::follow::{ControlError, Ended, Follower, FollowerMetrics, Status, Stopped, Until};

impl ProjectionRunner {
    /// Begins to build a generation beside the one that answers, or goes on with one that was begun.
    pub(super) fn start_build(&mut self, unfinished: Option<FileName>, shutdown: &CancellationToken) {
        let projection = &*self.projection;
        let begun = unfinished.and_then(|name| open_database(&self.folder, name, projection).ok());
        let begun = begun.filter(|begun| {
            // One whose tables have changed since it was begun is not gone on with.
            let goes_on = begun.generation.is_of_today();
            if !goes_on {
                begun.generation.set_replaced();
            }
            goes_on
        });
        match begun.map_or_else(|| create_database(&self.folder, projection), Ok) {
            Ok(Opened { generation, writer, .. }) => {
                self.build_generation = Some(generation.clone());
                let sink = SqlSink::new(self.projection.clone(), generation, writer);
                self.build = Lane::start(self.follower(sink, self.build_status()), shutdown, Until::CaughtUp);
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

    /// Puts the generation that was built in the place of the one that answered.
    async fn replace(&mut self, mut built: Follower<SqlSink>, shutdown: &CancellationToken) {
        if let Some(old) = self.live.finish().await {
            // Nobody who has seen a position may be answered from before it.
            let reached = old.sink.generation().position();
            let ended = match built.sink.generation().position() < reached {
                true => built.follow(shutdown, Until::Reached(reached)).await,
                false => Ended::Arrived,
            };
            if let Ended::Told = ended {
                return;
            }
            if let Some(stopped) = stop_of(&built, ended) {
                self.build_stopped(built, stopped);
                self.live = Lane::start(old, shutdown, Until::Forever);
                return;
            }
        }
        let generation = built.sink.generation().clone();
        let set = FileName::of(generation.path()).map(|name| self.folder.set_current(name));
        if let Some(Err(error)) = set {
            tracing::warn!(%error, "failed to note which read database answers; it is built again at the next start");
        }
        let old = self.answering.send_replace(generation.clone());
        old.set_replaced();
        self.outdated = None;
        self.build_generation = None;
        let version = self.projection.version();
        self.status.rebuilt(version, generation.position());
        tracing::info!(projection = self.projection.name(), version, position = %generation.position(), "rebuilt");
        built.status = self.status.clone();
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
        if let Some(given_up) = self.build.finish().await {
            given_up.sink.generation().set_replaced();
        }
        self.start_build(None, shutdown);
        if self.build.is_running() { Ok(()) } else { Err(ControlError::Failed("see the log".to_owned())) }
    }
}
