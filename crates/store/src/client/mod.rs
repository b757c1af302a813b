//! The `http:` engine: another Tradewind's store, or the feed that a service publishes.
//!
//! `transport` speaks HTTP; `appends` gathers concurrent appends into batches;
//! `reads` and `live` read and follow; `feed` is what only who seeds from a feed asks of it; `snapshots` keeps what is beside the log.

mod appends;
mod feed;
mod live;
mod reads;
mod seeded;
mod snapshots;
mod transport;

use std::sync::Arc;
use std::time::Duration;

use futures_core::future::BoxFuture;
use tradewind_events::{
    Append, AppendError, Appended, Direction, EventSource, EventStore, Page, Position, Query, ReadError, Revision,
    Snapshot, StreamId, StreamSlice, Subscription, Timestamp,
};

use crate::OpenError;
use appends::Appends;
pub use seeded::{HandedOver, SeededService, SubscriptionStatus};
use transport::Transport;

/// How a store is reached. Every wait has an end, every queue a limit.
#[derive(Debug, Clone)]
pub struct ClientOptions {
    /// How long a connection may take to be made.
    pub connect_within: Duration,
    /// How long one request may take.
    pub answer_within: Duration,
    /// How long a request that met a broken connection is repeated. Appends are repeated with the same event ids,
    /// so that they are recorded once.
    pub retry_for: Duration,
    /// The first pause before trying again; it doubles, up to [`ClientOptions::pause_max`], and is cut by chance.
    pub pause_first: Duration,
    /// The longest pause before trying again.
    pub pause_max: Duration,
    /// How long a live stream may be silent before it is taken for dead: some heartbeats of the server.
    pub silent_max: Duration,
    /// How long a subscription that lost its server tries to find it again; none: for ever.
    pub follow_for: Option<Duration>,
    /// The most appends in one request.
    pub batch_appends_max: usize,
    /// The most bytes in one request, if it has more than one append.
    pub batch_bytes_max: usize,
    /// How many requests with appends are on their way at once. What comes meanwhile waits and shares the next one.
    pub batches_in_flight_max: usize,
    /// How many appends wait at once; more wait for room.
    pub waiting_max: usize,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(35),
            retry_for: Duration::from_secs(10),
            pause_first: Duration::from_millis(20),
            pause_max: Duration::from_secs(2),
            silent_max: Duration::from_secs(45),
            follow_for: None,
            batch_appends_max: 256,
            batch_bytes_max: 1 << 20,
            batches_in_flight_max: 2,
            waiting_max: 8_192,
        }
    }
}

/// A service's published events, as a source: `http://host:port/feed`. The reading half of [`HttpStore`].
#[derive(Clone)]
pub struct FeedSource {
    transport: Arc<Transport>,
}

impl FeedSource {
    /// A source over the feed at a base URL. Connects when it is first used.
    ///
    /// # Errors
    /// [`OpenError::Url`] if the URL is not `http://host[:port][/prefix]`.
    pub fn new(base: &str, options: ClientOptions) -> Result<Self, OpenError> {
        Ok(Self { transport: Arc::new(Transport::new(base, options)?) })
    }
}

/// An event store over HTTP.
#[derive(Clone)]
pub struct HttpStore {
    source: FeedSource,
    appends: Arc<Appends>,
}

impl HttpStore {
    /// The store at a base URL. Connects when it is first used.
    ///
    /// # Errors
    /// [`OpenError::Url`] if the URL is not `http://host[:port][/prefix]`.
    pub fn new(base: &str, options: ClientOptions) -> Result<Self, OpenError> {
        let source = FeedSource::new(base, options)?;
        let appends = Arc::new(Appends::new(Arc::clone(&source.transport)));
        Ok(Self { source, appends })
    }
}

impl EventSource for FeedSource {
    fn url(&self) -> Option<&str> {
        Some(self.transport.base())
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(reads::head(&self.transport))
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let target = reads::page_target(after, query, limit);
        Box::pin(reads::page(&self.transport, target))
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        Box::pin(async move { live::follow(Arc::clone(&self.transport), after, &query) })
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        let target = reads::stream_target(stream, from, direction, limit);
        Box::pin(reads::stream(&self.transport, target))
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(reads::position_at(&self.transport, moment))
    }
}

impl EventSource for HttpStore {
    fn url(&self) -> Option<&str> {
        self.source.url()
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.source.head()
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.source.read(after, query, limit)
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        self.source.subscribe(after, query)
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.source.read_stream(stream, from, direction, limit)
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.source.position_at(moment)
    }
}

impl EventStore for HttpStore {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        Box::pin(Arc::clone(&self.appends).append(append))
    }

    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>> {
        let stream = stream.clone();
        Box::pin(async move { appends::truncate(&self.source.transport, &stream, before).await })
    }

    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        let stream = stream.clone();
        Box::pin(async move { snapshots::load(&self.source.transport, stream).await })
    }

    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        Box::pin(async move { snapshots::save(&self.source.transport, snapshot).await })
    }
}
