//! Goes back to what was set aside: to each key when it is due, and then through all of its events in their order.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;
use tradewind_events::{Recorded, Timestamp};

use super::{Aside, Slot, Taken, key_alone};
use crate::Upcasters;
use crate::reaction::failure::class;
use crate::reaction::ledger::{KeptEvent, SetAside, Settled, Standing};
use crate::reaction::meeting::{Failure, Left, Meeting, Met};

/// How many keys of a reaction are driven at the same time.
const DRIVEN_MAX: usize = 32;
/// How many events of a key are read at once.
const EVENTS_READ: usize = 64;

/// What goes through the events of a key that was set aside.
pub(crate) trait Drives: Send + Sync {
    fn aside(&self) -> &Arc<Aside>;

    /// How many keys are driven at the same time.
    fn driven_max(&self) -> usize;

    /// Meets the events of a key that was taken, as far as it goes, and keeps what has come of them.
    fn drive<'a>(&'a self, taken: &'a Taken, stop: &'a CancellationToken) -> BoxFuture<'a, Result<(), String>>;
}

/// Drives all keys when they are due, until `stop`; what is under way then comes to the end of an event or a few.
pub(crate) async fn drive_all(drives: &dyn Drives, stop: &CancellationToken) {
    let aside = drives.aside();
    let mut changes = aside.watch();
    let mut driven = FuturesUnordered::new();
    loop {
        changes.mark_unchanged();
        // A probe goes alone: what it finds out decides about all the others.
        let is_free = |driven: usize| if aside.circuit.is_open() { driven == 0 } else { driven < drives.driven_max() };
        while is_free(driven.len())
            && let Some(taken) = aside.take()
        {
            driven.push(drive(drives, taken, stop));
        }
        let next_look = aside.next_look();
        let look = async {
            match next_look {
                Some(at) => tokio::time::sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => break,
            Some(()) = driven.next() => {}
            _ = changes.changed() => {}
            () = look, if is_free(driven.len()) => {}
        }
    }
    while driven.next().await.is_some() {}
}

async fn drive(drives: &dyn Drives, taken: Taken, stop: &CancellationToken) {
    let aside = drives.aside();
    if taken.was_tried {
        aside.status().retried();
    }
    if let Err(problem) = drives.drive(&taken, stop).await {
        let (follower, key) = (aside.status().name(), &*taken.key);
        tracing::warn!(follower, key, problem, "failed to go on with a key that was set aside; trying again");
        aside.give_back(key);
    }
}

/// Drives the keys that a reaction has set aside.
pub(crate) struct Driver {
    pub(in crate::reaction) meeting: Arc<Meeting>,
    pub(in crate::reaction) upcasters: Upcasters,
}

impl Drives for Driver {
    fn aside(&self) -> &Arc<Aside> {
        &self.meeting.aside
    }

    fn driven_max(&self) -> usize {
        DRIVEN_MAX
    }

    fn drive<'a>(&'a self, taken: &'a Taken, stop: &'a CancellationToken) -> BoxFuture<'a, Result<(), String>> {
        self.drive_to_its_end(taken, stop).boxed()
    }
}

impl Driver {
    async fn drive_to_its_end(&self, taken: &Taken, stop: &CancellationToken) -> Result<(), String> {
        let aside = &self.meeting.aside;
        let (mut is_probe, mut was_first) = (taken.is_probe, true);
        loop {
            let limit = if is_probe { 1 } else { EVENTS_READ };
            let queue = aside.ledger.queue(&taken.key, Default::default(), limit).await?;
            let events: Vec<Recorded> = queue.into_iter().map(KeptEvent::into_event).collect();
            let met = self.meet(&taken.key, &events, is_probe).await;
            let next = events.get(met.done);
            let goes_on = met.left.is_none() && !stop.is_cancelled();
            let (standing, slot) = match &met.left {
                Some(left) => aside.standing(&taken.key, left, was_first && met.done == 0),
                None => (Standing::untried(aside.now()), Slot::going_on(goes_on)),
            };
            let settled = settled(&taken.key, &events, met, standing);
            if !aside.settle(settled, slot, next).await? || !goes_on {
                return Ok(());
            }
            (is_probe, was_first) = (false, false);
        }
    }

    /// Meets the events that nobody has decided to pass over, as they are read today.
    async fn meet(&self, key: &str, events: &[Recorded], is_probe: bool) -> Met {
        let mut all = Met::default();
        for event in events {
            if self.meeting.skips.contains(event.position()) {
                all.done += 1;
                continue;
            }
            let met = match self.upcasters.upcast(event.clone()) {
                Ok(event) => self.meeting.in_order(key, &[&event], is_probe && all.done == 0).await,
                Err(problem) => {
                    let failure = Failure { class: class::UNREADABLE, error: problem.to_string() };
                    Met { left: Some(Left::Failed(failure)), ..Met::default() }
                }
            };
            all.done += met.done;
            all.timers.extend(met.timers);
            all.alone.extend(met.alone);
            all.left = met.left;
            if all.left.is_some() {
                break;
            }
        }
        all
    }
}

fn settled(key: &str, events: &[Recorded], met: Met, standing: Standing) -> Settled {
    let alone = met.alone.into_iter().map(|(event, due)| alone(key, event, due));
    Settled {
        key: key.to_owned(),
        through: met.done.checked_sub(1).and_then(|last| events.get(last)).map(Recorded::position),
        events: met.done as u64,
        timers: met.timers.into_iter().map(|(_, change)| change).collect(),
        alone: alone.collect(),
        standing,
    }
}

/// An event that is to be met without the others of its key, when `due` has come.
pub(in crate::reaction) fn alone(key: &str, event: Recorded, due: Timestamp) -> SetAside {
    SetAside { key: key_alone(key, &event), standing: Standing::delayed(due), events: vec![event] }
}
