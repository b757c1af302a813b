//! A topic, made where it is missing, and what of its settings may lose messages.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rdkafka::admin::{AdminOptions, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode;
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

/// The one partition.
pub(super) const PARTITION: i32 = 0;

/// Kafka's name of a topic.
pub(super) fn topic_name(topic: &Topic) -> String {
    format!("tradewind.{topic}")
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

/// Asks for a topic; none if there is no such one. A cluster that cannot be reached is told as soon as it is known why.
async fn look(asking: &Asking, name: &str, within: Duration) -> Result<Option<Found>, BrokerError> {
    let begun = Instant::now();
    loop {
        let (cluster, topic) = (Arc::clone(&asking.cluster), name.to_owned());
        let asked = blocking(move || {
            let asked = cluster.fetch_metadata(Some(&topic), ASK_FOR);
            // What it has to tell comes to its context by this.
            while cluster.poll(Duration::ZERO).is_some() {}
            asked
        });
        let asked = asked.await?;
        match asked {
            Ok(metadata) => {
                let found = metadata.topics().iter().find(|topic| topic.name() == name);
                let Some(topic) = found else { return Ok(None) };
                return match topic.error().map(RDKafkaErrorCode::from) {
                    None | Some(RDKafkaErrorCode::LeaderNotAvailable | RDKafkaErrorCode::ReplicaNotAvailable) => {
                        let partitions = topic.partitions();
                        let first = partitions.first();
                        Ok(Some(Found {
                            partitions: partitions.len(),
                            has_leader: first.is_some_and(|first| first.leader() >= 0),
                            replicas: first.map_or(0, |first| first.replicas().len()),
                        }))
                    }
                    Some(RDKafkaErrorCode::UnknownTopicOrPartition | RDKafkaErrorCode::UnknownTopic) => Ok(None),
                    Some(code) => Err(by_code(code, format!("the topic {name}: {code}"), &asking.context)),
                };
            }
            Err(error) if asking.context.told_since(begun).is_some() || begun.elapsed() > within => {
                return Err(broker_error(&error, &asking.context));
            }
            Err(_) => {}
        }
    }
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
    let within = AdminOptions::new().request_timeout(Some(kafka.options.answer_within));
    let asked = asking.admin.describe_configs([&ResourceSpecifier::Topic(name)], &within).await;
    let described = asked.ok().and_then(|all| all.into_iter().next()).and_then(Result::ok);
    let value = |key: &str| described.as_ref()?.get(key)?.value.clone();
    let (in_sync_min, unclean) = (value("min.insync.replicas"), value("unclean.leader.election.enable"));
    let in_sync_min = in_sync_min.and_then(|number| number.parse().ok());
    for weakness in weaknesses(replicas, in_sync_min, unclean.as_deref() == Some("true")) {
        let (code, broker) = (ErrorCode::UNSAFE_BROKER, &kafka.place);
        tracing::warn!(%code, broker, topic = name, "{weakness}");
    }
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
