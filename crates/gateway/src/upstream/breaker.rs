//! The circuit breaker: nobody waits for a service that fails most of the time, and it is left alone for a while
//! (Nygard 2007).

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::NoAnswer;
use super::options::BreakerOptions;
use super::window::Window;

#[derive(Debug)]
pub(super) struct Breaker {
    options: BreakerOptions,
    in_flight: AtomicUsize,
    state: Mutex<State>,
    /// How often it has opened.
    opened: AtomicU64,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    window: Window,
    /// How often it has opened in succession.
    in_succession: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Closed,
    Open {
        until: Instant,
    },
    /// Some are let through, to see.
    Probing {
        let_through: u32,
        went_well: u32,
    },
}

/// One request's place among those that may be under way.
#[derive(Debug)]
pub(crate) struct InFlight(Arc<Breaker>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A request that was let through and whose outcome is awaited. Dropped without one, it was given up, which tells nothing.
#[derive(Debug)]
pub(super) struct LetThrough {
    breaker: Arc<Breaker>,
    probe: bool,
    told: bool,
}

impl Drop for LetThrough {
    fn drop(&mut self) {
        if self.probe && !self.told {
            let mut state = self.breaker.state();
            if let Phase::Probing { let_through, .. } = &mut state.phase {
                *let_through = let_through.saturating_sub(1);
            }
        }
    }
}

impl LetThrough {
    /// How it went.
    pub(super) fn tell(mut self, good: bool) {
        self.told = true;
        self.breaker.told(good, self.probe);
    }
}

impl Breaker {
    pub(super) fn new(options: BreakerOptions) -> Self {
        let state = State { phase: Phase::Closed, window: Window::new(options.window), in_succession: 0 };
        Self { options, in_flight: AtomicUsize::new(0), state: Mutex::new(state), opened: AtomicU64::new(0) }
    }

    /// One with other options in its place. It is closed, and what is under way is counted by the old one.
    pub(super) fn instead(&self, options: BreakerOptions) -> Self {
        Self { opened: AtomicU64::new(self.opened()), ..Self::new(options) }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a request through, or says why not.
    pub(super) fn enter(self: &Arc<Self>) -> Result<(LetThrough, InFlight), NoAnswer> {
        if self.in_flight.fetch_add(1, Ordering::Relaxed) >= self.options.in_flight_at_most {
            self.in_flight.fetch_sub(1, Ordering::Relaxed);
            return Err(NoAnswer::Busy);
        }
        // From here on, leaving gives the place back.
        let in_flight = InFlight(Arc::clone(self));
        let mut state = self.state();
        let probe = match &mut state.phase {
            Phase::Closed => false,
            Phase::Open { until } => {
                let left = until.saturating_duration_since(Instant::now());
                if !left.is_zero() {
                    return Err(NoAnswer::BreakerOpen { retry_after: left });
                }
                state.phase = Phase::Probing { let_through: 1, went_well: 0 };
                true
            }
            Phase::Probing { let_through, .. } if *let_through < self.options.probes.max(1) => {
                *let_through += 1;
                true
            }
            Phase::Probing { .. } => return Err(NoAnswer::BreakerOpen { retry_after: self.options.open }),
        };
        drop(state);
        Ok((LetThrough { breaker: Arc::clone(self), probe, told: false }, in_flight))
    }

    fn told(&self, good: bool, probe: bool) {
        let now = Instant::now();
        let mut state = self.state();
        match &mut state.phase {
            Phase::Closed => {
                state.window.add(good, now);
                if !good && state.window.is_bad(self.options.minimum, self.options.percent) {
                    self.open(&mut state, now);
                }
            }
            Phase::Probing { went_well, .. } if probe => {
                *went_well += u32::from(good);
                if !good {
                    self.open(&mut state, now);
                } else if *went_well >= self.options.probes.max(1) {
                    close(&mut state);
                }
            }
            // It began before the breaker opened.
            Phase::Open { .. } | Phase::Probing { .. } => {}
        }
    }

    fn open(&self, state: &mut State, now: Instant) {
        let doubled = self.options.open.saturating_mul(1 << state.in_succession.min(16));
        state.in_succession += 1;
        state.phase = Phase::Open { until: now + doubled.min(self.options.open_at_most) };
        self.opened.fetch_add(1, Ordering::Relaxed);
    }

    /// There are other instances than those that failed: they get their chance.
    pub(super) fn reset(&self) {
        close(&mut self.state());
    }

    /// Something may be better now: if nobody is let through, some are at once, to see.
    pub(super) fn look_again(&self) {
        if let Phase::Open { until } = &mut self.state().phase {
            *until = Instant::now();
        }
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened.load(Ordering::Relaxed)
    }

    pub(super) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// For how long nobody is let through, if that is so.
    pub(super) fn open_for(&self) -> Option<Duration> {
        match self.state().phase {
            Phase::Open { until } => {
                Some(until.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
            }
            Phase::Closed | Phase::Probing { .. } => None,
        }
    }
}

fn close(state: &mut State) {
    state.phase = Phase::Closed;
    state.in_succession = 0;
    state.window.clear();
}
