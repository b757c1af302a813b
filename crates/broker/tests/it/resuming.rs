//! Where a relay goes on when a server has fallen with some messages on its topic that it had not confirmed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_core::future::BoxFuture;
use tradewind_broker::{Broker, BrokerError, Consumer, Message, PublishError, Publisher, Subscribe, Topic};
use tradewind_events::Position;

use crate::given::Publishing;

/// Of the first batch, five messages come on the topic, and three are confirmed.
#[derive(Clone)]
struct Falling {
    /// Whether what is on the topic is also in all queues.
    is_everywhere: bool,
    /// The positions of each batch.
    batches: Arc<Mutex<Vec<Vec<u64>>>>,
}

impl Broker for Falling {
    fn place(&self) -> &'static str {
        "falling"
    }

    fn publisher(&self, _: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        Box::pin(async { Ok(Box::new(self.clone()) as Box<dyn Publisher>) })
    }

    fn consumer(&self, _: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async { Err(BrokerError::Unavailable("nobody consumes".to_owned())) })
    }
}

impl Publisher for Falling {
    fn last(&self) -> Option<Position> {
        (!self.batches.lock().unwrap().is_empty()).then_some(Position(5))
    }

    fn last_is_everywhere(&self) -> bool {
        self.is_everywhere
    }

    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
        let mut batches = self.batches.lock().unwrap();
        batches.push(batch.iter().map(|message| message.position.0).collect());
        let outcome = match batches.len() {
            1 => Err(PublishError { confirmed: 3, error: BrokerError::Unavailable("it was killed".to_owned()) }),
            _ => Ok(()),
        };
        Box::pin(async { outcome })
    }
}

async fn second_batch(is_everywhere: bool) -> Vec<u64> {
    let (publishing, folder) = (Publishing::new(), tempfile::tempdir().unwrap());
    publishing.record(8).await;
    let falling = Falling { is_everywhere, batches: Arc::default() };
    let broker: Arc<dyn Broker> = Arc::new(falling.clone());
    let relaying = publishing.relay(&broker, folder.path());
    let coming = async {
        while falling.batches.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), coming).await.expect("it goes on");
    relaying.stop().await;
    let batches = falling.batches.lock().unwrap();
    assert_eq!(batches[0], (1..=8).collect::<Vec<_>>());
    batches[1].clone()
}

#[tokio::test]
async fn what_is_on_a_topic_unconfirmed_and_perhaps_not_in_all_queues_is_published_again() {
    assert_eq!(second_batch(false).await, [4, 5, 6, 7, 8]);
}

#[tokio::test]
async fn what_is_on_a_topic_that_is_all_there_is_is_not_repeated() {
    assert_eq!(second_batch(true).await, [6, 7, 8]);
}
