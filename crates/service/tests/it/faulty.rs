//! A source that can be made to fail in ways in which a store in memory does not.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use futures_core::future::BoxFuture;
use tokio::sync::watch;
use tradewind_events::{
    Direction, EventSource, Page, Position, Query, ReadError, Revision, StreamId, StreamSlice, Subscription, Timestamp,
};
use tradewind_testkit::memory_store::MemoryStore;

/// Everything but what was asked for is as in the store behind it.
pub(crate) struct Faulty {
    inner: MemoryStore,
    /// Whether nobody is told the last position any more.
    pub(crate) head_hangs: AtomicBool,
    pub(crate) subscribing_panics: AtomicBool,
    /// How often a page was asked for.
    pub(crate) reads: AtomicU64,
    /// Whether pages are given.
    pub(crate) gives_pages: watch::Sender<bool>,
}

impl Faulty {
    pub(crate) fn over(inner: &MemoryStore) -> Self {
        Self {
            inner: inner.clone(),
            head_hangs: AtomicBool::new(false),
            subscribing_panics: AtomicBool::new(false),
            reads: AtomicU64::new(0),
            gives_pages: watch::Sender::new(true),
        }
    }
}

impl EventSource for Faulty {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        if self.head_hangs.load(Ordering::SeqCst) {
            return Box::pin(std::future::pending());
        }
        self.inner.head()
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let query = query.clone();
        Box::pin(async move {
            self.reads.fetch_add(1, Ordering::SeqCst);
            let mut gives = self.gives_pages.subscribe();
            let _ = gives.wait_for(|gives| *gives).await;
            self.inner.read(after, &query, limit).await
        })
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        assert!(!self.subscribing_panics.load(Ordering::SeqCst), "the test said so");
        self.inner.subscribe(after, query)
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.inner.read_stream(stream, from, direction, limit)
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.position_at(moment)
    }
}
