//! Going back to what a projection has set aside: the events of a key are applied in their order, and taken out of what
//! is set aside in the same transaction.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tokio::sync::Mutex;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::AbortOnDropHandle;
use tradewind_events::{Position, Recorded};

use super::database::End;
use super::pen::{Pen, Unwritten};
use crate::Upcasters;
use crate::follow::Skips;
use crate::reaction::{Aside, Drives, Failure, KeptEvent, Left, Settled, Slot, Standing, Taken, class, drive_all};

/// How many events of a key are applied in one transaction.
const EVENTS_READ: usize = 64;

/// Applies what was set aside of one generation.
pub(super) struct Redriver {
    pub(super) pen: Mutex<Pen>,
    pub(super) aside: Arc<Aside>,
    pub(super) skips: Skips,
    pub(super) upcasters: Upcasters,
}

/// A redriver at work, until this is dropped.
pub(super) struct Redriving {
    stop: DropGuard,
    task: AbortOnDropHandle<()>,
}

impl Redriving {
    pub(super) fn start(redriver: Redriver) -> Self {
        let stop = CancellationToken::new();
        let guard = stop.clone().drop_guard();
        let task = AbortOnDropHandle::new(tokio::spawn(async move { drive_all(&redriver, &stop).await }));
        Self { stop: guard, task }
    }

    /// Ends it between two transactions.
    pub(super) async fn finish(self) {
        drop(self.stop);
        if let Err(error) = self.task.await {
            tracing::warn!(%error, "what went back to what a projection has set aside fell");
        }
    }
}

/// The first events of a key, as they are to be applied.
struct Queue {
    /// Where they are, also those that are passed over.
    positions: Vec<Position>,
    events: Vec<Recorded>,
    /// The one behind them, if it cannot be applied, and why.
    failed: Option<(Recorded, Failure)>,
}

impl Drives for Redriver {
    fn aside(&self) -> &Arc<Aside> {
        &self.aside
    }

    /// They would wait for each other.
    fn driven_max(&self) -> usize {
        1
    }

    fn drive<'a>(&'a self, taken: &'a Taken, stop: &'a CancellationToken) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let mut was_first = true;
            while self.step(&taken.key, was_first, stop).await? {
                was_first = false;
            }
            Ok(())
        }
        .boxed()
    }
}

impl Redriver {
    /// Applies the first events of a key; tells whether to go on with those behind them.
    async fn step(&self, key: &str, was_first: bool, stop: &CancellationToken) -> Result<bool, String> {
        let _alone = self.aside.alone().await;
        let queue = self.aside.ledger.queue(key, Position::START, EVENTS_READ).await?;
        let mut queue = self.readable(queue);
        let mut pen = self.pen.lock().await;
        loop {
            let goes_on = queue.failed.is_none() && !stop.is_cancelled();
            let (standing, slot) = match &queue.failed {
                Some((_, failure)) => {
                    let left = Left::Failed(failure.clone());
                    self.aside.standing(key, &left, was_first && queue.positions.is_empty())
                }
                None => (Standing::untried(self.aside.now()), Slot::going_on(goes_on)),
            };
            let settled = Settled {
                key: key.to_owned(),
                through: queue.positions.last().copied(),
                events: queue.positions.len() as u64,
                timers: Vec::new(),
                alone: Vec::new(),
                standing,
            };
            match pen.write(queue.events.clone(), End::Settled(settled.clone())).await {
                Ok(is_left) => {
                    let next = queue.failed.as_ref().map(|(event, _)| event);
                    self.aside.note_settled(&settled, is_left, &slot, next);
                    return Ok(is_left && goes_on);
                }
                Err(Unwritten::Event(position, failure)) => queue.ends_at(position, failure),
                Err(Unwritten::Trouble(problem)) => return Err(problem),
                Err(Unwritten::Moved(position)) => return Err(format!("the checkpoint was moved to {position}")),
            }
        }
    }

    /// As they are read today, without those that somebody has decided to pass over.
    fn readable(&self, kept: Vec<KeptEvent>) -> Queue {
        let mut queue = Queue { positions: Vec::new(), events: Vec::new(), failed: None };
        for event in kept.into_iter().map(KeptEvent::into_event) {
            if !self.skips.contains(event.position()) {
                match self.upcasters.upcast(event.clone()) {
                    Ok(event) => queue.events.push(event),
                    Err(problem) => {
                        let failure = Failure { class: class::UNREADABLE, error: problem.to_string() };
                        queue.failed = Some((event, failure));
                        break;
                    }
                }
            }
            queue.positions.push(event.position());
        }
        queue
    }
}

impl Queue {
    /// The event at this position cannot be applied.
    fn ends_at(&mut self, position: Position, failure: Failure) {
        self.positions.retain(|at| *at < position);
        let mut behind = self.events.split_off(self.events.partition_point(|event| event.position() < position));
        if !behind.is_empty() {
            self.failed = Some((behind.swap_remove(0), failure));
        }
    }
}
