//! An event store in memory: the port's meaning in its simplest form, for tests and as a model for real engines.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, stream};
use tokio::sync::watch;
use tradewind_events::{
    Append, AppendCondition, AppendError, Appended, Clock, Delivery, Direction, Event, EventId, EventSource,
    EventStore, Page, Position, Query, ReadError, Recorded, Revision, Snapshot, StreamId, StreamSlice, Subscription,
    SystemClock, Timestamp,
};

/// The most events that one delivery of a subscription looks at.
const DELIVERY_EVENTS_MAX: u64 = 512;

/// Everything in memory, under one lock. Clones share it.
#[derive(Clone)]
pub struct MemoryStore {
    state: Arc<Mutex<State>>,
    head: watch::Sender<Position>,
    clock: Arc<dyn Clock>,
    refusals: Arc<AtomicUsize>,
    lost_answers: Arc<AtomicUsize>,
}

#[derive(Default)]
struct State {
    /// The event at position `index + 1`; none if it has been truncated.
    events: Vec<Option<Recorded>>,
    streams: HashMap<StreamId, StreamState>,
    /// Which append an event id belongs to.
    appends_by_id: HashMap<EventId, usize>,
    appends: Vec<Kept>,
    snapshots: HashMap<StreamId, Snapshot>,
}

#[derive(Default)]
struct StreamState {
    /// The position of each revision.
    positions: Vec<Position>,
    first: Revision,
}

/// An append as it was made, to recognise its repetition.
struct Kept {
    ids: Vec<(StreamId, EventId)>,
    answer: Appended,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryStore {
    /// An empty store on the machine's clock.
    #[must_use]
    pub fn new() -> Self {
        Self::with_clock(Arc::new(SystemClock))
    }

    /// An empty store whose recording times come from `clock`.
    pub fn with_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            state: Arc::default(),
            head: watch::Sender::new(Position::START),
            clock,
            refusals: Arc::default(),
            lost_answers: Arc::default(),
        }
    }

    /// Lets the next `appends` appends fail before they write anything.
    pub fn refuse_next(&self, appends: usize) {
        self.refusals.store(appends, Ordering::SeqCst);
    }

    /// Lets the next `appends` appends write and then lose their answer.
    pub fn lose_next_answers(&self, appends: usize) {
        self.lost_answers.store(appends, Ordering::SeqCst);
    }

    /// Every event that is there, by position.
    #[must_use]
    pub fn everything(&self) -> Vec<Recorded> {
        self.lock().events.iter().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn append_now(&self, append: &Append) -> Result<Appended, AppendError> {
        if take_one(&self.refusals) {
            return Err(AppendError::Unavailable("the test said so".to_owned()));
        }
        let answer = self.lock().append(append, self.clock.now())?;
        self.head.send_if_modified(|head| {
            let moved = *head < answer.last && !answer.duplicate;
            if moved {
                *head = answer.last;
            }
            moved
        });
        if take_one(&self.lost_answers) {
            return Err(AppendError::OutcomeUnknown("the test said so".to_owned()));
        }
        Ok(answer)
    }
}

fn take_one(count: &AtomicUsize) -> bool {
    count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok()
}

impl State {
    fn head(&self) -> Position {
        Position(self.events.len() as u64)
    }

    fn append(&mut self, append: &Append, now: Timestamp) -> Result<Appended, AppendError> {
        check_shape(append)?;
        if let Some(answer) = self.recognise(append)? {
            return Ok(answer);
        }
        for part in &append.streams {
            let actual = self.last_revision(&part.stream);
            if !part.expected.holds(actual) {
                return Err(AppendError::WrongRevision {
                    stream: part.stream.clone(),
                    expected: part.expected,
                    actual,
                });
            }
        }
        if let Some(position) = append.condition.as_ref().and_then(|condition| self.first_match(condition)) {
            return Err(AppendError::ConditionFailed { position });
        }
        Ok(self.write(append, now))
    }

    /// The earlier answer if just these events have been recorded together before.
    fn recognise(&self, append: &Append) -> Result<Option<Appended>, AppendError> {
        let ids: Vec<(StreamId, EventId)> = append
            .streams
            .iter()
            .flat_map(|part| part.events.iter().map(|event| (part.stream.clone(), event.id)))
            .collect();
        let Some(taken) = ids.iter().find_map(|(_, id)| self.appends_by_id.get(id).map(|n| (*id, *n))) else {
            return Ok(None);
        };
        let kept = &self.appends[taken.1];
        if kept.ids == ids {
            return Ok(Some(Appended { duplicate: true, ..kept.answer.clone() }));
        }
        let index = kept.ids.iter().position(|(_, id)| *id == taken.0).unwrap_or_default() as u64;
        Err(AppendError::IdReused { id: taken.0, position: Position(kept.answer.first.0 + index) })
    }

    fn last_revision(&self, stream: &StreamId) -> Option<Revision> {
        let count = self.streams.get(stream)?.positions.len() as u64;
        count.checked_sub(1).map(Revision)
    }

    fn first_match(&self, condition: &AppendCondition) -> Option<Position> {
        let from = usize::try_from(condition.after.0).unwrap_or(usize::MAX).min(self.events.len());
        self.events[from..].iter().flatten().find(|event| condition.fail_if.matches(event)).map(Recorded::position)
    }

    fn write(&mut self, append: &Append, now: Timestamp) -> Appended {
        let first = Position(self.head().0 + 1);
        let number = self.appends.len();
        let mut ids = Vec::new();
        for part in &append.streams {
            for event in &part.events {
                self.record(&part.stream, event, now);
                self.appends_by_id.insert(event.id, number);
                ids.push((part.stream.clone(), event.id));
            }
        }
        let revisions = append.streams.iter().map(|part| self.last_revision(&part.stream)).collect();
        let answer = Appended { first, last: self.head(), revisions, duplicate: false };
        self.appends.push(Kept { ids, answer: answer.clone() });
        answer
    }

    fn record(&mut self, stream: &StreamId, event: &Event, now: Timestamp) {
        let position = Position(self.head().0 + 1);
        let state = self.streams.entry(stream.clone()).or_default();
        let revision = Revision(state.positions.len() as u64);
        state.positions.push(position);
        self.events.push(Some(Recorded::assemble(stream.as_str(), event, position, revision, now)));
    }

    fn page(&self, after: Position, query: &Query, limit: usize, look_at: u64) -> Page {
        let head = self.head();
        let mut page = Page { events: Vec::new(), through: after.min(head).max(after), head };
        let end = head.0.min(after.0.saturating_add(look_at));
        for number in after.0 + 1..=end {
            if page.events.len() == limit {
                return page;
            }
            page.through = Position(number);
            if let Some(event) = self.events[number as usize - 1].as_ref().filter(|event| query.matches(event)) {
                page.events.push(event.clone());
            }
        }
        page
    }

    fn slice(&self, stream: &StreamId, from: Revision, direction: Direction, limit: usize) -> StreamSlice {
        let Some(state) = self.streams.get(stream) else {
            return StreamSlice { end: true, ..StreamSlice::default() };
        };
        let last = self.last_revision(stream);
        let all = state.first.0..state.positions.len() as u64;
        let at = |revision: u64| self.events[state.positions[revision as usize].0 as usize - 1].clone();
        let mut wanted: Vec<u64> = match direction {
            Direction::Forward => all.filter(|revision| *revision >= from.0).collect(),
            Direction::Backward => all.filter(|revision| *revision <= from.0).rev().collect(),
        };
        let end = wanted.len() <= limit;
        wanted.truncate(limit);
        StreamSlice { events: wanted.into_iter().filter_map(at).collect(), last, first: state.first, end }
    }
}

fn check_shape(append: &Append) -> Result<(), AppendError> {
    let invalid = |problem: &str| Err(AppendError::Invalid(problem.to_owned()));
    let (mut streams, mut ids) = (HashSet::new(), HashSet::new());
    for part in &append.streams {
        if !streams.insert(&part.stream) {
            return invalid("a stream appears twice");
        }
        if !part.events.iter().all(|event| ids.insert(event.id)) {
            return invalid("an event id appears twice");
        }
    }
    if streams.is_empty() {
        return invalid("no stream");
    }
    if ids.len() > Append::EVENTS_MAX {
        return invalid("too many events");
    }
    match append.condition.as_ref().and_then(|condition| condition.fail_if.problem()) {
        Some(problem) => invalid(&format!("the condition's query {problem}")),
        None => Ok(()),
    }
}

impl EventSource for MemoryStore {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        async { Ok(self.lock().head()) }.boxed()
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let page = match query.problem() {
            Some(problem) => Err(ReadError::Invalid(format!("the query {problem}"))),
            None => Ok(self.lock().page(after, query, limit, u64::MAX)),
        };
        async { page }.boxed()
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        let (store, head) = (self.clone(), self.head.subscribe());
        let deliveries = stream::unfold((store, head, after, query, true), |state| async move {
            let (store, mut head, after, query, first) = state;
            if !first {
                head.wait_for(|head| *head > after).await.ok()?;
            }
            let page = store.lock().page(after, &query, usize::MAX, DELIVERY_EVENTS_MAX);
            let caught_up = page.through >= page.head;
            let delivery = Delivery { events: page.events, through: page.through, caught_up };
            Some((Ok(delivery), (store, head, page.through, query, false)))
        });
        async { Ok(Box::pin(deliveries) as Subscription) }.boxed()
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        let slice = self.lock().slice(stream, from, direction, limit);
        async { Ok(slice) }.boxed()
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        let state = self.lock();
        let last = state.events.iter().flatten().rfind(|event| event.recorded_at() <= moment);
        let position = last.map_or(Position::START, Recorded::position);
        async move { Ok(position) }.boxed()
    }
}

impl EventStore for MemoryStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        async move { self.append_now(&append) }.boxed()
    }

    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>> {
        let mut guard = self.lock();
        let State { events, streams, .. } = &mut *guard;
        if let Some(state) = streams.get_mut(stream) {
            let last = (state.positions.len() as u64).saturating_sub(1);
            let before = before.0.min(last);
            for revision in state.first.0..before {
                events[state.positions[revision as usize].0 as usize - 1] = None;
            }
            state.first = Revision(state.first.0.max(before));
        }
        async { Ok(()) }.boxed()
    }

    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        let snapshot = self.lock().snapshots.get(stream).cloned();
        async { Ok(snapshot) }.boxed()
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        let mut state = self.lock();
        let newer = state
            .snapshots
            .get(&snapshot.stream)
            .is_none_or(|kept| kept.schema != snapshot.schema || kept.revision <= snapshot.revision);
        if newer {
            state.snapshots.insert(snapshot.stream.clone(), snapshot);
        }
        async { Ok(()) }.boxed()
    }
}

#[cfg(test)]
mod tests;
