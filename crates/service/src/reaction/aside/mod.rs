//! What a follower has set aside: keys of which an event could not be met, with all that came behind it. Each waits by
//! itself, durably, while everything else goes on.
//!
//! A key gets here by the sink alone and leaves it by the driver alone. Both go through [`Aside`], which changes the
//! ledger and what is known of it together. A projection writes both in the transaction of its own effect, and then has
//! it noted here.

mod driver;
mod filter;
mod index;
mod options;
mod standing;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;
use tradewind_events::{Clock, Position, Recorded, Timestamp};

use super::backoff::Backoff;
use super::circuit::Circuit;
use super::ledger::{Entry, Ledger, SetAside, Settled, Standing, State};
use crate::follow::Status;

pub(super) use driver::alone;
pub(crate) use driver::{Driver, Drives, drive_all};
use filter::Filter;
use index::Due;
use index::Index;
pub(crate) use index::Slot;
pub use index::{Counted, CountedAside};
pub use options::ParkingOptions;

/// How often the clock is looked at while something is delayed.
const TICK: Duration = Duration::from_millis(50);
/// When a key is tried again that could not be because of the ledger.
const GIVEN_BACK: Duration = Duration::from_secs(1);
/// Who was stopped at a limit goes on when so much of it is free, in percent.
const FREE_PERCENT: u64 = 10;

/// What is set aside. It is shared by the sink, the driver and whoever looks.
pub(crate) struct Aside {
    pub(crate) ledger: Ledger,
    pub(super) circuit: Circuit,
    options: ParkingOptions,
    clock: Arc<dyn Clock>,
    status: Arc<Status>,
    index: Mutex<Index>,
    /// Which keys are surely not in the index, so that it is not looked up for each event.
    filter: Arc<Filter>,
    /// Who changes what is set aside does so alone, in the ledger and in the index.
    writing: tokio::sync::Mutex<()>,
    telling: Mutex<()>,
    changes: watch::Sender<u64>,
}

/// A key whose events are to be met now.
pub(crate) struct Taken {
    pub(crate) key: Arc<str>,
    /// Whether it is to be found out by it whether anything works.
    pub(super) is_probe: bool,
    pub(super) was_tried: bool,
}

impl Aside {
    pub(crate) fn new(
        ledger: Ledger,
        options: ParkingOptions,
        clock: Arc<dyn Clock>,
        status: Arc<Status>,
    ) -> Arc<Self> {
        let filter = Arc::<Filter>::default();
        Arc::new(Self {
            ledger,
            circuit: Circuit::new(options.probe_pause_most),
            options,
            clock,
            status,
            index: Mutex::new(Index::new(filter.clone())),
            filter,
            writing: tokio::sync::Mutex::default(),
            telling: Mutex::default(),
            changes: watch::Sender::new(0),
        })
    }

    /// Reads what is set aside, and how far its reaction has come.
    pub(super) async fn load(&self) -> Result<Position, String> {
        self.load_keys(false).await?;
        self.ledger.position().await
    }

    /// Reads what is set aside. Also what is parked is tried again if that is wished: it may be another program now.
    pub(crate) async fn load_keys(&self, tries_parked: bool) -> Result<(), String> {
        let _alone = self.writing.lock().await;
        let all = self.ledger.all_aside().await?;
        let mut index = self.index();
        index.clear();
        for one in all {
            let Standing { state, attempts, first_failed, due, .. } = one.standing;
            let due = match (state, due) {
                (State::Parked, _) if !tries_parked => Due::Parked,
                (State::Delayed, Some(due)) => Due::Delayed(due),
                // Every start tries again at once.
                _ => Due::Waiting(Instant::now()),
            };
            let slot = Slot { due, events: one.events, tries: attempts, attempts, first_failed, ..Slot::default() };
            index.put(&one.key, slot);
        }
        self.tell(&index);
        Ok(())
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    fn tell(&self, index: &Index) {
        self.status.set_aside(index.counted());
    }

    /// Something has changed that somebody may wait for.
    fn changed(&self) {
        self.changes.send_modify(|changes| *changes = changes.wrapping_add(1));
    }

    pub(super) fn watch(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Whether a key is set aside, so that what comes of it is set aside behind it.
    pub(crate) fn contains(&self, key: &str) -> bool {
        self.filter.may_have(key) && self.index().contains(key)
    }

    /// Whether nothing is set aside.
    pub(crate) fn is_empty(&self) -> bool {
        self.filter.is_empty()
    }

    /// All keys that are set aside.
    pub(crate) fn keys(&self) -> Vec<Arc<str>> {
        self.index().keys()
    }

    pub(crate) fn status(&self) -> &Status {
        &self.status
    }

    /// Whether somebody is there to probe with.
    pub(super) fn has_untried(&self) -> bool {
        self.index().has_untried()
    }

    /// Whether there is a key by which it can be found out whether anything works, now or soon.
    pub(super) fn can_probe(&self) -> bool {
        self.index().can_probe()
    }

    pub(super) fn backoff(&self) -> Backoff {
        Backoff { first: self.options.pause_first, most: self.options.pause_most }
    }

    /// An event was met, with success or so that trying again is no use.
    pub(super) fn met(&self, succeeded: bool) {
        let has_closed = if succeeded { self.circuit.succeeded() } else { self.circuit.decided() };
        if has_closed {
            self.index().wake_all(Instant::now());
            self.tell_paused();
            self.changed();
        }
    }

    /// An event failed that may be met later; whether nothing works is thereby found out.
    pub(super) fn failed(&self, key: &str, why: &str, everything_is_down: bool) {
        if self.circuit.failed(key, why, everything_is_down, self.now()) {
            self.tell_paused();
            self.changed();
        }
    }

    /// What is told last is what is so, whoever else tells it at the same time.
    fn tell_paused(&self) {
        let _alone = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        self.status.paused(self.circuit.paused());
    }

    /// Keeps the checkpoint and what comes with it.
    pub(super) async fn record(
        &self,
        through: Position,
        timers: Vec<super::TimerChange>,
        aside: Vec<(SetAside, Slot)>,
    ) -> Result<(), String> {
        if aside.is_empty() {
            return self.ledger.record(Entry { through, timers, aside: Vec::new() }).await;
        }
        let _alone = self.writing.lock().await;
        let (aside, slots): (Vec<SetAside>, Vec<Slot>) = aside.into_iter().unzip();
        self.ledger.record(Entry { through, timers, aside: aside.clone() }).await?;
        self.note(&aside, slots);
        Ok(())
    }

    /// This is in the ledger now. To be called while [`alone`](Self::alone).
    pub(crate) fn note(&self, aside: &[SetAside], slots: Vec<Slot>) {
        let mut index = self.index();
        for (one, slot) in aside.iter().zip(slots) {
            self.add(&mut index, one, slot);
        }
        self.tell(&index);
        drop(index);
        self.changed();
    }

    /// What is now in the ledger is in the index, too.
    fn add(&self, index: &mut Index, one: &SetAside, mut slot: Slot) {
        let events = one.events.len() as u64;
        if index.contains(&one.key) {
            return index.grow(&one.key, events);
        }
        if one.standing.state == State::Parked
            && let Some(event) = one.events.first()
        {
            self.status.parked(&one.key, event, &one.standing.failure, &one.standing.error);
        }
        slot.events = events;
        index.put(&one.key, slot);
    }

    pub(super) async fn reset(&self, head: Position) -> Result<Position, String> {
        let _alone = self.writing.lock().await;
        let begins = self.ledger.reset(head).await?;
        let mut index = self.index();
        index.clear();
        self.tell(&index);
        Ok(begins)
    }

    /// A key that is due, or, if nothing works and it is time to look, one to look with.
    pub(super) fn take(&self) -> Option<Taken> {
        let (at, now) = (Instant::now(), self.now());
        let probe_at = self.circuit.next_probe();
        let mut index = self.index();
        let key = match probe_at {
            None => index.due(at, now)?,
            Some(probe_at) if probe_at <= at => index.to_probe(now)?,
            Some(_) => return None,
        };
        let slot = index.get(&key)?.clone();
        let was_tried = slot.tries > 0;
        index.put(&key, Slot { is_driven: true, ..slot });
        Some(Taken { key, is_probe: probe_at.is_some(), was_tried })
    }

    /// When there may be something to take, at the latest; none, if only a change can bring it about.
    pub(super) fn next_look(&self) -> Option<Instant> {
        let index = self.index();
        let polled = index.has_delayed().then(|| Instant::now() + TICK);
        let waiting = match self.circuit.next_probe() {
            Some(probe) => index.next_waiting().map(|_| probe),
            None => index.next_waiting(),
        };
        polled.into_iter().chain(waiting).min()
    }

    /// Keeps what has come of the first events of a key that was taken; tells whether more of it are there.
    pub(super) async fn settle(&self, settled: Settled, slot: Slot, next: Option<&Recorded>) -> Result<bool, String> {
        let _alone = self.writing.lock().await;
        let left = self.ledger.settle(settled.clone()).await?;
        self.note_settled(&settled, left, &slot, next);
        Ok(left)
    }

    /// This has come of the first events of a key, and whether more of it are `left`. To be called while
    /// [`alone`](Self::alone).
    pub(crate) fn note_settled(&self, settled: &Settled, left: bool, slot: &Slot, next: Option<&Recorded>) {
        let Settled { key, events, alone, standing, .. } = settled;
        let mut index = self.index();
        let had = index.take_out(key).map_or(0, |slot| slot.events);
        if left {
            index.put(key, Slot { events: had.saturating_sub(*events), ..slot.clone() });
        }
        for one in alone {
            self.add(&mut index, one, Slot::delayed(one.standing.due.unwrap_or_default()));
        }
        self.tell(&index);
        drop(index);
        if let Some(event) = next.filter(|_| left && standing.state == State::Parked) {
            self.status.parked(key, event, &standing.failure, &standing.error);
        }
        self.changed();
    }

    /// Nobody else changes what is set aside for as long as this is held.
    pub(crate) async fn alone(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    pub(super) fn is_driven(&self, key: &str) -> bool {
        self.index().get(key).is_some_and(|slot| slot.is_driven)
    }

    pub(super) fn is_parked(&self, key: &str) -> bool {
        self.index().get(key).is_some_and(|slot| slot.due == Due::Parked)
    }

    /// Parked keys are tried at once, as if they had not been before. To be called while [`alone`](Self::alone).
    pub(super) async fn wake(&self, keys: Vec<String>) -> Result<(), String> {
        self.ledger.stand(keys.clone(), Standing::untried(self.now())).await?;
        let mut index = self.index();
        for key in &keys {
            if let Some(slot) = index.get(key).filter(|slot| !slot.is_driven) {
                let slot = Slot { events: slot.events, ..Slot::going_on(false) };
                index.put(key, slot);
            }
        }
        self.tell(&index);
        drop(index);
        self.changed();
        Ok(())
    }

    /// The first events of a parked key are given up, and those behind them gone on with. To be called while
    /// [`alone`](Self::alone).
    pub(super) async fn drop_through(&self, key: &str, through: Position, events: u64) -> Result<(), String> {
        let settled = Settled {
            key: key.to_owned(),
            through: Some(through),
            events,
            timers: Vec::new(),
            alone: Vec::new(),
            standing: Standing::untried(self.now()),
        };
        let left = self.ledger.settle(settled).await?;
        let mut index = self.index();
        let had = index.take_out(key).map_or(0, |slot| slot.events);
        if left {
            index.put(key, Slot { events: had.saturating_sub(events), ..Slot::going_on(false) });
        }
        self.tell(&index);
        drop(index);
        self.changed();
        Ok(())
    }

    /// A key that was taken could not be driven, for no reason of its own.
    pub(super) fn give_back(&self, key: &str) {
        let mut index = self.index();
        if let Some(slot) = index.get(key).cloned() {
            let due = Due::Waiting(Instant::now() + GIVEN_BACK);
            index.put(key, Slot { due, is_driven: false, ..slot });
        }
        drop(index);
        self.changed();
    }
}

/// Between a key and the position of an event of it that is met alone. No stream's name has a space.
const ALONE: &str = " @ ";

/// The key under which an event waits that is to be met without the others of its own.
fn key_alone(key: &str, event: &Recorded) -> String {
    format!("{key}{ALONE}{}", event.position())
}

/// The key to which an event belongs that may be one of those which are met without the others.
pub(crate) fn key_itself(key: &str) -> &str {
    key.split_once(ALONE).map_or(key, |(key, _)| key)
}

/// Whether a key is that of an event which is met without the others of its own.
pub(super) fn is_alone(key: &str) -> bool {
    key.contains(ALONE)
}
