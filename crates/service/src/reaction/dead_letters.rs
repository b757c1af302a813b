//! What operators see of what is set aside, and what they can do with it.

mod told;

use std::sync::{Arc, PoisonError, RwLock};

use serde_json::value::RawValue;
use tradewind_events::{ErrorCode, Position};

use super::aside::Aside;
use super::ledger::{Filter, KeptEvent, Listed, State};
use crate::follow::{Decided, Fix, Skips, Stopped};
pub use told::{ParkedEvent, ParkedKey, ParkedKeys, ParkedQueue, Selected, SelectedKey};
use told::{told, told_event};

/// How many keys and events are told at once.
pub(crate) const TOLD_MAX: usize = 1_000;
/// The most bytes of what an event is to say instead.
const FIX_BYTES_MAX: usize = 4 << 20;

/// What one projection, reaction or process manager has set aside. Cheap to clone.
#[derive(Clone)]
pub struct DeadLetters {
    name: Arc<str>,
    /// None while another instance has it, and before it is read. A projection has another one after a rebuild.
    aside: Arc<RwLock<Option<Arc<Aside>>>>,
    skips: Skips,
}

/// Why an operator's wish was not granted.
#[derive(Debug, thiserror::Error)]
pub enum DeadLetterError {
    /// Nothing of that key is set aside.
    #[error("nothing of key {0:?} is set aside")]
    NoSuchKey(String),
    /// That event is not set aside under that key.
    #[error("the event at position {position} is not set aside under key {key:?}")]
    NoSuchEvent {
        /// The key.
        key: String,
        /// The position.
        position: Position,
    },
    /// The key is being driven, or waits for its time: it can be changed only while it is parked.
    #[error("key {0:?} is not parked")]
    NotParked(String),
    /// What the event is to say is no JSON, or too long.
    #[error("what the event is to say is {0}")]
    Malformed(String),
    /// There is no such state.
    #[error("{0:?} is no state; there are parked, waiting and delayed")]
    NoSuchState(String),
    /// It could not be kept or recorded.
    #[error("{0}")]
    Failed(String),
    /// This instance does not have it, or not yet.
    #[error("it is not here")]
    NotHere,
}

impl DeadLetterError {
    /// The stable code of this error.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::NoSuchKey(_) | Self::NoSuchEvent { .. } => ErrorCode::NOT_FOUND,
            Self::NotParked(_) => ErrorCode::NOT_PARKED,
            Self::Malformed(_) | Self::NoSuchState(_) => ErrorCode::BAD_REQUEST,
            Self::Failed(_) => ErrorCode::INTERNAL,
            Self::NotHere => ErrorCode::UNAVAILABLE,
        }
    }
}

/// Which keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// This one.
    Key(String),
    /// All that are parked for this kind of failure.
    Failure(String),
    /// All that are parked.
    All,
}

impl DeadLetters {
    pub(crate) fn new(name: &str, aside: Option<Arc<Aside>>, skips: Skips) -> Self {
        Self { name: name.into(), aside: Arc::new(RwLock::new(aside)), skips }
    }

    /// From now on it is this that is set aside.
    pub(crate) fn are_of(&self, aside: Option<Arc<Aside>>) {
        *self.aside.write().unwrap_or_else(PoisonError::into_inner) = aside;
    }

    fn aside(&self) -> Result<Arc<Aside>, DeadLetterError> {
        let aside = self.aside.read().unwrap_or_else(PoisonError::into_inner).clone();
        aside.filter(|aside| aside.ledger.is_at_hand()).ok_or(DeadLetterError::NotHere)
    }

    /// Whose they are.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this instance that has them; if not, it can say nothing of them.
    pub(crate) fn are_here(&self) -> bool {
        self.aside().is_ok()
    }

    /// Keys that are set aside, in their order, behind `after`: of one state, if it is told (`parked`, `waiting`,
    /// `delayed`), and of one kind of failure, if that is.
    ///
    /// # Errors
    /// [`DeadLetterError`] if there is no such state, or the ledger cannot be read.
    pub async fn list(
        &self,
        state: Option<&str>,
        failure: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<ParkedKeys, DeadLetterError> {
        let no_such = |word: &str| DeadLetterError::NoSuchState(word.to_owned());
        let state = state.map(|word| State::of_word(word).ok_or_else(|| no_such(word))).transpose()?;
        let (failure, after) = (failure.map(str::to_owned), after.map(str::to_owned));
        let limit = limit.min(TOLD_MAX);
        let mut listed = self.listed(Filter { state, failure, key: None, after }, limit + 1).await?;
        let more = listed.len() > limit;
        listed.truncate(limit);
        Ok(ParkedKeys { items: listed.iter().map(|one| told(&self.name, one)).collect(), more })
    }

    /// A key with its events behind a position.
    ///
    /// # Errors
    /// [`DeadLetterError`] if nothing of it is set aside, or the ledger cannot be read.
    pub async fn show(&self, key: &str, after: Position, limit: usize) -> Result<ParkedQueue, DeadLetterError> {
        let listed = self.one(key).await?;
        let limit = limit.min(TOLD_MAX);
        let queue = self.aside()?.ledger.queue(key, after, limit + 1).await.map_err(DeadLetterError::Failed)?;
        let more = queue.len() > limit;
        Ok(ParkedQueue {
            key: told(&self.name, &listed),
            queue: queue.iter().take(limit).map(told_event).collect(),
            more,
        })
    }

    /// Lets an event of a parked key say something else, on behalf of `actor`. The decision is recorded as an event.
    ///
    /// # Errors
    /// [`DeadLetterError`] if the event is not there, its key not parked, or `data` no JSON.
    pub async fn fix(
        &self,
        key: &str,
        position: Position,
        data: Vec<u8>,
        actor: Option<String>,
    ) -> Result<(), DeadLetterError> {
        if data.len() > FIX_BYTES_MAX {
            return Err(DeadLetterError::Malformed(format!("longer than {FIX_BYTES_MAX} bytes")));
        }
        let said = serde_json::from_slice::<Box<RawValue>>(&data);
        let said = said.map_err(|error| DeadLetterError::Malformed(format!("no JSON: {error}")))?;
        let aside = self.aside()?;
        let _alone = aside.alone().await;
        let event = aside.ledger.event_aside(key, position).await.map_err(DeadLetterError::Failed)?;
        let Some(KeptEvent { event, .. }) = event else {
            return Err(DeadLetterError::NoSuchEvent { key: key.to_owned(), position });
        };
        if !aside.is_parked(key) {
            return Err(DeadLetterError::NotParked(key.to_owned()));
        }
        self.record(Decided::Fixed(Fix::of(&event, key, said)), &aside, actor).await?;
        aside.ledger.fix(key, position, data).await.map_err(DeadLetterError::Failed)
    }

    /// Meets all events of parked keys again, each key's in their order, on behalf of `actor`; what fails again is
    /// parked again at that event. A key that waits is tried at once. A `dry_run` only tells which.
    ///
    /// # Errors
    /// [`DeadLetterError`] if there is no such key, it is neither parked nor waits, or the decision cannot be recorded.
    pub async fn redrive(
        &self,
        selection: &Selection,
        dry_run: bool,
        actor: Option<String>,
    ) -> Result<Selected, DeadLetterError> {
        let aside = self.aside()?;
        let _alone = aside.alone().await;
        let (keys, selected) = self.select(selection, &[State::Parked, State::Waiting], &aside).await?;
        if dry_run || keys.is_empty() {
            return Ok(selected);
        }
        self.record(Decided::Redriven { selection: words(selection), keys: selected.keys }, &aside, actor).await?;
        aside.wake(keys).await.map_err(DeadLetterError::Failed)?;
        Ok(selected)
    }

    /// Gives up the event at which each of the keys is parked, on behalf of `actor`, and goes on with those behind it;
    /// or, with `whole_queue`, gives up all of them. Each is recorded as an event. A `dry_run` only tells which.
    ///
    /// # Errors
    /// [`DeadLetterError`] if there is no such key, it is not parked, or the decision cannot be recorded.
    pub async fn drop_parked(
        &self,
        selection: &Selection,
        whole_queue: bool,
        dry_run: bool,
        actor: Option<String>,
    ) -> Result<Selected, DeadLetterError> {
        let aside = self.aside()?;
        let _alone = aside.alone().await;
        let (keys, mut selected) = self.select(selection, &[State::Parked], &aside).await?;
        if !whole_queue {
            selected.events = selected.keys;
            selected.items.iter_mut().for_each(|one| one.events = 1);
        }
        if dry_run {
            return Ok(selected);
        }
        for key in keys {
            self.drop_of(&key, whole_queue, &aside, actor.as_ref()).await?;
        }
        Ok(selected)
    }

    async fn drop_of(
        &self,
        key: &str,
        whole_queue: bool,
        aside: &Aside,
        actor: Option<&String>,
    ) -> Result<(), DeadLetterError> {
        let error = self.one(key).await?.of.standing.error;
        let (mut through, mut events) = (Position::START, 0);
        loop {
            let limit = if whole_queue { TOLD_MAX } else { 1 };
            let queue = aside.ledger.queue(key, through, limit).await.map_err(DeadLetterError::Failed)?;
            let Some(last) = queue.last() else { break };
            let dropped: Vec<Stopped> = queue.iter().map(|kept| Stopped::at(&kept.event, error.clone())).collect();
            let recorded = self.skips.skip_all(&dropped, aside.now(), actor.cloned()).await;
            recorded.map_err(|error| DeadLetterError::Failed(error.to_string()))?;
            (through, events) = (last.event.position(), events + queue.len() as u64);
            if !whole_queue {
                break;
            }
        }
        aside.drop_through(key, through, events).await.map_err(DeadLetterError::Failed)
    }

    async fn record(&self, decided: Decided, aside: &Aside, actor: Option<String>) -> Result<(), DeadLetterError> {
        let recorded = self.skips.decide(decided, aside.now(), actor).await;
        recorded.map_err(|error| DeadLetterError::Failed(error.to_string()))
    }

    async fn listed(&self, filter: Filter, limit: usize) -> Result<Vec<Listed>, DeadLetterError> {
        self.aside()?.ledger.list(filter, limit).await.map_err(DeadLetterError::Failed)
    }

    async fn one(&self, key: &str) -> Result<Listed, DeadLetterError> {
        let filter = Filter { key: Some(key.to_owned()), ..Filter::default() };
        self.listed(filter, 1).await?.pop().ok_or_else(|| DeadLetterError::NoSuchKey(key.to_owned()))
    }

    /// The keys that are meant, none of which is being driven.
    async fn select(
        &self,
        selection: &Selection,
        states: &[State],
        aside: &Aside,
    ) -> Result<(Vec<String>, Selected), DeadLetterError> {
        let listed = match selection {
            Selection::Key(key) => {
                let one = self.one(key).await?;
                if !states.contains(&one.of.standing.state) || aside.is_driven(key) {
                    return Err(DeadLetterError::NotParked(key.clone()));
                }
                vec![one]
            }
            Selection::Failure(failure) => {
                let failure = Some(failure.clone());
                self.listed(Filter { state: Some(State::Parked), failure, ..Filter::default() }, usize::MAX >> 1)
                    .await?
            }
            Selection::All => {
                self.listed(Filter { state: Some(State::Parked), ..Filter::default() }, usize::MAX >> 1).await?
            }
        };
        let mut selected = Selected::default();
        for Listed { of, .. } in &listed {
            let one = SelectedKey { follower: self.name.to_string(), key: of.key.clone(), events: of.events };
            selected.add(Selected { keys: 1, events: of.events, items: vec![one] });
        }
        Ok((listed.into_iter().map(|one| one.of.key).collect(), selected))
    }
}

fn words(selection: &Selection) -> String {
    match selection {
        Selection::Key(key) => format!("key {key}"),
        Selection::Failure(failure) => format!("failure {failure}"),
        Selection::All => "all".to_owned(),
    }
}
