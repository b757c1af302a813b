//! The broker and the database of the proof's own, which are killed and started again.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tradewind_testkit::servers::{Kafka, Nats, Postgres, RabbitMq, missing};

use super::options::BrokerChoice;

/// A server that can be killed.
#[derive(Clone)]
pub(super) struct Killable {
    server: Arc<Mutex<Server>>,
    pub(super) address: SocketAddr,
}

enum Server {
    Kafka(Kafka),
    Nats(Nats),
    RabbitMq(RabbitMq),
    Postgres(Postgres),
}

impl Server {
    fn kill(&mut self) {
        match self {
            Self::Kafka(server) => server.kill(),
            Self::Nats(server) => server.kill(),
            Self::RabbitMq(server) => server.kill(),
            Self::Postgres(server) => server.kill(),
        }
    }

    fn start_again(&mut self) {
        match self {
            Self::Kafka(server) => server.start_again(),
            Self::Nats(server) => server.start_again(),
            Self::RabbitMq(server) => server.start_again(),
            Self::Postgres(server) => server.start_again(),
        }
    }
}

/// RabbitMQ 3.10 notes only some seconds after it made its first stream that it has one.
const RABBITMQ_SETTLES: Duration = Duration::from_secs(8);

impl Killable {
    /// The broker that is to be started, if one is; with how long it needs before it may be killed.
    pub(super) async fn broker(choice: &BrokerChoice) -> Result<Option<(Self, Duration)>, String> {
        match choice {
            BrokerChoice::Feeds | BrokerChoice::Given(_) => Ok(None),
            BrokerChoice::Nats => {
                let start = || Server::Nats(Nats::start());
                Self::start("nats", start).await.map(|server| Some((server, Duration::ZERO)))
            }
            BrokerChoice::Kafka => {
                let start = || Server::Kafka(Kafka::start());
                Self::start("kafka", start).await.map(|server| Some((server, Duration::ZERO)))
            }
            BrokerChoice::RabbitMq => {
                let start = || Server::RabbitMq(RabbitMq::start());
                Self::start("rabbitmq", start).await.map(|server| Some((server, RABBITMQ_SETTLES)))
            }
        }
    }

    /// A PostgreSQL.
    pub(super) async fn database() -> Result<Self, String> {
        Self::start("postgres", || Server::Postgres(Postgres::start(""))).await
    }

    async fn start(name: &str, start: fn() -> Server) -> Result<Self, String> {
        if let Some(install) = missing(name) {
            return Err(install.to_owned());
        }
        let started = tokio::task::spawn_blocking(start).await.map_err(|error| format!("{name}: {error}"))?;
        let port = match &started {
            Server::Kafka(server) => server.port(),
            Server::Nats(server) => server.port(),
            Server::RabbitMq(server) => server.port(),
            Server::Postgres(server) => server.port(),
        };
        Ok(Self { server: Arc::new(Mutex::new(started)), address: (Ipv4Addr::LOCALHOST, port).into() })
    }

    pub(super) async fn kill(&self) -> Result<(), String> {
        self.change(Server::kill).await
    }

    pub(super) async fn start_again(&self) -> Result<(), String> {
        self.change(Server::start_again).await
    }

    async fn change(&self, change: fn(&mut Server)) -> Result<(), String> {
        let server = Arc::clone(&self.server);
        let changing =
            tokio::task::spawn_blocking(move || change(&mut server.lock().unwrap_or_else(PoisonError::into_inner)));
        changing.await.map_err(|error| format!("a server is not as it should be: {error}"))
    }
}
