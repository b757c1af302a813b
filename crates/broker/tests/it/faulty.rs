//! A broker that loses and repeats.

use std::sync::Arc;

use futures_core::future::BoxFuture;
use tradewind_broker::{Broker, BrokerError, Consumer, Message, PublishError, Publisher, Subscribe, Topic};
use tradewind_events::Position;

/// Of what is published, every seventh message is confirmed and lost, and every third batch is published twice.
pub(crate) struct Faulty(pub(crate) Arc<dyn Broker>);

struct FaultyPublisher {
    inner: Box<dyn Publisher>,
    last: Option<Position>,
    batches: u64,
}

impl Broker for Faulty {
    fn place(&self) -> &str {
        self.0.place()
    }

    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        let topic = topic.clone();
        Box::pin(async move {
            let inner = self.0.publisher(&topic).await?;
            let last = inner.last();
            Ok(Box::new(FaultyPublisher { inner, last, batches: 0 }) as Box<dyn Publisher>)
        })
    }

    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        self.0.consumer(subscribe)
    }
}

impl Publisher for FaultyPublisher {
    fn last(&self) -> Option<Position> {
        self.last
    }

    fn last_is_everywhere(&self) -> bool {
        self.inner.last_is_everywhere()
    }

    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(async move {
            self.batches += 1;
            let kept: Vec<Message> =
                batch.iter().filter(|message| !message.position.0.is_multiple_of(7)).cloned().collect();
            let times = if self.batches.is_multiple_of(3) { 2 } else { 1 };
            for _ in 0..times {
                self.inner.publish(&kept).await?;
            }
            self.last = batch.last().map(|message| message.position);
            Ok(())
        })
    }
}
