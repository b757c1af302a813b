//! Where a projection begins.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_events::Position;

use super::folder::Begun;
use super::lane::Lane;
use super::runner::ProjectionRunner;
use super::seeding::Seeding;
use super::sink::SqlSink;
use crate::StartFrom;
use crate::follow::{Sink, Until};

/// How long the source may take to tell its head, and how long between two tries.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(500);

impl ProjectionRunner {
    /// Follows on from the checkpoint; without one, from where it was said.
    pub(super) async fn start_following(&mut self, mut sink: SqlSink, shutdown: &CancellationToken) {
        // A checkpoint without a note of the beginning is that of one that began with the first event.
        if sink.position() == Position::START || self.begun().is_some() {
            match self.from {
                StartFrom::Beginning => {}
                StartFrom::Now => sink.begin_behind(self.now().await),
                StartFrom::Snapshot if self.begun().is_some_and(|begun| begun.is_complete) => {}
                StartFrom::Snapshot => {
                    let follower = self.follower(sink, self.status.clone());
                    self.seeding = Some(Seeding::awaited(follower));
                    tracing::info!(projection = self.projection.name(), "waits for its seed: run `tradewind seed`");
                    return;
                }
            }
        }
        self.live = Lane::start(self.follower(sink, self.status.clone()), shutdown, Until::Forever);
    }

    /// Behind which position it begins that begins now. That is decided once.
    async fn now(&mut self) -> Position {
        loop {
            if let Some(begun) = self.begun() {
                return begun.position;
            }
            let problem = match tokio::time::timeout(HEAD_WITHIN, self.source.head()).await {
                Ok(Ok(position)) => match self.folder.set_begun(Begun { position, is_complete: true }) {
                    Ok(()) => return position,
                    Err(error) => error.to_string(),
                },
                Ok(Err(error)) => error.to_string(),
                Err(_) => "the source does not tell its head".to_owned(),
            };
            tracing::warn!(projection = self.projection.name(), problem, "failed to begin; trying again");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// The source is another one than before, or one that was brought back from a backup: a beginning behind its head
    /// says nothing of it.
    pub(super) async fn begin_anew(&mut self, head: Position) {
        if self.begun().is_some_and(|begun| begun.position > head)
            && let Err(error) = self.folder.forget_begun()
        {
            tracing::warn!(projection = self.projection.name(), %error, "failed to forget where it began");
        }
        if self.from == StartFrom::Now {
            self.now().await;
        }
    }

    /// Whether it was given all that it begins with, if it begins with a snapshot.
    pub(crate) fn has_its_seed(&self) -> bool {
        self.from != StartFrom::Snapshot || self.begun().is_none_or(|begun| begun.is_complete)
    }

    pub(super) fn begun(&self) -> Option<Begun> {
        self.folder.begun().unwrap_or_else(|error| {
            tracing::warn!(projection = self.projection.name(), %error, "failed to read where it began");
            None
        })
    }

    /// Behind which position one that is made anew begins. A snapshot is all that was told up to it, which the source
    /// tells again.
    pub(super) fn began_behind(&self) -> Position {
        let begun = self.begun().filter(|_| self.from == StartFrom::Now);
        begun.map_or(Position::START, |begun| begun.position)
    }
}
