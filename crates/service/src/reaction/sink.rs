//! Where a reaction's events go: those of different keys side by side, those of one in their order; what cannot be met
//! is set aside; and then the checkpoint.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio_util::sync::CancellationToken;
use tradewind_events::{Position, Recorded};

use super::TimerChange;
use super::aside::{Aside, Slot, alone};
use super::failure::class;
use super::ledger::SetAside;
use super::meeting::{Failure, Left, Meeting, Met};
use crate::follow::{Halt, Sink};
use crate::panics::catch;

/// How many events are met before the checkpoint is kept: as many may be met again after a crash.
const CHUNK_EVENTS: usize = 256;
/// How many keys are worked on at the same time.
const LANES_MAX: usize = 32;
/// After how many positions without a matching event the checkpoint is kept all the same.
const CHECKPOINT_EVERY: u64 = 10_000;

pub(crate) struct ReactionSink {
    pub(super) meeting: Arc<Meeting>,
    pub(super) position: Position,
    pub(super) stored: Position,
    /// Ends a pause.
    pub(super) stop: CancellationToken,
}

impl ReactionSink {
    fn aside(&self) -> &Arc<Aside> {
        &self.meeting.aside
    }

    /// Finds how far it has come, and what is set aside.
    pub(super) async fn begin(&mut self) -> Result<(), String> {
        self.position = self.aside().load().await?;
        self.stored = self.position;
        Ok(())
    }

    /// Forgets how far it has come: what it has met was in another store, and everything in this one is met anew.
    pub(super) async fn reset(&mut self, head: Position) -> Result<(), String> {
        self.position = self.aside().reset(head).await?;
        self.stored = self.position;
        Ok(())
    }

    /// Begins behind `head`, if it has not begun before.
    pub(super) async fn begin_behind(&mut self, head: Position) -> Result<(), String> {
        self.position = self.aside().ledger.begin_behind(head).await?;
        self.stored = self.position;
        Ok(())
    }

    /// Those that are this one's to meet, and not another share's.
    fn mine<'a>(&self, events: &'a [Recorded]) -> Cow<'a, [Recorded]> {
        let reactor = &self.meeting.reactor;
        match events.iter().all(|event| reactor.is_mine(event)) {
            true => Cow::Borrowed(events),
            false => Cow::Owned(events.iter().filter(|event| reactor.is_mine(event)).cloned().collect()),
        }
    }

    async fn handle_all(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        let mut rest = events;
        while !rest.is_empty() {
            let probes = if self.aside().circuit.is_open() { self.wait_in_pause(rest).await? } else { None };
            let taken = probes.unwrap_or_else(|| rest.len().min(CHUNK_EVENTS));
            let (chunk, later) = rest.split_at(taken);
            let end = if later.is_empty() { through } else { chunk.last().map_or(through, Recorded::position) };
            match probes {
                None => self.handle_chunk(chunk, end).await?,
                Some(_) => self.set_all_aside(chunk, end).await?,
            }
            rest = later;
        }
        if events.is_empty() {
            self.position = through.max(self.position);
            if self.position.0 - self.stored.0 >= CHECKPOINT_EVERY {
                self.store(self.position, Vec::new(), Vec::new()).await?;
            }
        }
        Ok(())
    }

    /// The key of an event. Who falls over it when asked falls over it again when he meets it, and is told then.
    fn key<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        let lane = catch("the key", || self.meeting.reactor.lane(event));
        lane.unwrap_or_else(|_| Cow::Borrowed(event.stream()))
    }

    /// Waits until something works again. Whether it does is found out with what is set aside. So that this is not
    /// always the same, the next event that comes is set aside as well whenever all that is there has been tried: with
    /// how many more, since those of keys that are set aside stand before it, is told.
    async fn wait_in_pause(&self, events: &[Recorded]) -> Result<Option<usize>, Halt> {
        let aside = self.aside();
        let mut changes = aside.watch();
        loop {
            changes.mark_unchanged();
            if !aside.circuit.is_open() {
                return Ok(None);
            }
            if !aside.has_untried() {
                match events.iter().position(|event| !aside.contains(&self.key(event))) {
                    Some(first) => return Ok(Some(first + 1)),
                    // Nothing of what is there could ever find it out.
                    None if !aside.can_probe() => return Ok(Some(events.len())),
                    None => {}
                }
            }
            if self.stop.run_until_cancelled(changes.changed()).await.is_none() {
                return Err(Halt::Told);
            }
        }
    }

    /// By their keys, in their order.
    fn lanes<'a>(&self, events: &'a [Recorded]) -> HashMap<Cow<'a, str>, Vec<&'a Recorded>> {
        let mut lanes: HashMap<Cow<'_, str>, Vec<&Recorded>> = HashMap::new();
        for event in events {
            lanes.entry(self.key(event)).or_default().push(event);
        }
        lanes
    }

    async fn handle_chunk(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        let (mut aside, mut work) = (Vec::new(), Vec::new());
        for (key, events) in self.lanes(events) {
            match self.aside().contains(&key) {
                true => aside.push(self.left(&key, &events, &Left::NotTried)),
                false => work.push(self.meet(key, events).boxed()),
            }
        }
        let met: Vec<(Cow<'_, str>, Vec<&Recorded>, Met)> =
            stream::iter(work).buffer_unordered(LANES_MAX).collect().await;
        let mut timers = Vec::new();
        for (key, events, met) in met {
            timers.extend(met.timers);
            for (event, due) in met.alone {
                aside.push((alone(&key, event, due), Slot::delayed(due)));
            }
            if let Some(left) = &met.left {
                aside.push(self.left(&key, &events[met.done..], left));
            }
        }
        self.keep(through, timers, aside).await
    }

    async fn meet<'a>(&self, key: Cow<'a, str>, events: Vec<&'a Recorded>) -> (Cow<'a, str>, Vec<&'a Recorded>, Met) {
        let met = self.meeting.in_order(&key, &events, false).await;
        (key, events, met)
    }

    /// Events of a key that are not met now.
    fn left(&self, key: &str, events: &[&Recorded], left: &Left) -> (SetAside, Slot) {
        let (standing, slot) = self.aside().standing(key, left, false);
        let events = events.iter().map(|event| (*event).clone()).collect();
        (SetAside { key: key.to_owned(), standing, events }, slot)
    }

    async fn set_all_aside(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        let lanes = self.lanes(events).into_iter();
        let aside = lanes.map(|(key, events)| self.left(&key, &events, &Left::NotTried)).collect();
        self.keep(through, Vec::new(), aside).await
    }

    /// Keeps what was met and what was not, up to the first event for which there is no room.
    async fn keep(
        &mut self,
        mut through: Position,
        mut timers: Vec<(Position, TimerChange)>,
        mut aside: Vec<(SetAside, Slot)>,
    ) -> Result<(), Halt> {
        let stopped = self.aside().first_without_room(&aside);
        if let Some(stopped) = &stopped {
            // What was met behind it is met again.
            through = Position(stopped.position.0 - 1);
            timers.retain(|(position, _)| *position <= through);
            for (one, _) in &mut aside {
                one.events.retain(|event| event.position() <= through);
            }
            aside.retain(|(one, _)| !one.events.is_empty());
        }
        timers.sort_by_key(|(position, _)| *position);
        self.store(through, timers.into_iter().map(|(_, change)| change).collect(), aside).await?;
        stopped.map_or(Ok(()), |stopped| Err(Halt::Poison(Box::new(stopped))))
    }

    async fn store(
        &mut self,
        through: Position,
        timers: Vec<TimerChange>,
        aside: Vec<(SetAside, Slot)>,
    ) -> Result<(), Halt> {
        self.aside().record(through, timers, aside).await.map_err(Halt::Transient)?;
        self.position = through.max(self.position);
        self.stored = self.position;
        Ok(())
    }

    /// Parks an event that cannot be read. Whom it concerns is told by what can be read of it.
    async fn park_unreadable(&mut self, event: &Recorded, error: String) -> Result<bool, Halt> {
        if !self.meeting.reactor.is_mine(event) {
            self.keep(event.position(), Vec::new(), Vec::new()).await?;
            return Ok(true);
        }
        let left = Left::Failed(Failure { class: class::UNREADABLE, error });
        let aside = vec![self.left(&self.key(event), &[event], &left)];
        self.keep(event.position(), Vec::new(), aside).await?;
        Ok(true)
    }
}

impl Sink for ReactionSink {
    fn position(&self) -> Position {
        self.position
    }

    fn committed(&self) -> Position {
        self.stored
    }

    fn handle<'a>(&'a mut self, events: &'a [Recorded], through: Position) -> BoxFuture<'a, Result<(), Halt>> {
        async move { self.handle_all(&self.mine(events), through).await }.boxed()
    }

    fn park<'a>(&'a mut self, event: &'a Recorded, error: String) -> BoxFuture<'a, Result<bool, Halt>> {
        self.park_unreadable(event, error).boxed()
    }

    fn flush(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if self.position > self.stored && self.store(self.position, Vec::new(), Vec::new()).await.is_err() {
                tracing::debug!("a checkpoint was not kept; some events will be passed again");
            }
        }
        .boxed()
    }
}
