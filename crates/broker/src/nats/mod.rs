//! NATS JetStream. A topic is a stream of the same name; each message has the subject `tradewind.TOPIC.TYPE`.
//!
//! Every message is published with the sequence that the stream must have before it, so that the server itself refuses
//! a hole, a repeat, and a second publisher: that is stricter than message ids, which the server forgets after a while
//! and holds in memory until then.

mod consumer;
mod doubts;
mod publisher;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::jetstream::{self, stream};
use async_nats::{Client, ConnectErrorKind, ConnectOptions, ServerAddr};
use futures_core::future::BoxFuture;
use tokio::sync::Mutex;
use tradewind_events::ErrorCode;
use url::Url;

use crate::{Broker, BrokerError, BrokerOptions, Consumer, Publisher, Subscribe, Topic};

/// The first version that keeps its promises in a cluster: older ones let two writers win the same sequence.
const VERSION_MIN: (u64, u64) = (2, 12);

pub(crate) struct Nats {
    place: String,
    servers: Vec<ServerAddr>,
    options: BrokerOptions,
    client: Mutex<Option<Client>>,
    warned: AtomicBool,
}

impl Nats {
    pub(crate) fn new(servers: &[Url], place: String, options: BrokerOptions) -> Result<Self, BrokerError> {
        let refused = |error: std::io::Error| BrokerError::Url { url: place.clone(), problem: error.to_string() };
        let servers = servers.iter().cloned().map(ServerAddr::from_url).collect::<Result<_, _>>().map_err(refused)?;
        Ok(Self { place, servers, options, client: Mutex::new(None), warned: AtomicBool::new(false) })
    }

    /// The one connection, made anew when it has broken.
    async fn client(&self) -> Result<Client, BrokerError> {
        let mut client = self.client.lock().await;
        if let Some(client) = &*client
            && client.connection_state() == State::Connected
        {
            return Ok(client.clone());
        }
        let options = ConnectOptions::new()
            .name(&self.options.client_name)
            .connection_timeout(self.options.connect_within)
            .request_timeout(Some(self.options.answer_within))
            // Whoever uses it finds out that it broke, and what that means for its messages.
            .max_reconnects(1)
            .ping_interval(Duration::from_secs(10));
        let connecting = options.connect(&self.servers[..]);
        let connected = within(self.options.connect_within * 2, connecting).await?;
        let fresh = connected.map_err(|error| match error.kind() {
            ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
                BrokerError::Refused("the server does not accept the login".to_owned())
            }
            _ => BrokerError::Unavailable(error.to_string()),
        })?;
        self.warn(&fresh).await;
        *client = Some(fresh.clone());
        Ok(fresh)
    }

    /// Tells once what may lose what has been confirmed.
    async fn warn(&self, client: &Client) {
        if self.warned.swap(true, Ordering::Relaxed) {
            return;
        }
        let (code, broker) = (ErrorCode::UNSAFE_BROKER, &self.place);
        for doubt in self.doubts_of_server(client).await {
            tracing::warn!(%code, broker, "{doubt}");
        }
    }

    async fn jetstream(&self) -> Result<jetstream::Context, BrokerError> {
        let client = self.client().await?;
        Ok(jetstream::ContextBuilder::new()
            .timeout(self.options.answer_within)
            .ack_timeout(self.options.answer_within)
            .build(client))
    }

    async fn stream(&self, topic: &Topic) -> Result<(jetstream::Context, stream::Stream), BrokerError> {
        let context = self.jetstream().await?;
        let config = stream::Config {
            name: format!("tradewind-{topic}"),
            subjects: vec![format!("tradewind.{topic}.>")],
            description: Some(format!("What {topic} tells other services")),
            storage: stream::StorageType::File,
            num_replicas: self.options.replicas,
            max_age: self.options.keep_for,
            // Repeats are refused by their sequence; ids would only cost memory.
            duplicate_window: Duration::from_secs(1),
            allow_direct: true,
            ..stream::Config::default()
        };
        let made = within(self.options.answer_within, context.get_or_create_stream(config)).await?;
        let made = made.map_err(|error| refused_or_away(&error))?;
        Ok((context, made))
    }
}

impl Broker for Nats {
    fn place(&self) -> &str {
        &self.place
    }

    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        let topic = topic.clone();
        Box::pin(async move {
            let (context, stream) = self.stream(&topic).await?;
            let publisher = publisher::NatsPublisher::open(context, &stream, &topic, &self.options).await?;
            Ok(Box::new(publisher) as Box<dyn Publisher>)
        })
    }

    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        Box::pin(async move {
            let (context, stream) = self.stream(&subscribe.topic).await?;
            let consumer = consumer::NatsConsumer::open(context, &stream, &subscribe, &self.options).await?;
            Ok(Box::new(consumer) as Box<dyn Consumer>)
        })
    }

    fn doubts(&self) -> BoxFuture<'_, Result<Vec<String>, BrokerError>> {
        Box::pin(self.look_for_doubts())
    }
}

/// Whether a version such as `2.14.0` is older than another.
fn older(version: &str, than: (u64, u64)) -> bool {
    let mut parts = version.split(['.', '-']).map(|part| part.parse::<u64>().unwrap_or(0));
    (parts.next().unwrap_or(0), parts.next().unwrap_or(0)) < than
}

async fn within<T>(time: Duration, work: impl IntoFuture<Output = T>) -> Result<T, BrokerError> {
    let late = |_| BrokerError::Timeout(time.as_millis() as u64);
    tokio::time::timeout(time, work).await.map_err(late)
}

/// An error of JetStream's interface: what the server says itself will not pass by waiting.
fn refused_or_away(error: &(dyn std::error::Error + 'static)) -> BrokerError {
    let mut reason = Some(error);
    while let Some(inner) = reason {
        if let Some(told) = inner.downcast_ref::<jetstream::Error>() {
            // 503: there is no leader, or JetStream is not there yet.
            return match told.code() {
                503 => BrokerError::Unavailable(told.to_string()),
                _ => BrokerError::Refused(told.to_string()),
            };
        }
        reason = inner.source();
    }
    BrokerError::Unavailable(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_compare_by_their_first_two_numbers() {
        assert!(older("2.9.10", VERSION_MIN));
        assert!(!older("2.12.0", VERSION_MIN));
        assert!(!older("2.14.0-RC.1", VERSION_MIN));
        assert!(!older("3.0.0", VERSION_MIN));
        assert!(older("", VERSION_MIN));
    }
}
