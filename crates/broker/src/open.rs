//! Opening a broker by its URL.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use url::Url;

use crate::{Broker, BrokerError, BrokerOptions};

/// Where a broker is.
#[derive(Clone, PartialEq, Eq)]
pub enum BrokerUrl {
    /// `feeds:`: none; services follow each other's feeds.
    Feeds,
    /// `amqp://user:password@host:5672/vhost` or `amqps:`: RabbitMQ.
    Amqp(Url),
    /// `nats://user:password@host:4222` or `tls:`: NATS JetStream. Several servers of a cluster are separated by commas.
    Nats(Vec<Url>),
    /// `kafka://user:password@host:9092` or `kafkas:`: Kafka. Several servers of a cluster are separated by commas.
    Kafka(Vec<Url>),
}

const SCHEMES: &str = "feeds:, amqp:, amqps:, nats:, tls:, kafka: and kafkas:";

/// A URL without what stands before the `@`, and without what stands behind a `?`.
fn without_credentials(text: &str) -> String {
    text.split(',').map(one_without_credentials).collect::<Vec<_>>().join(",")
}

fn one_without_credentials(text: &str) -> String {
    let text = text.split('?').next().unwrap_or_default();
    let Some((scheme, rest)) = text.split_once("//") else {
        return match text.rsplit_once('@') {
            Some((_, place)) => format!("…@{place}"),
            None => text.to_owned(),
        };
    };
    let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}//{place}")
}

/// The addresses of a cluster: the first says the scheme, further ones may leave it out.
fn several(text: &str) -> Result<Vec<Url>, url::ParseError> {
    let scheme = text.split_once("//").map_or("", |(scheme, _)| scheme);
    let one = |part: &str| if part.contains("//") { part.parse() } else { format!("{scheme}//{part}").parse() };
    let mut parts = text.split(',');
    let first = parts.next().unwrap_or_default().parse();
    std::iter::once(first).chain(parts.map(one)).collect()
}

/// What else a URL of Kafka may say: how the login goes, and whose certificates are trusted.
fn kafka_parameters(urls: &[Url]) -> Result<(), String> {
    for (key, value) in urls.iter().flat_map(Url::query_pairs) {
        match (&*key, &*value) {
            ("sasl", "plain" | "scram-sha-256" | "scram-sha-512") => {}
            ("sasl", other) => return Err(format!("sasl={other} is none of plain, scram-sha-256 and scram-sha-512")),
            ("ca", file) if !file.is_empty() => {}
            (key, _) => return Err(format!("it has the parameter {key:?}; there are sasl=MECHANISM and ca=FILE")),
        }
    }
    Ok(())
}

impl FromStr for BrokerUrl {
    type Err = BrokerError;
    fn from_str(text: &str) -> Result<Self, BrokerError> {
        let refused = |problem: String| BrokerError::Url { url: without_credentials(text), problem };
        if text == "feeds:" {
            return Ok(Self::Feeds);
        }
        let urls = several(text).map_err(|error| refused(format!("it is no URL: {error}")))?;
        let scheme = urls[0].scheme().to_owned();
        if urls.iter().any(|url| url.host_str().is_none_or(str::is_empty)) {
            return Err(refused(
                "it names no host; there are feeds:, amqp://HOST:PORT, nats://HOST:PORT and kafka://HOST:PORT"
                    .to_owned(),
            ));
        }
        if let Some(other) = urls.iter().find(|url| url.scheme() != scheme) {
            return Err(refused(format!("its servers have different schemes, {scheme} and {}", other.scheme())));
        }
        if scheme.starts_with("kafka") {
            kafka_parameters(&urls).map_err(refused)?;
        } else if let Some((key, _)) = urls.iter().find_map(|url| url.query_pairs().next()) {
            return Err(refused(format!("it has the parameter {key:?}, and takes none")));
        }
        match scheme.as_str() {
            "amqp" | "amqps" if urls.len() == 1 => Ok(Self::Amqp(urls[0].clone())),
            "amqp" | "amqps" => {
                Err(refused("RabbitMQ is reached at one address; put a balancer before a cluster".to_owned()))
            }
            "nats" | "tls" => Ok(Self::Nats(urls)),
            "kafka" | "kafkas" => Ok(Self::Kafka(urls)),
            other => Err(refused(format!("no engine speaks {other}: there are {SCHEMES}"))),
        }
    }
}

impl BrokerUrl {
    /// Whether there is no broker: services follow each other's feeds.
    #[must_use]
    pub fn is_feeds(&self) -> bool {
        *self == Self::Feeds
    }

    /// All of it, with its credentials: only for whoever connects.
    #[cfg(feature = "rabbitmq")]
    pub(crate) fn secret(url: &Url) -> &str {
        url.as_str()
    }
}

/// Without credentials.
impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Feeds => f.write_str("feeds:"),
            Self::Amqp(url) => f.write_str(&without_credentials(url.as_str())),
            Self::Nats(urls) | Self::Kafka(urls) => {
                let all: Vec<String> = urls.iter().map(|url| without_credentials(url.as_str())).collect();
                f.write_str(&all.join(","))
            }
        }
    }
}

/// Without credentials.
impl fmt::Debug for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The broker at a URL; none if services follow each other's feeds. It is reached when it is first used.
///
/// # Errors
/// [`BrokerError::Url`] if the URL cannot be understood, or this program was built without its engine.
pub fn open(url: &str, options: BrokerOptions) -> Result<Option<Arc<dyn Broker>>, BrokerError> {
    open_at(&url.parse()?, options)
}

/// The broker at a parsed URL.
///
/// # Errors
/// As [`open`].
#[cfg_attr(
    not(all(feature = "kafka", feature = "nats", feature = "rabbitmq")),
    allow(clippy::needless_pass_by_value, unused_variables, reason = "an engine takes them")
)]
pub fn open_at(url: &BrokerUrl, options: BrokerOptions) -> Result<Option<Arc<dyn Broker>>, BrokerError> {
    match url {
        BrokerUrl::Feeds => Ok(None),
        #[cfg(feature = "rabbitmq")]
        BrokerUrl::Amqp(amqp) => Ok(Some(Arc::new(crate::rabbitmq::RabbitMq::new(amqp, url.to_string(), options)))),
        #[cfg(feature = "kafka")]
        BrokerUrl::Kafka(servers) => Ok(Some(Arc::new(crate::kafka::Kafka::new(servers, url.to_string(), options)?))),
        #[cfg(feature = "nats")]
        BrokerUrl::Nats(servers) => Ok(Some(Arc::new(crate::nats::Nats::new(servers, url.to_string(), options)?))),
        #[cfg(not(all(feature = "kafka", feature = "nats", feature = "rabbitmq")))]
        #[allow(unreachable_patterns, reason = "which are left depends on the features")]
        other => Err(BrokerError::Url {
            url: other.to_string(),
            problem: "this program was built without the feature that speaks it".to_owned(),
        }),
    }
}
