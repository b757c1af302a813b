//! Where a projection's events go: into its database, but for those that cannot be applied and what comes behind them,
//! which are set aside there.
//!
//! What a failing event has changed is not kept: all of its transaction is undone, and what comes before it applied once
//! more, with the event set aside. So no event is applied more than twice, however many fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::FutureExt;
use tradewind_events::{Position, Recorded};

use super::Projection;
use super::database::End;
use super::generation::Generation;
use super::parking::{Parking, key_of};
use super::pen::{Pen, Unwritten, Writer};
use crate::follow::{Halt, Sink, Stopped};
use crate::reaction::{Failure, Left, SetAside, Slot, class};

/// After how many positions without a matching event the checkpoint is written all the same.
const CHECKPOINT_EVERY: u64 = 10_000;
/// How many events are applied at once behind one that failed. It doubles with each time that none fails.
const CAREFUL: usize = 64;

/// The events of one generation on their way into it.
pub(crate) struct SqlSink {
    pen: Pen,
    /// None if it stops at what cannot be applied.
    parking: Option<Parking>,
    position: Position,
    stored: Position,
}

/// Some events, and what is to become of them.
struct Sorted {
    apply: Vec<Recorded>,
    aside: Vec<(SetAside, Slot)>,
    through: Position,
    /// At which event it stops for want of room.
    stopped: Option<Stopped>,
}

impl SqlSink {
    pub(crate) fn new(projection: Arc<dyn Projection>, generation: Arc<Generation>, writer: Writer) -> Self {
        let position = generation.position();
        let pen = Pen::new(projection, generation, writer);
        Self { pen, parking: None, position, stored: position }
    }

    pub(crate) fn generation(&self) -> &Arc<Generation> {
        self.pen.generation()
    }

    pub(super) fn pen(&self) -> &Pen {
        &self.pen
    }

    /// From now on it parks what it cannot apply.
    pub(super) fn park_in(&mut self, parking: Parking) {
        self.parking = Some(parking);
    }

    /// Begins behind a position, if it has not come so far. That is kept with the next thing that is.
    pub(crate) fn begin_behind(&mut self, position: Position) {
        self.reached(position);
    }

    /// Applies events and moves the checkpoint; tells where an event is that cannot be applied.
    async fn write(
        &mut self,
        events: Vec<Recorded>,
        through: Position,
        aside: Vec<SetAside>,
    ) -> Result<Option<(Position, Failure)>, Halt> {
        let end = End::Moved { from: self.stored, through, aside };
        match self.pen.write(events, end).await {
            Ok(_) => {
                self.stored = through;
                self.reached(through);
                Ok(None)
            }
            Err(Unwritten::Event(position, failure)) => Ok(Some((position, failure))),
            Err(Unwritten::Trouble(problem)) => Err(Halt::Transient(problem)),
            Err(Unwritten::Moved(position)) => {
                (self.position, self.stored) = (position, position);
                Err(Halt::Transient(format!("the checkpoint was moved to {position} by another process")))
            }
        }
    }

    /// Brings all that was written into the database's own file, so that it can be copied; false if a reader is in the
    /// way just now.
    pub(crate) async fn settle(&mut self) -> Result<bool, Halt> {
        let position = self.position;
        if position > self.stored {
            self.write(Vec::new(), position, Vec::new()).await?;
        }
        self.pen.settle().await.map_err(Halt::Transient)
    }

    fn reached(&mut self, position: Position) {
        self.position = position.max(self.position);
        self.pen.generation().set_position(self.position);
    }

    /// Whether it is enough to remember that nothing was to be done up to there. Not if others wait to read it.
    fn is_remembered(&self, through: Position) -> bool {
        let passed = through.0.saturating_sub(self.stored.0);
        if self.pen.is_shared() { passed == 0 } else { passed < CHECKPOINT_EVERY }
    }

    async fn handle_batch(&mut self, events: &[Recorded], through: Position) -> Result<(), Halt> {
        if events.is_empty() && self.is_remembered(through) {
            self.reached(through);
            return Ok(());
        }
        let (mut rest, mut most) = (events, usize::MAX);
        loop {
            let (chunk, later) = rest.split_at(rest.len().min(most));
            let end = if later.is_empty() { through } else { chunk.last().map_or(through, Recorded::position) };
            match self.handle_chunk(chunk, end, None).await? {
                None => (rest, most) = (later, most.saturating_mul(2)),
                Some(done) => (rest, most) = (&rest[done..], CAREFUL),
            }
            // What was parked last may have been the last of all, and the checkpoint is to move on.
            if rest.is_empty() && self.stored >= through {
                return Ok(());
            }
        }
    }

    /// Applies what can be applied. If an event cannot, it is the last that is dealt with, and it is told how many were.
    /// The last may be known to be one.
    async fn handle_chunk(
        &mut self,
        mut chunk: &[Recorded],
        mut through: Position,
        mut failed: Option<Failure>,
    ) -> Result<Option<usize>, Halt> {
        let parking = self.parking.clone();
        // Nobody takes anything out of what is set aside, or puts something in, from looking until it is kept.
        let _alone = match &parking {
            Some(parking) => Some(parking.aside.alone().await),
            None => None,
        };
        loop {
            let mut stop = None;
            if let (Some(failure), Some((last, before))) = (&failed, chunk.split_last())
                && self.is_required(last)
            {
                stop = Some(Stopped::at(last, failure.error.clone()));
                (chunk, through, failed) = (before, Position(last.position().0 - 1), None);
            }
            match (self.keep(self.sort(chunk, through, failed.as_ref())).await?, stop) {
                (None, None) => return Ok(failed.map(|_| chunk.len())),
                (None, Some(stopped)) => return Err(Halt::Poison(Box::new(stopped))),
                // A projection that now fails at an earlier one makes it shorter still.
                (Some((position, failure)), _) => {
                    chunk = &chunk[..chunk.partition_point(|event| event.position() <= position)];
                    (through, failed) = (position, Some(failure));
                }
            }
        }
    }

    fn is_required(&self, event: &Recorded) -> bool {
        let key = key_of(self.pen.projection(), event);
        self.parking.as_ref().is_none_or(|parking| parking.required.has(&key, event.position()))
    }

    /// Which events are applied, and which are set aside: those behind others of their key, and the last, if it `failed`.
    fn sort(&self, all: &[Recorded], through: Position, failed: Option<&Failure>) -> Sorted {
        let tried = all.len() - usize::from(failed.is_some());
        let mut sorted = Sorted { apply: Vec::new(), aside: Vec::new(), through, stopped: None };
        let Some(Parking { aside, .. }) = &self.parking else {
            sorted.apply = all.to_vec();
            return sorted;
        };
        if failed.is_none() && aside.is_empty() {
            sorted.apply = all.to_vec();
            return sorted;
        }
        let mut behind: BTreeMap<String, Vec<Recorded>> = BTreeMap::new();
        for event in &all[..tried] {
            let key = key_of(self.pen.projection(), event);
            match aside.contains(&key) {
                true => behind.entry(key.into_owned()).or_default().push(event.clone()),
                false => sorted.apply.push(event.clone()),
            }
        }
        let kept = behind.into_iter().map(|(key, events)| {
            let (standing, slot) = aside.standing(&key, &Left::NotTried, false);
            (SetAside { key, standing, events }, slot)
        });
        sorted.aside.extend(kept);
        if let (Some(failure), Some(event)) = (failed, all.last()) {
            let key = key_of(self.pen.projection(), event).into_owned();
            let (standing, slot) = aside.standing(&key, &Left::Failed(failure.clone()), false);
            sorted.aside.push((SetAside { key, standing, events: vec![event.clone()] }, slot));
        }
        sorted.stopped = aside.first_without_room(&sorted.aside);
        if let Some(stopped) = &sorted.stopped {
            sorted.through = Position(stopped.position.0 - 1);
            sorted.cut();
        }
        sorted
    }

    /// Keeps it all in one transaction; tells where an event is that could not be applied.
    async fn keep(&mut self, sorted: Sorted) -> Result<Option<(Position, Failure)>, Halt> {
        let Sorted { apply, aside, through, stopped } = sorted;
        let (aside, slots): (Vec<SetAside>, Vec<Slot>) = aside.into_iter().unzip();
        if let Some(failed) = self.write(apply, through, aside.clone()).await? {
            return Ok(Some(failed));
        }
        if let (Some(parking), false) = (&self.parking, aside.is_empty()) {
            parking.aside.note(&aside, slots);
        }
        stopped.map_or(Ok(None), |stopped| Err(Halt::Poison(Box::new(stopped))))
    }
}

impl Sorted {
    /// Leaves out what is behind the end.
    fn cut(&mut self) {
        let through = self.through;
        self.apply.retain(|event| event.position() <= through);
        for (one, _) in &mut self.aside {
            one.events.retain(|event| event.position() <= through);
        }
        self.aside.retain(|(one, _)| !one.events.is_empty());
    }
}

impl Sink for SqlSink {
    fn position(&self) -> Position {
        self.position
    }

    fn handle<'a>(&'a mut self, events: &'a [Recorded], through: Position) -> BoxFuture<'a, Result<(), Halt>> {
        self.handle_batch(events, through).boxed()
    }

    fn park<'a>(&'a mut self, event: &'a Recorded, error: String) -> BoxFuture<'a, Result<bool, Halt>> {
        async move {
            let failure = Failure { class: class::UNREADABLE, error };
            self.handle_chunk(std::slice::from_ref(event), event.position(), Some(failure)).await?;
            Ok(true)
        }
        .boxed()
    }

    fn flush(&mut self) -> BoxFuture<'_, ()> {
        async move {
            if self.position > self.stored {
                // What is not kept is passed again.
                let _ = self.write(Vec::new(), self.position, Vec::new()).await;
            }
        }
        .boxed()
    }
}
