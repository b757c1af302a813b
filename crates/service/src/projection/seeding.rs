//! Being seeded: somebody hands over what the source told, which is applied as if it had been followed, and moves the
//! same checkpoint. So it can be broken off anywhere, and gone on with.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Position, Recorded};

use super::folder::Begun;
use super::lane::Lane;
use super::runner::ProjectionRunner;
use super::sink::SqlSink;
use crate::follow::{Follower, Halt, Sink, Until};

/// How long who seeds may be silent before the projection follows its source by itself again.
const SILENT_MAX: Duration = Duration::from_secs(5);
/// How many hand-overs wait; others wait to be taken in.
const WAITING_MAX: usize = 2;

/// Events of the source, handed over.
#[derive(Debug)]
pub(crate) struct Handover {
    /// Behind which position they are: where the projection must be.
    pub(crate) after: Position,
    pub(crate) events: Vec<Recorded>,
    /// Up to where they are all.
    pub(crate) through: Position,
    /// Whether it is the last: then the projection follows by itself from there.
    pub(crate) is_last: bool,
    pub(crate) reply: oneshot::Sender<Result<Position, HandoverError>>,
}

/// Why events were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum HandoverError {
    /// The projection is elsewhere.
    #[error("it has come to position {0}")]
    Elsewhere(Position),
    /// It cannot be seeded now.
    #[error("it cannot be seeded now: {0}")]
    NotNow(String),
    /// An event cannot be applied: it has stopped there.
    #[error("it has stopped at position {position}: {error}")]
    Stopped {
        /// Where the event is.
        position: Position,
        /// Why.
        error: String,
    },
}

/// Hands events over to one running projection. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Seeds(mpsc::Sender<Handover>);

impl Seeds {
    pub(super) fn new() -> (Self, mpsc::Receiver<Handover>) {
        let (seeds, handovers) = mpsc::channel(WAITING_MAX);
        (Self(seeds), handovers)
    }

    /// Hands over, and tells how far the projection has come then.
    pub(crate) async fn hand_over(
        &self,
        after: Position,
        events: Vec<Recorded>,
        through: Position,
        is_last: bool,
    ) -> Result<Position, HandoverError> {
        let gone = || HandoverError::NotNow("it is not running".to_owned());
        let (reply, answer) = oneshot::channel();
        let handover = Handover { after, events, through, is_last, reply };
        self.0.send(handover).await.map_err(|_| gone())?;
        answer.await.unwrap_or_else(|_| Err(gone()))
    }
}

/// What does not follow by itself while somebody hands over.
pub(crate) struct Seeding {
    follower: Follower<SqlSink>,
    /// Whether it cannot follow before it has been given all of its seed.
    is_awaited: bool,
    /// Until when the next is waited for, if it can follow by itself.
    until: Instant,
}

impl Seeding {
    /// One that nobody has handed anything over to yet.
    pub(super) fn awaited(follower: Follower<SqlSink>) -> Self {
        Self { follower, is_awaited: true, until: Instant::now() }
    }
}

impl ProjectionRunner {
    /// Takes what is handed over.
    pub(super) async fn take(&mut self, handover: Handover, shutdown: &CancellationToken) {
        let Handover { after, events, through, is_last, reply } = handover;
        let taken = match self.stop_following().await {
            Ok((follower, is_awaited)) => {
                self.take_with(follower, is_awaited, (after, events, through), is_last, shutdown).await
            }
            Err(error) => Err(error),
        };
        // Whoever asked may have gone.
        let _ = reply.send(taken);
    }

    /// What followed until now, and whether it waits for its seed.
    async fn stop_following(&mut self) -> Result<(Follower<SqlSink>, bool), HandoverError> {
        if let Some(seeding) = self.seeding.take() {
            return Ok((seeding.follower, seeding.is_awaited));
        }
        let not_now = |why: &str| HandoverError::NotNow(why.to_owned());
        if self.build.is_running() || self.outdated.is_some() {
            return Err(not_now("it is being rebuilt"));
        }
        if self.live.stopped_at().is_some() {
            return Err(not_now("it has stopped at an event"));
        }
        let follower = self.live.finish().await.ok_or_else(|| not_now("it does not follow anything"))?;
        Ok((follower, false))
    }

    async fn take_with(
        &mut self,
        mut follower: Follower<SqlSink>,
        is_awaited: bool,
        (after, events, through): (Position, Vec<Recorded>, Position),
        is_last: bool,
        shutdown: &CancellationToken,
    ) -> Result<Position, HandoverError> {
        let here = follower.sink.position();
        let taken = if after == here {
            match follower.hand_over(events, through).await {
                Ok(()) => Ok(follower.sink.position()),
                Err(Halt::Poison(stopped)) => {
                    let (position, error) = (stopped.position, stopped.error.clone());
                    self.status.stopped((*stopped).clone());
                    self.live = Lane::Stopped(Box::new(follower), stopped);
                    return Err(HandoverError::Stopped { position, error });
                }
                Err(Halt::Transient(problem)) => Err(HandoverError::NotNow(problem)),
                Err(Halt::Told) => Err(HandoverError::NotNow("it is going down".to_owned())),
            }
        } else {
            Err(HandoverError::Elsewhere(here))
        };
        let mut seeding = Seeding { follower, is_awaited, until: Instant::now() + SILENT_MAX };
        let mut noted = Ok(());
        if is_awaited && taken.is_ok() {
            // Before the end, too: a checkpoint without a note is that of one that began otherwise.
            noted = self.folder.set_begun(Begun { position: through, is_complete: is_last });
            seeding.is_awaited = !is_last || noted.is_err();
        }
        self.seeding = Some(seeding);
        noted.map_err(|error| HandoverError::NotNow(error.to_string()))?;
        if is_last && taken.is_ok() {
            self.end_seeding(shutdown).await;
        }
        taken
    }

    /// Whether it must not follow before it has been given all of its seed.
    pub(super) fn waits_for_its_seed(&self) -> bool {
        self.seeding.as_ref().is_some_and(|seeding| seeding.is_awaited)
    }

    /// Who seeds has been silent for long, and may have been killed.
    pub(super) async fn end_seeding_if_left(&mut self, shutdown: &CancellationToken) {
        let is_left = |seeding: &Seeding| !seeding.is_awaited && Instant::now() > seeding.until;
        if self.seeding.as_ref().is_some_and(is_left) {
            tracing::warn!(projection = self.projection.name(), "who seeds it is silent; it follows by itself");
            self.end_seeding(shutdown).await;
        }
    }

    /// Follows by itself again, if it may.
    pub(super) async fn end_seeding(&mut self, shutdown: &CancellationToken) {
        if self.waits_for_its_seed() {
            return;
        }
        if let Some(Seeding { mut follower, .. }) = self.seeding.take() {
            follower.sink.flush().await;
            self.live = Lane::start(follower, shutdown, Until::Forever);
        }
    }

    pub(super) async fn keep_what_was_seeded(&mut self) {
        if let Some(mut seeding) = self.seeding.take() {
            seeding.follower.sink.flush().await;
        }
    }
}
