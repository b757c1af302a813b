//! Timers: set by events, kept with the checkpoint, fired by the clock. One that cannot be handled is kept and marked; one
//! that fails and may succeed later is tried again after pauses that grow, and all wait when nothing works.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tradewind_events::Clock;

use super::ProcessManager;
use super::halves::Record;
use crate::context::internal_key;
use crate::panics::catch_in;
use crate::reaction::{Backoff, Circuit, Ledger, ReactionError, Timer};
use crate::{CommandContext, Commands, ParkingOptions};

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
    pub(crate) pauses: Pauses,
}

/// Timers that have failed and are tried again, and whether anything works at all. It is forgotten when the service goes
/// down: every start tries again at once.
pub(crate) struct Pauses {
    backoff: Backoff,
    circuit: Circuit,
    waiting: Mutex<HashMap<Key, Waiting>>,
}

/// What tells a timer from others, and from itself set anew: whose it is, its name, and what set it.
type Key = (String, String, String);

#[derive(Clone, Copy)]
struct Waiting {
    tries: u32,
    /// When it was tried last, and when it is next.
    tried: Instant,
    until: Instant,
}

/// What came of a timer.
enum Fired {
    /// It is done with, or marked as failed.
    Settled { succeeded: bool },
    /// Trying again may help.
    Failed { problem: String, everything_is_down: bool },
}

impl Pauses {
    pub(crate) fn new(options: &ParkingOptions) -> Self {
        let backoff = Backoff { first: options.pause_first, most: options.pause_most };
        Self { backoff, circuit: Circuit::new(options.probe_pause_most), waiting: Mutex::default() }
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<Key, Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which of the timers that are due are to be fired now. While nothing works that is one now and then: that which was
    /// not tried for the longest time.
    fn choose(&self, mut due: Vec<Timer>) -> Vec<Timer> {
        let (now, mut waiting) = (Instant::now(), self.waiting());
        // What was cancelled, or set anew, does not wait any more.
        let there: std::collections::HashSet<Key> = due.iter().map(key_of).collect();
        waiting.retain(|key, _| there.contains(key));
        if self.circuit.next_probe().is_some() {
            let tried = |timer: &Timer| waiting.get(&key_of(timer)).map(|one| one.tried);
            return due.into_iter().min_by_key(tried).into_iter().collect();
        }
        due.retain(|timer| waiting.get(&key_of(timer)).is_none_or(|one| one.until <= now));
        due.truncate(DUE_MAX);
        due
    }

    /// A timer is done with; tells whether something works again that did not.
    fn settled(&self, timer: &Timer, succeeded: bool) -> bool {
        self.waiting().remove(&key_of(timer));
        let works_again = if succeeded { self.circuit.succeeded() } else { self.circuit.decided() };
        if works_again {
            let now = Instant::now();
            self.waiting().values_mut().for_each(|one| one.until = now);
        }
        works_again
    }

    /// A timer has failed and is tried again; tells whether it has thereby been found out that nothing works.
    fn failed(&self, timer: &Timer, problem: &str, everything_is_down: bool, clock: &dyn Clock) -> bool {
        let (key, now, was_open) = (key_of(timer), Instant::now(), self.circuit.is_open());
        {
            let mut waiting = self.waiting();
            let one = waiting.entry(key.clone()).or_insert(Waiting { tries: 0, tried: now, until: now });
            one.tried = now;
            // What is down says nothing of the timer.
            if !everything_is_down {
                one.tries += 1;
                one.until = now + self.backoff.after(one.tries);
            }
        }
        let (process, name, _) = &key;
        self.circuit.failed(&format!("{process} {name}"), problem, everything_is_down, clock.now()) && !was_open
    }

    fn forget(&self) {
        self.waiting().clear();
    }
}

fn key_of(timer: &Timer) -> Key {
    (timer.process.clone(), timer.name.clone(), timer.cause.clone())
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
            self.pauses.forget();
            return Ok(0);
        }
        if self.pauses.circuit.next_probe().is_some_and(|at| at > Instant::now()) {
            return Ok(0);
        }
        // Those that wait must not keep the others from being found.
        let limit = DUE_MAX + self.pauses.waiting().len();
        let due = self.pauses.choose(self.ledger.due(self.clock.now(), limit).await?);
        let count = due.len();
        let mut firing = stream::iter(due.into_iter().map(|timer| self.try_it(timer))).buffer_unordered(FIRING_MAX);
        let mut problem = None;
        while let Some(fired) = firing.next().await {
            problem = problem.or(fired.err());
        }
        problem.map_or(Ok(count), Err)
    }

    async fn try_it(&self, timer: Timer) -> Result<(), String> {
        let process = self.process.name();
        match self.fire(timer.clone()).await? {
            Fired::Settled { succeeded } => {
                if self.pauses.settled(&timer, succeeded) {
                    tracing::info!(process, "timers go on after a pause");
                }
            }
            Fired::Failed { problem, everything_is_down } => {
                let (instance, name) = (&timer.process, &timer.name);
                tracing::warn!(process, instance, timer = name, problem, "a timer failed; it is tried again");
                if self.pauses.failed(&timer, &problem, everything_is_down, &*self.clock) {
                    tracing::warn!(process, problem, "timers pause: nothing that is tried succeeds");
                }
            }
        }
        Ok(())
    }

    /// Lets one timer run out: recorded first, forgotten then. In between it may run out again, and comes to the
    /// same.
    async fn fire(&self, timer: Timer) -> Result<Fired, String> {
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
            Ok(()) => {
                self.ledger.fired(timer).await?;
                Ok(Fired::Settled { succeeded: true })
            }
            Err(ReactionError::Transient(problem)) => Ok(Fired::Failed { problem, everything_is_down: false }),
            Err(ReactionError::Unavailable(problem)) => Ok(Fired::Failed { problem, everything_is_down: true }),
            Err(error @ ReactionError::Again(_)) => {
                Ok(Fired::Failed { problem: error.to_string(), everything_is_down: false })
            }
            Err(ReactionError::Poison(problem) | ReactionError::Unreadable(problem)) => {
                tracing::error!(
                    process = self.process.name(),
                    instance = timer.process,
                    timer = timer.name,
                    problem,
                    "a timer cannot be handled; it waits until it is tried again or skipped"
                );
                self.ledger.mark_failed(timer, problem).await?;
                Ok(Fired::Settled { succeeded: false })
            }
        }
    }
}
