//! A topic, made where it is missing, and what of its settings may lose messages.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::metadata::{Metadata, MetadataTopic};
use tradewind_events::{Append, ErrorCode};

use super::failure::{broker_error, by_code};
use super::{Asking, Kafka, blocking};
use crate::{BrokerError, Topic};

/// How long one question waits before it is looked at why there is no answer.
const ASK_FOR: Duration = Duration::from_millis(300);
/// How often it is asked whether a new topic is there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The most bytes of a message: the largest event in Base64, and its attributes.
pub(super) const MESSAGE_BYTES_MAX: usize = Append::BYTES_MAX / 2 * 3;

/// With what our topics begin, and how many are looked at.
const PREFIX: &str = "tradewind.";
const TOPICS_MAX: usize = 256;

/// The one partition.
pub(super) const PARTITION: i32 = 0;

/// Kafka's name of a topic.
pub(super) fn topic_name(topic: &Topic) -> String {
    format!("{PREFIX}{topic}")
}

/// What the cluster says of a topic.
struct Found {
    partitions: usize,
    has_leader: bool,
    replicas: usize,
}

/// Makes a topic unless it is there, and sees that it is as it must be.
pub(super) async fn make(kafka: &Kafka, topic: &Topic) -> Result<(), BrokerError> {
    let (asking, name) = (kafka.asking().await?, topic_name(topic));
    let mut found = look(&asking, &name, kafka.options.connect_within).await?;
    if found.is_none() {
        create(kafka, &asking, &name).await?;
    }
    let begun = Instant::now();
    // A new topic takes a moment until all servers know it and one leads it.
    while !found.as_ref().is_some_and(|found| found.has_leader) {
        if begun.elapsed() > kafka.options.answer_within {
            return Err(BrokerError::Unavailable(format!("the topic {name} has no leader")));
        }
        tokio::time::sleep(LOOK_EVERY).await;
        found = look(&asking, &name, kafka.options.connect_within).await?;
    }
    let Some(Found { partitions, replicas, .. }) = found else { return Ok(()) };
    if partitions != 1 {
        return Err(BrokerError::Refused(format!(
            "the topic {name} has {partitions} partitions and must have one, since its messages form one chain"
        )));
    }
    if !kafka.warned.swap(true, Ordering::Relaxed) {
        warn(kafka, &asking, &name, replicas).await;
    }
    Ok(())
}

/// What the cluster says of itself. One that cannot be reached is told as soon as it is known why.
async fn metadata(asking: &Asking, topic: Option<&str>, within: Duration) -> Result<Metadata, BrokerError> {
    let begun = Instant::now();
    loop {
        let (cluster, topic) = (Arc::clone(&asking.cluster), topic.map(str::to_owned));
        let asked = blocking(move || {
            let asked = cluster.fetch_metadata(topic.as_deref(), ASK_FOR);
            // What it has to tell comes to its context by this.
            while cluster.poll(Duration::ZERO).is_some() {}
            asked
        });
        match asked.await? {
            Ok(metadata) => return Ok(metadata),
            Err(error) if asking.context.told_since(begun).is_some() || begun.elapsed() > within => {
                return Err(broker_error(&error, &asking.context));
            }
            Err(_) => {}
        }
    }
}

/// Asks for a topic; none if there is no such one.
async fn look(asking: &Asking, name: &str, within: Duration) -> Result<Option<Found>, BrokerError> {
    let metadata = metadata(asking, Some(name), within).await?;
    let Some(topic) = metadata.topics().iter().find(|topic| topic.name() == name) else { return Ok(None) };
    match topic.error().map(RDKafkaErrorCode::from) {
        None | Some(RDKafkaErrorCode::LeaderNotAvailable | RDKafkaErrorCode::ReplicaNotAvailable) => {
            Ok(Some(Found::of(topic)))
        }
        Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Ok(None),
        Some(code) => Err(by_code(code, format!("the topic {name}: {code}"), &asking.context)),
    }
}

impl Found {
    fn of(topic: &MetadataTopic) -> Self {
        let (partitions, first) = (topic.partitions().len(), topic.partitions().first());
        Self {
            partitions,
            has_leader: first.is_some_and(|first| first.leader() >= 0),
            replicas: first.map_or(0, |first| first.replicas().len()),
        }
    }
}

/// What of the settings of all our topics may lose what was confirmed.
pub(super) async fn doubts(kafka: &Kafka) -> Result<Vec<String>, BrokerError> {
    let asking = kafka.asking().await?;
    let metadata = metadata(&asking, None, kafka.options.connect_within).await?;
    let ours = metadata.topics().iter().filter(|topic| topic.name().starts_with(PREFIX)).take(TOPICS_MAX);
    let ours: Vec<(String, Found)> = ours.map(|topic| (topic.name().to_owned(), Found::of(topic))).collect();
    let mut all = Vec::new();
    for (name, found) in ours {
        if found.partitions > 1 {
            let partitions = found.partitions;
            all.push(format!("{name}: it has {partitions} partitions and is refused: it must have one"));
        }
        let weaknesses = weaknesses_of(kafka, &asking, &name, found.replicas).await;
        all.extend(weaknesses.into_iter().map(|weakness| format!("{name}: {weakness}")));
    }
    Ok(all)
}

async fn create(kafka: &Kafka, asking: &Asking, name: &str) -> Result<(), BrokerError> {
    let options = &kafka.options;
    let (keep_ms, bytes_max) = (options.keep_for.as_millis().to_string(), MESSAGE_BYTES_MAX.to_string());
    // On one server means: on as many as the cluster says itself.
    let replicas = if options.replicas > 1 { i32::try_from(options.replicas).unwrap_or(i32::MAX) } else { -1 };
    let majority = (options.replicas / 2 + 1).to_string();
    let mut topic = NewTopic::new(name, 1, TopicReplication::Fixed(replicas))
        .set("cleanup.policy", "delete")
        .set("retention.ms", &keep_ms)
        .set("max.message.bytes", &bytes_max);
    if options.replicas > 1 {
        topic = topic.set("min.insync.replicas", &majority);
    }
    let within =
        AdminOptions::new().request_timeout(Some(options.answer_within)).operation_timeout(Some(options.answer_within));
    let created = asking.admin.create_topics([&topic], &within).await;
    let created = created.map_err(|error| broker_error(&error, &asking.context))?;
    match created.into_iter().next() {
        Some(Err((_, code))) if code != RDKafkaErrorCode::TopicAlreadyExists => {
            Err(by_code(code, format!("the topic {name} cannot be made: {code}"), &asking.context))
        }
        _ => Ok(()),
    }
}

/// Tells once what may lose what has been confirmed.
async fn warn(kafka: &Kafka, asking: &Asking, name: &str, replicas: usize) {
    for weakness in weaknesses_of(kafka, asking, name, replicas).await {
        let (code, broker) = (ErrorCode::UNSAFE_BROKER, &kafka.place);
        tracing::warn!(%code, broker, topic = name, "{weakness}");
    }
}

/// Asks for a topic's settings; where that is not allowed, only its replicas are looked at.
async fn weaknesses_of(kafka: &Kafka, asking: &Asking, name: &str, replicas: usize) -> Vec<&'static str> {
    let within = AdminOptions::new().request_timeout(Some(kafka.options.answer_within));
    let asked = asking.admin.describe_configs([&ResourceSpecifier::Topic(name)], &within).await;
    let described = asked.ok().and_then(|all| all.into_iter().next()).and_then(Result::ok);
    let value = |key: &str| described.as_ref()?.get(key)?.value.clone();
    let (in_sync_min, unclean) = (value("min.insync.replicas"), value("unclean.leader.election.enable"));
    let in_sync_min = in_sync_min.and_then(|number| number.parse().ok());
    weaknesses(replicas, in_sync_min, unclean.as_deref() == Some("true"))
}

/// What of a topic's settings may lose what its cluster has confirmed. That a message is confirmed by all servers that
/// are in sync, we ask for ourselves.
fn weaknesses(replicas: usize, in_sync_min: Option<u32>, unclean: bool) -> Vec<&'static str> {
    let mut all = Vec::new();
    if replicas <= 1 {
        all.push(
            "the topic lies on one Kafka server, which confirms what it has not yet synced: a power failure may lose \
             the newest events, and the loss of its disk all; followers then read them from the feed. Use three \
             replicas",
        );
    } else if in_sync_min.is_none_or(|number| number < 2) {
        all.push(
            "one Kafka server alone may confirm an event (min.insync.replicas is 1): if it is lost before the others \
             have caught up, so is the event; followers then read it from the feed. Set min.insync.replicas to 2",
        );
    }
    if unclean {
        all.push(
            "a Kafka server that lags may become the topic's leader (unclean.leader.election.enable): what it lacks is \
             lost; followers then read it from the feed. Set it to false",
        );
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_lose_what_was_confirmed_are_told() {
        assert!(weaknesses(3, Some(2), false).is_empty());
        assert!(weaknesses(1, Some(1), false)[0].contains("one Kafka server, "));
        assert!(weaknesses(3, Some(1), false)[0].contains("min.insync.replicas is 1"));
        assert!(weaknesses(3, None, false)[0].contains("min.insync.replicas is 1"));
        assert!(weaknesses(3, Some(2), true)[0].contains("unclean"));
        assert_eq!(weaknesses(1, Some(1), true).len(), 2);
    }
}
