//! The writing port.

use futures_core::future::BoxFuture;

use crate::{Append, AppendError, Appended, EventSource, ReadError, Revision, Snapshot, StreamId};

/// An event store: a source that can be appended to. Every engine passes one conformance suite.
pub trait EventStore: EventSource {
    /// Records events, all or none of them, durably before it answers. Visible to readers at once afterwards.
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>>;

    /// Gives up the events of a stream before a revision: they are no longer read, by stream or by position, and
    /// their space may be reclaimed. The stream keeps its last event: `before` is cut to it. Positions and
    /// revisions keep their count.
    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>>;

    /// The newest snapshot of a stream, if there is one.
    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>>;

    /// Keeps a snapshot in place of the stream's older one. Not durable when it returns.
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>>;
}
