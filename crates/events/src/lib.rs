//! The vocabulary that every part of Tradewind speaks, and the ports through which the parts meet.
//!
//! Read in this order: an [`Event`] belongs to a stream ([`StreamId`]) and becomes [`Recorded`] when an
//! [`Append`] puts it there; every recorded event has a [`Revision`] in its stream and a [`Position`] in the
//! whole store; a [`Query`] says which events a reader wants, and an [`AppendCondition`] which events a writer
//! must not have missed; an [`EventSource`] is anything that can be read and followed, an [`EventStore`] one that
//! can be appended to as well.
//!
//! This crate does no I/O and knows no engine.

mod names;
mod position;
mod time;
mod metadata;
mod event;
mod query;
mod append;
mod source;
mod snapshot;
mod store;
mod cloudevent;
mod code;

pub use append::{Append, AppendError, Appended, StreamAppend};
pub use cloudevent::{CloudEvent, CloudEventError};
pub use code::ErrorCode;
pub use event::{Event, Recorded, RecordedParts};
pub use metadata::{DELIVER_AFTER, Metadata};
pub use names::{EventId, EventType, NameError, StreamId, Tag};
pub use position::{ExpectedRevision, Position, Revision};
pub use query::{AppendCondition, Query, QueryItem};
pub use snapshot::Snapshot;
pub use source::{Delivery, Direction, EventSource, Page, ReadError, StreamSlice, Subscription};
pub use store::EventStore;
pub use time::{Clock, ManualClock, SystemClock, Timestamp};

#[cfg(test)]
mod tests;
