//! Brokers, stores and topics of a test's own.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{
    Broker, BrokerOptions, BrokeredMetrics, BrokeredOptions, BrokeredSource, Relay, RelayHandle, RelayMetrics,
    RelayOptions, Topic,
};
use tradewind_events::{
    Append, Direction, Event, EventSource, EventStore, EventType, ExpectedRevision, Page, Position, Query, ReadError,
    Recorded, Revision, StreamId, StreamSlice, Subscription, SystemClock, Timestamp,
};
use tradewind_testkit::memory_store::MemoryStore;

/// How long what is expected may take.
const WITHIN: Duration = Duration::from_secs(60);

/// A topic that no other test uses, also if they share a server.
pub(crate) fn fresh_topic() -> Topic {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    Topic::new(&format!("topic-{}-{number}", std::process::id())).unwrap()
}

pub(crate) fn options() -> BrokerOptions {
    BrokerOptions { client_name: "a test".to_owned(), ..BrokerOptions::default() }
}

/// A service that tells all it records.
#[derive(Clone)]
pub(crate) struct Publishing {
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) topic: Topic,
    /// Whether nobody can reach its feed.
    pub(crate) away: Arc<AtomicBool>,
}

impl Publishing {
    pub(crate) fn new() -> Self {
        let clock = Arc::new(SystemClock);
        Self { store: Arc::new(MemoryStore::with_clock(clock)), topic: fresh_topic(), away: Arc::default() }
    }

    /// Records so many events, in three streams.
    pub(crate) async fn record(&self, count: u64) {
        for number in 0..count {
            let event = Event::new(EventType::new("Told").unwrap(), Timestamp::from_micros(1), &number).unwrap();
            let stream = StreamId::new(format!("order-{}", number % 3)).unwrap();
            self.store.append(Append::to(stream, ExpectedRevision::Any, vec![event])).await.unwrap();
        }
    }

    /// The same slowly, so that what follows it is live.
    pub(crate) fn record_slowly(&self, count: u64) -> JoinHandle<()> {
        let publishing = self.clone();
        tokio::spawn(async move {
            for _ in 0..count / 10 {
                publishing.record(10).await;
                tokio::time::sleep(Duration::from_millis(15)).await;
            }
        })
    }

    pub(crate) fn relay(&self, broker: &Arc<dyn Broker>, folder: &Path) -> Relaying {
        let mut options = RelayOptions::new(self.topic.clone(), folder.join("relay.json"));
        options.pause_max = Duration::from_millis(500);
        options.batch_events_max = 100;
        let (store, clock) = (Arc::clone(&self.store), Arc::new(SystemClock));
        let (relay, handle) = Relay::new(store, Arc::clone(broker), options, RelayMetrics::default(), clock);
        let stop = CancellationToken::new();
        Relaying { handle, task: tokio::spawn(relay.run(stop.clone())), stop }
    }

    /// What a follower of another service follows.
    pub(crate) fn source(&self, broker: &Arc<dyn Broker>, metrics: &BrokeredMetrics) -> BrokeredSource {
        let options = BrokeredOptions {
            quiet_max: Duration::from_millis(300),
            overdue_after: Duration::from_secs(1),
            pause_max: Duration::from_millis(500),
            ..BrokeredOptions::default()
        };
        let feed = Arc::new(self.clone());
        BrokeredSource::new(feed, Arc::clone(broker), self.topic.clone(), "test", options, metrics.clone())
    }
}

/// A relay at work.
pub(crate) struct Relaying {
    pub(crate) handle: RelayHandle,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

impl Relaying {
    pub(crate) async fn has_published(&self, position: u64) {
        let published = || self.handle.status().published >= Position(position);
        let begun = tokio::time::Instant::now();
        while !published() {
            assert!(begun.elapsed() < WITHIN, "not published up to {position}: {:?}", self.handle.status());
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    pub(crate) async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(WITHIN, self.task).await.expect("the relay ends").unwrap();
    }
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waiting = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WITHIN, waiting).await.unwrap_or_else(|_| panic!("not within {WITHIN:?}: {what}"));
}

/// Follows as a read model does: its place moves with what it has taken, and it begins again where it broke off.
pub(crate) struct Following {
    pub(crate) taken: Vec<u64>,
    pub(crate) place: Position,
}

impl Following {
    pub(crate) fn new() -> Self {
        Self { taken: Vec::new(), place: Position::START }
    }

    /// Follows until a position is reached.
    pub(crate) async fn until(&mut self, source: &BrokeredSource, position: u64) {
        let following = async {
            while self.place < Position(position) {
                let mut deliveries = source.follow("copy", self.place, Query::all()).await.unwrap();
                while self.place < Position(position) {
                    let Some(Ok(delivery)) = deliveries.next().await else {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        break;
                    };
                    self.taken.extend(delivery.events.iter().map(|event: &Recorded| event.position().0));
                    assert!(delivery.through >= self.place, "it went back");
                    self.place = delivery.through;
                    source.handled("copy", self.place);
                }
            }
        };
        let came = tokio::time::timeout(WITHIN, following).await;
        came.unwrap_or_else(|_| panic!("only came to {} of {position}", self.place));
    }

    /// Everything, once, in order.
    pub(crate) fn has_all(&self, last: u64) {
        assert_eq!(self.taken, (1..=last).collect::<Vec<_>>());
    }
}

/// The feed, unless nobody can reach it.
impl Publishing {
    fn reach(&self) -> Result<&MemoryStore, ReadError> {
        match self.away.load(Ordering::Relaxed) {
            true => Err(ReadError::Unavailable("the test says so".to_owned())),
            false => Ok(&self.store),
        }
    }
}

impl EventSource for Publishing {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        Box::pin(async { self.reach()?.head().await })
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        let query = query.clone();
        Box::pin(async move { self.reach()?.read(after, &query, limit).await })
    }

    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        Box::pin(async move { self.reach()?.subscribe(after, query).await })
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.store.read_stream(stream, from, direction, limit)
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.store.position_at(moment)
    }
}
