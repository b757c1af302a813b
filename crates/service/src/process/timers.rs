//! Timers: set by events, kept with the checkpoint, fired by the clock. One that cannot be handled is kept and marked.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tradewind_events::Clock;

use super::ProcessManager;
use super::halves::Record;
use crate::context::internal_key;
use crate::panics::catch_in;
use crate::reaction::{Ledger, ReactionError, Timer};
use crate::{CommandContext, Commands};

/// How often the clock is looked at.
const TICK: Duration = Duration::from_millis(50);
/// How many timers fire at the same time.
const FIRING_MAX: usize = 32;
/// How many due timers are taken at once.
const DUE_MAX: usize = 256;

/// Fires the timers of one process manager.
pub(crate) struct TimerRunner<P> {
    pub(crate) process: Arc<P>,
    pub(crate) commands: Commands,
    pub(crate) ledger: Ledger,
    pub(crate) clock: Arc<dyn Clock>,
}

impl<P: ProcessManager> TimerRunner<P> {
    /// Runs until `shutdown`.
    pub(crate) async fn run(self, shutdown: CancellationToken) {
        loop {
            let fired = catch_in("firing", self.fire_due()).await.and_then(|fired| fired);
            let more = match fired {
                Ok(fired) => fired == DUE_MAX,
                Err(problem) => {
                    tracing::warn!(process = self.process.name(), problem, "failed to fire timers; trying again");
                    false
                }
            };
            if shutdown.is_cancelled() {
                return;
            }
            if !more && shutdown.run_until_cancelled(tokio::time::sleep(TICK)).await.is_none() {
                return;
            }
        }
    }

    async fn fire_due(&self) -> Result<usize, String> {
        if !self.ledger.is_at_hand() {
            return Ok(0);
        }
        let due = self.ledger.due(self.clock.now(), DUE_MAX).await?;
        let count = due.len();
        let mut firing = stream::iter(due.into_iter().map(|timer| self.fire(timer))).buffer_unordered(FIRING_MAX);
        let mut problem = None;
        while let Some(fired) = firing.next().await {
            problem = problem.or(fired.err());
        }
        problem.map_or(Ok(count), Err)
    }

    /// Lets one timer run out: recorded first, forgotten then. In between it may run out again, and comes to the
    /// same.
    async fn fire(&self, timer: Timer) -> Result<(), String> {
        let key = internal_key(format_args!("{}/timer/{}/{}", self.process.name(), timer.cause, timer.name));
        let context = CommandContext {
            correlation_id: timer.correlation.clone(),
            causation_id: Some(timer.cause.clone()),
            traceparent: timer.traceparent.clone(),
            tracestate: timer.tracestate.clone(),
            at: timer.backdated.then_some(timer.due),
            ..CommandContext::keyed(key)
        }
        .traced_by(&format!("{}/timer/{}", self.process.name(), timer.name));
        let name = timer.name.clone();
        let record = Record::new(&self.process, move |process: &P, state| Ok(process.on_timer(state, &name)));
        let fired = catch_in("the process manager", record.give(&self.commands, &timer.process, &context)).await;
        match fired.unwrap_or_else(|panic| Err(ReactionError::Poison(panic))) {
            Ok(()) => self.ledger.fired(timer).await,
            Err(ReactionError::Transient(problem) | ReactionError::Unavailable(problem)) => Err(problem),
            Err(error @ ReactionError::Again(_)) => Err(error.to_string()),
            Err(ReactionError::Poison(problem) | ReactionError::Unreadable(problem)) => {
                tracing::error!(
                    process = self.process.name(),
                    instance = timer.process,
                    timer = timer.name,
                    problem,
                    "a timer cannot be handled; it waits until it is tried again or skipped"
                );
                self.ledger.mark_failed(timer, problem).await
            }
        }
    }
}
