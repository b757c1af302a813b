//! The broker that needs nothing installed: whoever consumes follows the publisher's feed. The log itself is the topic,
//! so there is nothing to publish and nothing to lose; a group's place is a small file.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use futures_core::future::BoxFuture;
use futures_util::{FutureExt, StreamExt};
use tradewind_events::{EventSource, Position, Query, ReadError, Subscription};

use crate::place::Place;
use crate::{Broker, BrokerError, Consumer, Delivered, Publisher, Receipt, StartFrom, Subscribe, Topic};

/// Services' feeds, by topic.
pub struct FeedsBroker {
    feeds: BTreeMap<Topic, Arc<dyn EventSource>>,
    folder: PathBuf,
}

impl FeedsBroker {
    /// A broker over these feeds, which keeps the places of groups in a folder.
    pub fn new(feeds: impl IntoIterator<Item = (Topic, Arc<dyn EventSource>)>, folder: impl Into<PathBuf>) -> Self {
        Self { feeds: feeds.into_iter().collect(), folder: folder.into() }
    }
}

impl Broker for FeedsBroker {
    fn place(&self) -> &str {
        "feeds:"
    }

    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        let problem = format!("{topic} needs no publisher: its feed is followed as it is");
        Box::pin(async move { Err(BrokerError::Invalid(problem)) })
    }

    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let Subscribe { topic, group, from } = subscribe;
            let feed = self.feeds.get(&topic);
            let feed = feed.ok_or_else(|| BrokerError::Refused(format!("nobody said where {topic}'s feed is")))?;
            let place = Place::at(&self.folder.join(format!("{topic}.{group}.json")));
            let after = match place.load().map_err(|error| broken(&error))? {
                Some(position) => position,
                None => {
                    let begin = match from {
                        StartFrom::Beginning => Position::START,
                        StartFrom::Now => feed.head().await.map_err(|error| away(&error))?,
                    };
                    place.save(begin).map_err(|error| broken(&error))?;
                    begin
                }
            };
            let deliveries = feed.subscribe(after, Query::all()).await.map_err(|error| away(&error))?;
            Ok(Box::new(FeedConsumer { deliveries, place, last: after, ready: VecDeque::new() }) as Box<dyn Consumer>)
        })
    }
}

struct FeedConsumer {
    deliveries: Subscription,
    place: Place,
    /// The position of the last message.
    last: Position,
    ready: VecDeque<Delivered>,
}

impl FeedConsumer {
    fn take(&mut self, delivery: Result<tradewind_events::Delivery, ReadError>) -> Result<(), BrokerError> {
        for event in delivery.map_err(|error| away(&error))?.events {
            let (previous, position) = (self.last, event.position());
            self.ready.push_back(Delivered { event, previous, receipt: Receipt(position.0) });
            self.last = position;
        }
        Ok(())
    }
}

impl Consumer for FeedConsumer {
    fn next(&mut self, max: usize) -> BoxFuture<'_, Result<Vec<Delivered>, BrokerError>> {
        Box::pin(async move {
            while self.ready.len() < max {
                let next = if self.ready.is_empty() {
                    self.deliveries.next().await
                } else {
                    match self.deliveries.next().now_or_never() {
                        Some(next) => next,
                        None => break,
                    }
                };
                match next {
                    Some(delivery) => self.take(delivery)?,
                    None if !self.ready.is_empty() => break,
                    None => return Err(BrokerError::Unavailable("the feed ended".to_owned())),
                }
            }
            let several = self.ready.len().min(max);
            Ok(self.ready.drain(..several).collect())
        })
    }

    fn acknowledge(&mut self, through: Receipt) -> BoxFuture<'_, Result<(), BrokerError>> {
        let saved = self.place.save(Position(through.0)).map_err(|error| broken(&error));
        Box::pin(async move { saved })
    }
}

fn away(error: &ReadError) -> BrokerError {
    BrokerError::Unavailable(error.to_string())
}

fn broken(error: &io::Error) -> BrokerError {
    BrokerError::Refused(format!("a group's place cannot be kept: {error}"))
}
