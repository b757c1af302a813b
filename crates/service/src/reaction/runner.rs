//! A reaction's life: following its source, and stopping at what it cannot handle.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tradewind_events::{EventSource, Query};

use super::Ledger;
use super::sink::{ReactionSink, Reactor};
use crate::follow::{
    Control, ControlError, Ended, Follower, Request, Skips, Status, Stopped, Until, Wish, control, run_to_its_end,
};
use crate::projection::Surroundings;

/// How long the source may take to tell its head.
const HEAD_MAX: Duration = Duration::from_secs(5);
/// Between two tries to begin.
const PAUSE: Duration = Duration::from_millis(500);

/// What tells reactions apart that share everything else.
pub(crate) struct ReactionSurroundings {
    pub(crate) kind: &'static str,
    /// The name under which it is known and its skips are recorded.
    pub(crate) name: &'static str,
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) query: Query,
}

/// A reaction as a task: see [`ReactionRunner::run`].
pub(crate) struct ReactionRunner {
    follower: Option<Follower<ReactionSink>>,
    status: Arc<Status>,
    skips: Skips,
    around: Surroundings,
    source: Arc<dyn EventSource>,
    requests: mpsc::Receiver<Request>,
}

impl ReactionRunner {
    pub(crate) fn open(
        reactor: Arc<dyn Reactor>,
        about: ReactionSurroundings,
        around: Surroundings,
        ledger: &Ledger,
    ) -> rusqlite::Result<(Self, Control)> {
        let ReactionSurroundings { kind, name, source, query } = about;
        let position = ledger.position()?;
        let status = Status::new(kind, name, 1, around.metrics.clone(), around.clock.clone());
        status.moved_to(position);
        let skips = Skips::new(around.store.clone(), name, 1);
        let sink = ReactionSink { reactor, ledger: ledger.clone(), position, stored: position };
        let follower = Follower {
            sink,
            source: source.clone(),
            query,
            upcasters: around.upcasters.clone(),
            skips: skips.clone(),
            status: status.clone(),
        };
        let (control, requests) = control();
        Ok((Self { follower: Some(follower), status, skips, around, source, requests }, control))
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
        let Some(mut follower) = self.follower.take() else { return };
        let about = (&self.skips, &*self.source, &*self.status);
        while let Err(problem) = refusing(&mut self.requests, prepare(about, &mut follower.sink)).await {
            tracing::warn!(reaction = self.status.name(), problem, "failed to begin; trying again");
            let pause = shutdown.run_until_cancelled(tokio::time::sleep(PAUSE));
            if refusing(&mut self.requests, pause).await.is_none() {
                return;
            }
        }
        let _sampling = self.status.keep_sampling(self.source.clone());
        loop {
            let stopped = match refusing(&mut self.requests, follower.follow(shutdown, Until::Forever)).await {
                Ended::Stopped(stopped) => *stopped,
                Ended::Fell(panic) => Stopped::fallen(follower.sink.position, panic),
                Ended::Told | Ended::Arrived => return,
            };
            self.status.stopped(stopped.clone());
            if !self.wait_for_help(&stopped, shutdown).await {
                return;
            }
            self.status.started();
        }
    }

    /// Waits until somebody says how to go on; false if the service goes down instead.
    async fn wait_for_help(&mut self, stopped: &Stopped, shutdown: &CancellationToken) -> bool {
        loop {
            let request = shutdown.run_until_cancelled(self.requests.recv()).await;
            let Some(Some(request)) = request else { return false };
            let answer = match request.wish {
                Wish::Retry => Ok(()),
                Wish::Rebuild => Err(ControlError::NotAProjection),
                Wish::Skip if !stopped.is_at_event() => Err(ControlError::NotStopped),
                Wish::Skip => self
                    .skips
                    .skip(stopped, self.around.clock.now(), request.actor)
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
    (skips, source, status): (&Skips, &dyn EventSource, &Status),
    sink: &mut ReactionSink,
) -> Result<(), String> {
    skips.load().await.map_err(|error| error.to_string())?;
    let head = tokio::time::timeout(HEAD_MAX, source.head()).await;
    let head = head.map_err(|_| "the source does not tell its head".to_owned())?;
    if head.map_err(|error| error.to_string())? >= sink.position {
        return Ok(());
    }
    // A store that was brought back from a backup, or another one: what it records from now on has not been met,
    // though the checkpoint says so. Whatever is met again comes to the same.
    tracing::warn!(reaction = status.name(), "the store is not that of the checkpoint; meeting all of it");
    sink.reset().await?;
    status.moved_to(sink.position);
    Ok(())
}

/// Does the work, answering meanwhile that nothing has stopped.
async fn refusing<T>(requests: &mut mpsc::Receiver<Request>, work: impl Future<Output = T>) -> T {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            done = &mut work => return done,
            Some(request) = requests.recv() => {
                let refusal = match request.wish {
                    Wish::Rebuild => ControlError::NotAProjection,
                    Wish::Retry | Wish::Skip => ControlError::NotStopped,
                };
                // Whoever asked may have gone.
                let _ = request.reply.send(Err(refusal));
            }
        }
    }
}
