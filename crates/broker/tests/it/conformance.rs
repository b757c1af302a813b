//! Every engine holds what the ports promise.

use std::sync::Arc;

use tradewind_broker::conformance::Fixture;
use tradewind_broker::{Broker, open};

use crate::given::{fresh_topic, options};

fn fixture(broker: Arc<dyn Broker>, keep: Box<dyn std::any::Any + Send>) -> Fixture {
    let publishing = Arc::clone(&broker);
    Fixture {
        broker,
        publisher: Box::new(move |topic| {
            let broker = Arc::clone(&publishing);
            Box::pin(async move { broker.publisher(&topic).await })
        }),
        topic: fresh_topic(),
        keep,
    }
}

#[cfg(feature = "kafka")]
mod kafka {
    use super::{Fixture, fixture, open, options};
    use tradewind_testkit::servers::{Kafka, is_left_out};

    async fn open_kafka() -> Option<Fixture> {
        if is_left_out("kafka") {
            return None;
        }
        let server = Kafka::start();
        let broker = open(&server.url(), options()).unwrap().unwrap();
        Some(fixture(broker, Box::new(server)))
    }

    tradewind_broker::conformance_tests!(open_kafka);
}

#[cfg(feature = "nats")]
mod nats {
    use super::{Fixture, fixture, open, options};
    use tradewind_testkit::servers::{Nats, is_left_out};

    async fn open_nats() -> Option<Fixture> {
        if is_left_out("nats") {
            return None;
        }
        let server = Nats::start();
        let broker = open(&server.url(), options()).unwrap().unwrap();
        Some(fixture(broker, Box::new(server)))
    }

    tradewind_broker::conformance_tests!(open_nats);
}

#[cfg(feature = "rabbitmq")]
mod rabbitmq {
    use super::{Fixture, fixture, open, options};
    use tradewind_testkit::servers::{RabbitMq, is_left_out};

    async fn open_rabbitmq() -> Option<Fixture> {
        if is_left_out("rabbitmq") {
            return None;
        }
        let server = tokio::task::spawn_blocking(RabbitMq::shared).await.unwrap();
        let broker = open(&server.url(), options()).unwrap().unwrap();
        Some(fixture(broker, Box::new(())))
    }

    tradewind_broker::conformance_tests!(open_rabbitmq);
}

mod feeds {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use futures_core::future::BoxFuture;
    use tradewind_broker::conformance::Fixture;
    use tradewind_broker::{BrokerError, FeedsBroker, Message, PublishError, Publisher, Topic};
    use tradewind_events::{Append, EventSource, EventStore, ExpectedRevision, Position, StreamId};
    use tradewind_http::wire::event::read_message;
    use tradewind_testkit::memory_store::MemoryStore;

    use crate::given::fresh_topic;

    /// Here the publisher is the service itself: what it records is what is told.
    struct Recording {
        store: Arc<MemoryStore>,
        last: Option<Position>,
    }

    impl Publisher for Recording {
        fn last(&self) -> Option<Position> {
            self.last
        }

        fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
            Box::pin(async move {
                for (confirmed, message) in batch.iter().enumerate() {
                    let (event, _) = read_message(&message.json).unwrap();
                    let stream = StreamId::new(event.stream()).unwrap();
                    let append = Append::to(stream, ExpectedRevision::Any, vec![event.to_event().unwrap()]);
                    let unknown = |error: String| PublishError { confirmed, error: BrokerError::Unavailable(error) };
                    let appended = self.store.append(append).await.map_err(|error| unknown(error.to_string()))?;
                    assert_eq!(appended.last, message.position);
                    self.last = Some(message.position);
                }
                Ok(())
            })
        }
    }

    async fn open_feeds() -> Option<Fixture> {
        let topic = fresh_topic();
        let other = Topic::new(&format!("{topic}-other")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let stores: BTreeMap<Topic, Arc<MemoryStore>> =
            [topic.clone(), other].into_iter().map(|topic| (topic, Arc::new(MemoryStore::new()))).collect();
        let feeds = stores.iter().map(|(topic, store)| (topic.clone(), Arc::clone(store) as Arc<dyn EventSource>));
        let broker = Arc::new(FeedsBroker::new(feeds, folder.path()));
        Some(Fixture {
            broker,
            publisher: Box::new(move |topic| {
                let store = Arc::clone(&stores[&topic]);
                Box::pin(async move {
                    let last = Some(store.head().await.unwrap()).filter(|head| *head > Position::START);
                    Ok(Box::new(Recording { store, last }) as Box<dyn Publisher>)
                })
            }),
            topic,
            keep: Box::new(folder),
        })
    }

    tradewind_broker::conformance_tests!(open_feeds);
}
