//! Another service's events over a broker, as a source like its feed.
//!
//! Live events come from the broker; history, and whatever the broker does not have, from the feed. The chain of
//! positions in the messages says which is which, so that nothing is lost, repeated or inverted whatever the broker
//! does. If the feed's service is away, events still come over the broker as long as none is missing; if the broker is
//! away, they come from the feed, a little later.

mod live;
mod metrics;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use futures_util::stream;
use tokio::sync::watch;
use tradewind_events::{
    Direction, EventSource, Page, Position, Query, ReadError, Revision, StreamId, StreamSlice, Subscription, Timestamp,
};

use crate::{Broker, Group, Topic};
use live::Live;
pub use metrics::BrokeredMetrics;

/// How events over a broker are joined with those of the feed.
#[derive(Debug, Clone)]
pub struct BrokeredOptions {
    /// The most events in one delivery.
    pub delivery_events_max: usize,
    /// How long the broker may be quiet before the feed is asked whether it should be.
    pub quiet_max: Duration,
    /// How long an event that the feed has may be on its way over the broker before it is taken from the feed.
    pub overdue_after: Duration,
    /// How long the feed may take to answer.
    pub feed_within: Duration,
    /// The first pause before a broker that is away is tried again; it doubles up to the longest.
    pub pause_first: Duration,
    /// The longest pause before a broker that is away is tried again.
    pub pause_max: Duration,
}

impl Default for BrokeredOptions {
    fn default() -> Self {
        Self {
            delivery_events_max: 1_024,
            quiet_max: Duration::from_secs(1),
            overdue_after: Duration::from_secs(3),
            feed_within: Duration::from_secs(3),
            pause_first: Duration::from_millis(100),
            pause_max: Duration::from_secs(5),
        }
    }
}

/// What one service publishes, for the followers of another.
#[derive(Clone)]
pub struct BrokeredSource {
    ends: Arc<Ends>,
    /// Up to where each follower's effects are committed.
    handled: Arc<Mutex<HashMap<String, watch::Sender<Position>>>>,
}

/// What all followers share.
struct Ends {
    feed: Arc<dyn EventSource>,
    broker: Arc<dyn Broker>,
    topic: Topic,
    service: String,
    options: BrokeredOptions,
    metrics: BrokeredMetrics,
}

impl BrokeredSource {
    /// What comes on `topic` of `broker`, for the followers of `service`; `feed` is the publisher's own feed.
    pub fn new(
        feed: Arc<dyn EventSource>,
        broker: Arc<dyn Broker>,
        topic: Topic,
        service: impl Into<String>,
        options: BrokeredOptions,
        metrics: BrokeredMetrics,
    ) -> Self {
        let ends = Ends { feed, broker, topic, service: service.into(), options, metrics };
        Self { ends: Arc::new(ends), handled: Arc::default() }
    }
}

impl EventSource for BrokeredSource {
    fn url(&self) -> Option<&str> {
        self.ends.feed.url()
    }

    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.ends.feed.head()
    }

    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.ends.feed.read(after, query, limit)
    }

    /// Whoever has no name gets nothing kept at the broker: it is served by the feed.
    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        self.ends.feed.subscribe(after, query)
    }

    fn follow(&self, follower: &str, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        let group = Group::of(&self.ends.service, follower).map_err(|error| ReadError::Invalid(error.to_string()));
        let (handled, seen) = watch::channel(after);
        self.handled.lock().unwrap_or_else(PoisonError::into_inner).insert(follower.to_owned(), handled);
        let ends = Arc::clone(&self.ends);
        Box::pin(async move {
            let live = Live::new(ends, group?, after, query, seen);
            Ok(Box::pin(stream::unfold(live, Live::next)) as Subscription)
        })
    }

    fn handled(&self, follower: &str, through: Position) {
        let handled = self.handled.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(handled) = handled.get(follower) {
            handled.send_if_modified(|position| {
                let further = through > *position;
                *position = through.max(*position);
                further
            });
        }
    }

    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.ends.feed.read_stream(stream, from, direction, limit)
    }

    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.ends.feed.position_at(moment)
    }
}
