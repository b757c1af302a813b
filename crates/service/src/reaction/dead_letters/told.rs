//! What operators are told of what is set aside.

use serde::Serialize;
use serde_json::value::RawValue;
use tradewind_events::{Position, Recorded, Timestamp};

use super::TOLD_MAX;
use crate::reaction::ledger::{KeptEvent, Listed};

/// A key that is set aside.
#[derive(Debug, Clone, Serialize)]
pub struct ParkedKey {
    /// The projection, reaction or process manager.
    pub follower: String,
    /// The key: mostly the stream.
    pub key: String,
    /// `parked`, `waiting` or `delayed`.
    pub state: &'static str,
    /// The kind of its last failure: `poison`, `unreadable`, `panic`, `exhausted`; while it waits, `transient` or
    /// `unavailable`. Empty if it has not failed.
    pub failure: String,
    /// What was said.
    pub error: String,
    /// How often its first event has failed while others succeeded.
    pub attempts: u32,
    /// When it failed first.
    pub first_failed: Option<Timestamp>,
    /// When it failed last.
    pub last_failed: Option<Timestamp>,
    /// When it is tried or delivered next, unless it is parked.
    pub due: Option<Timestamp>,
    /// How many of its events are set aside.
    pub events: u64,
    /// Where the first of them is recorded, which is the one that failed.
    pub position: Position,
    /// Its id.
    pub event_id: String,
    /// Its type.
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// Whether somebody has let it say something else.
    pub fixed: bool,
}

/// Some of the keys that are set aside.
#[derive(Debug, Clone, Serialize)]
pub struct ParkedKeys {
    /// In their order.
    pub items: Vec<ParkedKey>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// An event that is set aside.
#[derive(Debug, Clone, Serialize)]
pub struct ParkedEvent {
    /// Where it is recorded.
    pub position: Position,
    /// Its id.
    pub id: String,
    /// Its type.
    #[serde(rename = "type")]
    pub event_type: String,
    /// Its stream.
    pub stream: String,
    /// When it happened.
    pub time: Timestamp,
    /// Its metadata.
    pub metadata: Box<RawValue>,
    /// What it says: JSON, or, if that cannot be read, text.
    pub data: Box<RawValue>,
    /// What it is to say instead.
    pub fixed: Option<Box<RawValue>>,
}

/// A key with its events.
#[derive(Debug, Clone, Serialize)]
pub struct ParkedQueue {
    /// The key.
    #[serde(flatten)]
    pub key: ParkedKey,
    /// Its events, in the order in which they are met.
    pub queue: Vec<ParkedEvent>,
    /// Whether there are more behind the last.
    pub more: bool,
}

/// A key to which something is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SelectedKey {
    /// The projection, reaction or process manager.
    pub follower: String,
    /// The key.
    pub key: String,
    /// How many of its events are met again, or dropped.
    pub events: u64,
}

/// To what something is, or would be, done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Selected {
    /// How many keys.
    pub keys: u64,
    /// How many events.
    pub events: u64,
    /// The keys; the first 1,000.
    pub items: Vec<SelectedKey>,
}

impl Selected {
    pub(crate) fn add(&mut self, other: Self) {
        (self.keys, self.events) = (self.keys + other.keys, self.events + other.events);
        self.items.extend(other.items);
        self.items.truncate(TOLD_MAX);
    }
}

pub(super) fn told(follower: &str, listed: &Listed) -> ParkedKey {
    let (of, event) = (&listed.of, &listed.first.event);
    ParkedKey {
        follower: follower.to_owned(),
        key: of.key.clone(),
        state: of.standing.state.word(),
        failure: of.standing.failure.clone(),
        error: of.standing.error.clone(),
        attempts: of.standing.attempts,
        first_failed: of.standing.first_failed,
        last_failed: of.standing.last_failed,
        due: of.standing.due,
        events: of.events,
        position: event.position(),
        event_id: event.id().to_string(),
        event_type: event.event_type().to_owned(),
        stream: event.stream().to_owned(),
        fixed: listed.first.fixed.is_some(),
    }
}

pub(super) fn told_event(kept: &KeptEvent) -> ParkedEvent {
    let event: &Recorded = &kept.event;
    let metadata = if event.metadata_bytes().is_empty() { b"{}" } else { event.metadata_bytes() };
    ParkedEvent {
        position: event.position(),
        id: event.id().to_string(),
        event_type: event.event_type().to_owned(),
        stream: event.stream().to_owned(),
        time: event.time(),
        metadata: json(metadata),
        data: json(event.data()),
        fixed: kept.fixed.as_deref().map(json),
    }
}

/// As JSON, or as the text that is nearest to it.
fn json(bytes: &[u8]) -> Box<RawValue> {
    let raw = serde_json::from_slice::<Box<RawValue>>(bytes);
    let text = || serde_json::value::to_raw_value(&String::from_utf8_lossy(bytes));
    raw.or_else(|_| text()).unwrap_or_else(|_| RawValue::NULL.to_owned())
}
