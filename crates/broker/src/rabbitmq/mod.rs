//! RabbitMQ. A topic is an exchange, `tradewind.TOPIC`, and a stream of the same name that keeps what was published:
//! so a message always has a queue to go to, a publisher can ask what was published last, and all groups read the one
//! copy. Where a group is lies in a small queue of its own, `tradewind.TOPIC.GROUP.place`.

mod consumer;
mod doubts;
mod place;
mod publisher;
mod stream;
mod topology;
mod weaknesses;

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use lapin::options::BasicQosOptions;
use lapin::types::LongString;
use lapin::uri::AMQPUri;
use lapin::{Channel, Connection, ConnectionProperties, ErrorKind};
use tokio::sync::Mutex;
use url::Url;

use crate::{Broker, BrokerError, BrokerOptions, BrokerUrl, Consumer, Publisher, Subscribe, Topic};

/// How often both sides say that they are there.
const HEARTBEAT_S: u16 = 10;

pub(crate) struct RabbitMq {
    url: Url,
    place: String,
    options: BrokerOptions,
    connection: Mutex<Option<Arc<Connection>>>,
    /// Queues of which it has been told what may lose their messages.
    warned: std::sync::Mutex<BTreeSet<String>>,
}

/// A channel, and the connection that lives as long as it is used.
#[derive(Clone)]
struct Link {
    channel: Channel,
    connection: Arc<Connection>,
    answer_within: Duration,
}

impl RabbitMq {
    pub(crate) fn new(url: &Url, place: String, options: BrokerOptions) -> Self {
        Self { url: url.clone(), place, options, connection: Mutex::new(None), warned: std::sync::Mutex::default() }
    }

    /// A channel on the one connection, which is made anew when it has broken.
    async fn link(&self) -> Result<Link, BrokerError> {
        let mut connection = self.connection.lock().await;
        let fresh = match &*connection {
            Some(connection) if connection.status().connected() => Arc::clone(connection),
            _ => {
                let fresh = Arc::new(self.connect().await?);
                *connection = Some(Arc::clone(&fresh));
                fresh
            }
        };
        drop(connection);
        Link::new(fresh, self.options.answer_within).await
    }

    /// Tells once for each queue what may lose its messages, beside the work.
    fn warn(&self, queue: String) {
        if self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(queue.clone()) {
            let (url, port) = (self.url.clone(), self.options.rabbitmq_management_port);
            tokio::spawn(weaknesses::warn(url, port, self.place.clone(), queue));
        }
    }

    async fn connect(&self) -> Result<Connection, BrokerError> {
        let refused = |problem: String| BrokerError::Url { url: self.place.clone(), problem };
        let mut uri: AMQPUri = BrokerUrl::secret(&self.url).parse().map_err(refused)?;
        uri.query.heartbeat = Some(HEARTBEAT_S);
        uri.query.connection_timeout = Some(self.options.connect_within.as_millis() as u64);
        let name = LongString::from(self.options.client_name.as_bytes());
        let properties = ConnectionProperties::default().with_connection_name(name);
        let within = self.options.connect_within * 2;
        let connecting = tokio::time::timeout(within, Connection::connect_uri(uri, properties));
        connecting.await.map_err(|_| late(within))?.map_err(|error| broker_error(&error))
    }
}

impl Link {
    async fn new(connection: Arc<Connection>, answer_within: Duration) -> Result<Self, BrokerError> {
        let opening = tokio::time::timeout(answer_within, connection.create_channel());
        let channel = opening.await.map_err(|_| late(answer_within))?.map_err(|error| broker_error(&error))?;
        Ok(Self { channel, connection, answer_within })
    }

    /// Another channel on the same connection: a refusal closes the one that it came on.
    async fn another(&self) -> Result<Self, BrokerError> {
        Self::new(Arc::clone(&self.connection), self.answer_within).await
    }

    async fn within<T>(&self, work: impl Future<Output = lapin::Result<T>>) -> Result<T, BrokerError> {
        let answer = tokio::time::timeout(self.answer_within, work).await;
        answer.map_err(|_| late(self.answer_within))?.map_err(|error| broker_error(&error))
    }

    async fn prefetch(&self, messages: u16) -> Result<(), BrokerError> {
        self.within(self.channel.basic_qos(messages, BasicQosOptions::default())).await
    }
}

impl Broker for RabbitMq {
    fn place(&self) -> &str {
        &self.place
    }

    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        let topic = topic.clone();
        Box::pin(async move {
            let publisher = publisher::RabbitMqPublisher::open(self.link().await?, &topic, &self.options).await?;
            self.warn(topology::topic_name(&topic));
            Ok(Box::new(publisher) as Box<dyn Publisher>)
        })
    }

    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let consumer = consumer::RabbitMqConsumer::open(self.link().await?, &subscribe, &self.options).await?;
            self.warn(topology::place_name(&subscribe.topic, &subscribe.group));
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        })
    }

    fn doubts(&self) -> BoxFuture<'_, Result<Vec<String>, BrokerError>> {
        Box::pin(async move { doubts::look_for(&self.link().await?).await })
    }
}

fn late(within: Duration) -> BrokerError {
    BrokerError::Timeout(within.as_millis() as u64)
}

/// The code with which the server refuses, if it does.
fn refusal(error: &lapin::Error) -> Option<u16> {
    match error.kind() {
        ErrorKind::ProtocolError(refused) => Some(refused.get_id()),
        _ => None,
    }
}

fn broker_error(error: &lapin::Error) -> BrokerError {
    match refusal(error) {
        // A server that goes down closes its connections in order, and says so (320); one that has just come up may
        // fail in itself (541).
        Some(320 | 541) | None => BrokerError::Unavailable(error.to_string()),
        Some(_) => BrokerError::Refused(error.to_string()),
    }
}
