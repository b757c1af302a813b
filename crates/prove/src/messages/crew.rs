//! All processes, servers and links of a proof.
//!
//! Two services record events and serve them. One has its relay in it, the other's is a process of its own, which reads
//! what the service serves. Two followers follow both. Between all of them, and before broker and database, are links.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tradewind_broker::BrokerUrl;
use tradewind_events::{EventStore, Position, Revision};
use tradewind_store::OpenOptions;

use super::audit::Audit;
use super::child::{Assignment, Follow, Relaying};
use super::member::{Member, Role};
use super::network::{Link, Means, Place};
use super::options::{BrokerChoice, Options, StoreChoice};
use super::plan::Scene;
use super::servers::Killable;

const PUBLISHERS: [&str; 2] = ["orders", "stock"];
const CONSUMERS: [&str; 2] = ["billing", "shipping"];

/// A service that publishes, as it is looked at.
pub(super) struct Publisher {
    pub(super) topic: String,
    pub(super) member: usize,
    pub(super) log: Arc<dyn EventStore>,
    /// Who reads its topic; none without a broker.
    pub(super) audit: Option<Audit>,
    /// Up to where its log has been compared.
    pub(super) compared: Position,
}

/// A follower, as it is looked at.
pub(super) struct Consumer {
    pub(super) member: usize,
    pub(super) log: Arc<dyn EventStore>,
    /// By topic: up to which of its effects they have been compared; none: nothing.
    pub(super) compared: HashMap<String, Option<Revision>>,
}

/// Everything.
pub(super) struct Crew {
    pub(super) members: Vec<Mutex<Member>>,
    pub(super) publishers: Vec<Publisher>,
    pub(super) consumers: Vec<Consumer>,
    /// Those that are cut.
    pub(super) links: Vec<Link>,
    pub(super) broker: Option<Killable>,
    pub(super) database: Option<Killable>,
    pub(super) means: Means,
    /// What was left out, and why.
    pub(super) notes: Vec<String>,
    /// By these it is looked at; they are never cut.
    _observed: Vec<Link>,
    _places: Vec<watch::Sender<Option<SocketAddr>>>,
    settles: Duration,
}

impl Crew {
    /// Starts the servers, and everybody else.
    pub(super) async fn assemble(options: &Options, folder: &Path) -> Result<Self, String> {
        let broker = Killable::broker(&options.broker).await?;
        let database = match options.store {
            StoreChoice::Postgres => Some(Killable::database().await?),
            StoreChoice::Files | StoreChoice::Given(_) => None,
        };
        let (broker, settles) = broker.map_or((None, Duration::ZERO), |(broker, settles)| (Some(broker), settles));
        let mut crew = Self {
            members: Vec::new(),
            publishers: Vec::new(),
            consumers: Vec::new(),
            links: Vec::new(),
            broker,
            database,
            means: options.means,
            notes: Vec::new(),
            _observed: Vec::new(),
            _places: Vec::new(),
            settles,
        };
        crew.assign(options, folder).await?;
        for member in &crew.members {
            member.lock().await.start().await?;
        }
        for member in &crew.members {
            member.lock().await.ready().await?;
        }
        tokio::time::sleep(crew.settles).await;
        Ok(crew)
    }

    /// What there is to break.
    pub(super) fn scene(&self) -> Scene {
        Scene {
            processes: self.members.len(),
            links: self.links.len(),
            broker: self.broker.is_some(),
            database: self.database.is_some(),
        }
    }

    async fn assign(&mut self, options: &Options, folder: &Path) -> Result<(), String> {
        let is_brokered = !matches!(&options.broker, BrokerChoice::Feeds)
            && !matches!(&options.broker, BrokerChoice::Given(BrokerUrl::Feeds));
        // Different each time: a broker or a database that is given may have those of another proof.
        let mark = uuid_like();
        let topics: Vec<String> = PUBLISHERS.iter().map(|name| format!("prove-{name}-{mark}")).collect();
        let member = |name: &str, role| Member::new(name, role, options.child.clone(), folder);
        let mut publishers: Vec<Member> = PUBLISHERS.iter().map(|name| member(name, Role::Publisher)).collect();
        let places: Vec<Place> = publishers.iter().map(Member::place).collect();
        let mut relay = member("relay-of-stock", Role::Relay);
        for (index, (publisher, topic)) in publishers.iter_mut().zip(&topics).enumerate() {
            let name = PUBLISHERS[index];
            let relaying = match is_brokered {
                false => None,
                true => {
                    let process = if index == 0 { name } else { "relay-of-stock" };
                    let (broker, place) =
                        (self.broker_url(options, process).await?, folder.join(format!("{name}.json")));
                    Some(Relaying { broker, topic: topic.clone(), place })
                }
            };
            let (inside, apart) = if index == 0 { (relaying, None) } else { (None, relaying) };
            let store = self.store_url(options, name, &mark, folder).await?;
            let seed = options.seed.wrapping_add(index as u64);
            publisher.assign(&Assignment::Publisher { store, seed, relay: inside })?;
            if let Some(apart) = apart {
                let feed = self.feed_url("relay-of-stock", name, &places[index]).await?;
                relay.assign(&Assignment::Relay { feed, relay: apart })?;
            }
        }
        let mut consumers: Vec<Member> = CONSUMERS.iter().map(|name| member(name, Role::Consumer)).collect();
        for (consumer, name) in consumers.iter_mut().zip(CONSUMERS) {
            // One connection to a broker for each that is followed, as services have it.
            let mut follows = Vec::new();
            for (index, topic) in topics.iter().enumerate() {
                let feed = self.feed_url(name, PUBLISHERS[index], &places[index]).await?;
                let broker = if is_brokered { Some(self.broker_url(options, name).await?) } else { None };
                follows.push(Follow { topic: topic.clone(), feed, broker });
            }
            let store = self.store_url(options, name, &mark, folder).await?;
            consumer.assign(&Assignment::Consumer { name: name.to_owned(), store, follows })?;
        }
        let mut all = Vec::new();
        for (topic, publisher) in topics.iter().zip(publishers) {
            let log = self.observed(&publisher).await?;
            let (topic, member) = (topic.clone(), all.len());
            let audit = match is_brokered {
                true => Some(Audit::start(&written(&self.direct_broker(options)?), &topic)?),
                false => None,
            };
            self.publishers.push(Publisher { topic, member, log, audit, compared: Position::START });
            all.push(publisher);
        }
        for consumer in consumers {
            let log = self.observed(&consumer).await?;
            let compared = topics.iter().map(|topic| (topic.clone(), None)).collect();
            self.consumers.push(Consumer { member: all.len(), log, compared });
            all.push(consumer);
        }
        if is_brokered {
            all.push(relay);
        }
        self.members = all.into_iter().map(Mutex::new).collect();
        self.notes.dedup();
        Ok(())
    }

    /// A link that is cut, to a place.
    async fn link(&mut self, from: &str, to: &str, place: Place) -> Result<u16, String> {
        let link = Link::to(format!("{from} to {to}"), place).await;
        let link = link.map_err(|error| format!("no port is free: {error}"))?;
        let port = link.port;
        self.links.push(link);
        Ok(port)
    }

    /// A link that is cut, to a server.
    async fn link_to_server(&mut self, from: &str, to: &str, address: SocketAddr) -> Result<u16, String> {
        let (sender, place) = watch::channel(Some(address));
        self._places.push(sender);
        self.link(from, to, place).await
    }

    /// A link that is cut, to the Kafka server of the proof's own, which tells its clients where it is.
    async fn link_to_kafka(&mut self, from: &str, address: SocketAddr) -> Result<u16, String> {
        let (sender, place) = watch::channel(Some(address));
        self._places.push(sender);
        let link = Link::standing_for(format!("{from} to the broker"), place, address).await;
        let link = link.map_err(|error| format!("no port is free: {error}"))?;
        let port = link.port;
        self.links.push(link);
        Ok(port)
    }

    async fn feed_url(&mut self, from: &str, to: &str, place: &Place) -> Result<String, String> {
        let port = self.link(from, to, place.clone()).await?;
        Ok(format!("http://127.0.0.1:{port}"))
    }

    /// The broker past all links.
    fn direct_broker(&self, options: &Options) -> Result<BrokerUrl, String> {
        let address = self.broker.as_ref().map(|broker| broker.address);
        Ok(match (&options.broker, address) {
            (BrokerChoice::Nats, Some(address)) => BrokerUrl::Nats(vec![parsed(&format!("nats://{address}"))?]),
            (BrokerChoice::Kafka, Some(address)) => BrokerUrl::Kafka(vec![parsed(&format!("kafka://{address}"))?]),
            (BrokerChoice::RabbitMq, Some(address)) => {
                BrokerUrl::Amqp(parsed(&format!("amqp://guest:guest@{address}/%2f"))?)
            }
            (BrokerChoice::Given(url), _) => url.clone(),
            _ => return Err("there is no broker".to_owned()),
        })
    }

    async fn broker_url(&mut self, options: &Options, from: &str) -> Result<String, String> {
        let mut url = self.direct_broker(options)?;
        if let (BrokerChoice::Kafka, Some(broker)) = (&options.broker, &self.broker) {
            let through = self.link_to_kafka(from, broker.address).await?;
            return Ok(format!("kafka://127.0.0.1:{through}"));
        }
        let plain = match &mut url {
            BrokerUrl::Nats(servers) if servers.len() == 1 && servers[0].scheme() == "nats" => {
                Some((&mut servers[0], 4222))
            }
            BrokerUrl::Amqp(server) if server.scheme() == "amqp" => Some((server, 5672)),
            _ => None,
        };
        match plain {
            Some((server, port)) => {
                let (host, port) = (server.host_str().unwrap_or_default().to_owned(), server.port().unwrap_or(port));
                let found = tokio::net::lookup_host((host.as_str(), port)).await;
                let address = found.ok().and_then(|mut found| found.next());
                let address = address.ok_or_else(|| format!("the broker's host {host} has no address"))?;
                let through = self.link_to_server(from, "the broker", address).await?;
                let moved = server.set_host(Some("127.0.0.1")).is_ok() && server.set_port(Some(through)).is_ok();
                if !moved {
                    return Err("the broker's URL has no place for another address".to_owned());
                }
            }
            None => {
                let why = "the ways to the broker are not cut: it tells its clients where it is, is a cluster, or has a \
                           certificate for its name";
                self.notes.push(why.to_owned());
            }
        }
        Ok(written(&url))
    }

    async fn store_url(&mut self, options: &Options, name: &str, mark: &str, folder: &Path) -> Result<String, String> {
        match (&options.store, self.database.as_ref().map(|database| database.address)) {
            (StoreChoice::Given(url), _) => {
                let more = if url.contains('?') { '&' } else { '?' };
                self.notes.push(format!(
                    "the ways to the given database are not cut, and the schemas prove_…_{mark} stay in it"
                ));
                Ok(format!("{url}{more}schema=prove_{name}_{mark}"))
            }
            (StoreChoice::Postgres, Some(address)) => {
                let port = self.link_to_server(name, "the database", address).await?;
                Ok(format!("postgres://postgres@127.0.0.1:{port}/postgres?schema={name}"))
            }
            _ => Ok(format!("file:{}", folder.join(name).display())),
        }
    }

    /// A process's log, as whoever compares reads it.
    async fn observed(&mut self, member: &Member) -> Result<Arc<dyn EventStore>, String> {
        let link = Link::to(format!("observer to {}", member.name), member.place()).await;
        let link = link.map_err(|error| format!("no port is free: {error}"))?;
        let url = format!("http://127.0.0.1:{}", link.port);
        self._observed.push(link);
        tradewind_store::open(&url, OpenOptions::default()).await.map_err(|error| error.to_string())
    }
}

/// With credentials, which its display leaves out.
fn written(url: &BrokerUrl) -> String {
    match url {
        BrokerUrl::Nats(servers) | BrokerUrl::Kafka(servers) => {
            servers.iter().map(ToString::to_string).collect::<Vec<_>>().join(",")
        }
        BrokerUrl::Amqp(server) => server.to_string(),
        BrokerUrl::Feeds => "feeds:".to_owned(),
    }
}

fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(text: &str) -> Result<T, String> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}

/// A word that no other proof has.
fn uuid_like() -> String {
    tradewind_events::EventId::new().to_string().replace('-', "")[16..].to_owned()
}
