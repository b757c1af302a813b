//! Goes back to what was set aside: to each key when it is due, and then through all of its events in their order.

use std::sync::Arc;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio_util::sync::CancellationToken;
use tradewind_events::{Recorded, Timestamp};

use super::{Slot, Taken, key_alone};
use crate::Upcasters;
use crate::reaction::failure::class;
use crate::reaction::ledger::{KeptEvent, SetAside, Settled, Standing};
use crate::reaction::meeting::{Failure, Left, Meeting, Met};

/// How many keys are driven at the same time.
const DRIVEN_MAX: usize = 32;
/// How many events of a key are read at once.
const EVENTS_READ: usize = 64;

/// Drives the keys that are set aside.
pub(crate) struct Driver {
    pub(in crate::reaction) meeting: Arc<Meeting>,
    pub(in crate::reaction) upcasters: Upcasters,
}

impl Driver {
    /// Drives until `stop`; what is under way then comes to the end of an event or a few.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let aside = self.meeting.aside.clone();
        let mut changes = aside.watch();
        let mut driven = FuturesUnordered::new();
        loop {
            changes.mark_unchanged();
            // A probe goes alone: what it finds out decides about all the others.
            let is_free = |driven: usize| if aside.circuit.is_open() { driven == 0 } else { driven < DRIVEN_MAX };
            while is_free(driven.len())
                && let Some(taken) = aside.take()
            {
                driven.push(self.drive(taken, &stop));
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

    async fn drive(&self, taken: Taken, stop: &CancellationToken) {
        if let Err(problem) = self.drive_to_its_end(&taken, stop).await {
            let (follower, key) = (self.meeting.status.name(), &*taken.key);
            tracing::warn!(follower, key, problem, "failed to go on with a key that was set aside; trying again");
            self.meeting.aside.give_back(key);
        }
    }

    async fn drive_to_its_end(&self, taken: &Taken, stop: &CancellationToken) -> Result<(), String> {
        let aside = &self.meeting.aside;
        if taken.was_tried {
            self.meeting.status.retried();
        }
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
