//! Over which broker, from which store, and for how long.

use std::path::PathBuf;
use std::str::FromStr;

use tradewind_broker::BrokerUrl;
use tradewind_store::StoreUrl;

use super::{ChildCommand, Means};

/// What is proven, and for how long.
#[derive(Clone)]
pub struct Options {
    /// Over what events go.
    pub broker: BrokerChoice,
    /// In what services keep them, and followers their effects.
    pub store: StoreChoice,
    /// By what ways between processes are cut.
    pub means: Means,
    /// How many rounds.
    pub rounds: u64,
    /// What the faults follow from. The same seed gives the same faults at the same times; in the middle of what they
    /// come is up to the machine.
    pub seed: u64,
    /// Where logs and what the processes say are kept; none: the system's folder for temporary files.
    pub folder: Option<PathBuf>,
    /// How a process is started that calls [`super::child::main`] and nothing else.
    pub child: ChildCommand,
}

/// Over what events go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BrokerChoice {
    /// Nothing: followers follow the services' own feeds.
    Feeds,
    /// A NATS server of the proof's own.
    Nats,
    /// A RabbitMQ of the proof's own.
    RabbitMq,
    /// A server of the proof's own that speaks Kafka's protocol, in a program that was built with the feature `kafka`.
    Kafka,
    /// One that is there, which is neither started nor killed.
    Given(BrokerUrl),
}

impl FromStr for BrokerChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "feeds" | "feeds:" => Self::Feeds,
            "nats" => Self::Nats,
            "rabbitmq" => Self::RabbitMq,
            "kafka" if cfg!(feature = "kafka") => Self::Kafka,
            "kafka" => return Err("this program was built without the feature kafka".to_owned()),
            url if url.contains(':') => Self::Given(url.parse().map_err(|error| format!("{error}"))?),
            other => {
                return Err(format!("no broker is called {other}: there are feeds, nats, rabbitmq, kafka, or a URL"));
            }
        })
    }
}

impl BrokerChoice {
    /// For people, without credentials.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Feeds => "feeds".to_owned(),
            Self::Nats => "nats".to_owned(),
            Self::RabbitMq => "rabbitmq".to_owned(),
            Self::Kafka => "kafka".to_owned(),
            Self::Given(url) => url.to_string(),
        }
    }
}

/// In what services keep events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreChoice {
    /// A log in a folder for each.
    Files,
    /// A PostgreSQL of the proof's own, with a schema for each.
    Postgres,
    /// A database that is there, which is not stopped, with a new schema for each.
    Given(String),
}

impl FromStr for StoreChoice {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "file" | "file:" => Ok(Self::Files),
            "postgres" | "postgres:" => Ok(Self::Postgres),
            url => match url.parse::<StoreUrl>() {
                Ok(StoreUrl::Postgres(_)) if url.contains("schema=") => {
                    Err("the schema is the proof's own; leave it out".to_owned())
                }
                Ok(StoreUrl::Postgres(_)) => Ok(Self::Given(url.to_owned())),
                Ok(_) => Err("it can be file:, postgres: or postgres://USER@HOST/DATABASE".to_owned()),
                Err(error) => Err(error.to_string()),
            },
        }
    }
}

impl StoreChoice {
    /// For people, without credentials.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Files => "file".to_owned(),
            Self::Postgres => "postgres".to_owned(),
            Self::Given(url) => url.parse::<StoreUrl>().map_or_else(|_| "postgres".to_owned(), |url| url.to_string()),
        }
    }
}
