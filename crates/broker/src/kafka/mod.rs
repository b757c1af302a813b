//! Kafka, and what else speaks its protocol. A topic is `tradewind.TOPIC`, with one partition: the chain of positions
//! runs through all of it, whatever the key. A message's key is its stream, so that whoever copies it onto a topic with
//! more partitions keeps each stream in order.
//!
//! A group is its committed offset. Its consumer takes the partition by itself instead of having it assigned: with one
//! partition and one consumer at a time there is nothing to balance, and who follows one that fell need not wait until
//! the server has given that up.

mod consumer;
mod context;
mod failure;
mod publisher;
mod settings;
mod tail;
mod topic;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use futures_core::future::BoxFuture;
use rdkafka::ClientConfig;
use rdkafka::admin::AdminClient;
use rdkafka::consumer::BaseConsumer;
use tokio::sync::Mutex;
use url::Url;

use crate::{Broker, BrokerError, BrokerOptions, Consumer, Publisher, Subscribe, Topic};
use context::Context;
use failure::broker_error;

pub(crate) struct Kafka {
    place: String,
    settings: ClientConfig,
    options: BrokerOptions,
    /// What asks and makes; publishers and consumers have connections of their own, as the library wants it.
    asking: Mutex<Option<Asking>>,
    /// Whether it has been told what may lose messages.
    warned: AtomicBool,
}

/// Clients for questions. They connect again by themselves.
#[derive(Clone)]
struct Asking {
    admin: Arc<AdminClient<Context>>,
    /// What is there is asked here, since here it is also told why there is no answer.
    cluster: Arc<BaseConsumer<Context>>,
    context: Context,
}

impl Kafka {
    pub(crate) fn new(servers: &[Url], place: String, options: BrokerOptions) -> Result<Self, BrokerError> {
        let refused = |problem| BrokerError::Url { url: place.clone(), problem };
        let settings = settings::of(servers, &options).map_err(refused)?;
        Ok(Self { place, settings, options, asking: Mutex::new(None), warned: AtomicBool::new(false) })
    }

    async fn asking(&self) -> Result<Asking, BrokerError> {
        let mut asking = self.asking.lock().await;
        if let Some(asking) = &*asking {
            return Ok(asking.clone());
        }
        let context = Context::default();
        let failed = |error| broker_error(&error, &context);
        let admin = self.settings.create_with_context(context.clone()).map_err(failed)?;
        let cluster = self.settings.create_with_context(context.clone()).map_err(failed)?;
        let fresh = Asking { admin: Arc::new(admin), cluster: Arc::new(cluster), context };
        *asking = Some(fresh.clone());
        Ok(fresh)
    }
}

impl Broker for Kafka {
    fn place(&self) -> &str {
        &self.place
    }

    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        let topic = topic.clone();
        Box::pin(async move {
            topic::make(self, &topic).await?;
            let publisher = publisher::KafkaPublisher::open(&self.settings, &topic, &self.options).await?;
            Ok(Box::new(publisher) as Box<dyn Publisher>)
        })
    }

    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            topic::make(self, &subscribe.topic).await?;
            let consumer = consumer::KafkaConsumer::open(&self.settings, &subscribe, &self.options).await?;
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        })
    }

    fn doubts(&self) -> BoxFuture<'_, Result<Vec<String>, BrokerError>> {
        Box::pin(topic::doubts(self))
    }
}

/// Runs what blocks and has a limit of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, BrokerError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| BrokerError::Unavailable(format!("a question to the broker was given up: {error}")))
}

/// Drops a client where it may wait: it says goodbye to servers, which may be away.
fn drop_elsewhere<T: Send + 'static>(client: T) {
    // Without a thread the closure, and the client with it, is dropped here.
    let _ = std::thread::Builder::new().name("kafka-close".to_owned()).spawn(move || drop(client));
}
