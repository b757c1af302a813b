//! What an operator can ask of a reaction while it goes on: only its timers can have failed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{Fuse, FusedFuture};
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::Clock;

use super::{Ledger, Timer};
use crate::follow::{ControlError, FailedTimer, Request, Skips, Status, TimerSkipped, Wish};

/// How many failed timers are told.
const TOLD_MAX: usize = 16;
/// How often it is looked at which timers have failed.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Grants what is asked. Clones share everything.
#[derive(Clone)]
pub(super) struct Desk {
    pub(super) ledger: Ledger,
    pub(super) skips: Skips,
    pub(super) status: Arc<Status>,
    pub(super) clock: Arc<dyn Clock>,
}

impl Desk {
    /// Does the work, granting meanwhile what is asked.
    pub(super) async fn open_during<T>(
        &self,
        requests: &mut mpsc::Receiver<Request>,
        work: impl Future<Output = T>,
    ) -> T {
        let mut work = std::pin::pin!(work);
        let mut granting = std::pin::pin!(Fuse::terminated());
        loop {
            tokio::select! {
                done = &mut work => return done,
                () = &mut granting, if !granting.is_terminated() => {}
                Some(request) = requests.recv(), if granting.is_terminated() => granting.set(self.grant(request).fuse()),
            }
        }
    }

    async fn grant(&self, request: Request) {
        let answer = match request.wish {
            Wish::Rebuild => Err(ControlError::NotAProjection),
            Wish::Retry => self.retry().await,
            Wish::Skip => self.skip(request.actor).await,
        };
        self.look().await;
        // Whoever asked may have gone.
        let _ = request.reply.send(answer);
    }

    /// Lets all timers that have failed fire again.
    pub(super) async fn retry(&self) -> Result<(), ControlError> {
        match self.ledger.retry_failed().await.map_err(ControlError::Failed)? {
            0 => Err(ControlError::NotStopped),
            timers => {
                tracing::info!(follower = self.status.name(), timers, "timers are tried again, as was asked");
                Ok(())
            }
        }
    }

    /// Gives up the first timer that has failed.
    async fn skip(&self, actor: Option<String>) -> Result<(), ControlError> {
        let first = self.ledger.failed(1).await.map_err(ControlError::Failed)?.pop();
        let (timer, error) = first.ok_or(ControlError::NotStopped)?;
        let skipped = TimerSkipped {
            instance: timer.process.clone(),
            timer: timer.name.clone(),
            cause: timer.cause.clone(),
            due: timer.due,
            error,
        };
        let recorded = self.skips.skip_timer(skipped, self.clock.now(), actor).await;
        recorded.map_err(|error| ControlError::Failed(error.to_string()))?;
        tracing::warn!(follower = self.status.name(), instance = timer.process, timer = timer.name, "timer skipped");
        self.ledger.fired(timer).await.map_err(ControlError::Failed)
    }

    /// Tells which timers have failed, until what this returns is dropped.
    pub(super) fn keep_looking(&self) -> AbortOnDropHandle<()> {
        let desk = self.clone();
        AbortOnDropHandle::new(tokio::spawn(async move {
            loop {
                desk.look().await;
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }))
    }

    async fn look(&self) {
        match self.ledger.failed(TOLD_MAX).await {
            Ok(failed) => {
                let failed = failed.into_iter().map(|(timer, error)| told(timer, error)).collect();
                self.status.timers_failed(failed);
            }
            Err(problem) => tracing::warn!(follower = self.status.name(), problem, "failed to look at the timers"),
        }
    }
}

fn told(timer: Timer, error: String) -> FailedTimer {
    FailedTimer { instance: timer.process, name: timer.name, due: timer.due, error }
}
