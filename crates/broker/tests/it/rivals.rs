//! Two publishers on one topic: a service is replaced while the old process drains, or somebody started two.

use std::sync::Arc;
use std::time::Duration;

use tradewind_broker::{Broker, Group, StartFrom, Subscribe, open};
use tradewind_events::Position;
use tradewind_testkit::servers::{Kafka, Nats, RabbitMq, is_left_out};

use crate::given::{Publishing, options};

/// Both relays publish the same log. They may repeat; what comes never has a hole.
async fn two_relays_leave_no_hole(url: &str) {
    let (publishing, folders) = (Publishing::new(), [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()]);
    let broker: Arc<dyn Broker> = open(url, options()).unwrap().unwrap();
    let group = Group::new("all").unwrap();
    let subscribe = Subscribe { topic: publishing.topic.clone(), group, from: StartFrom::Beginning };
    let mut consumer = broker.consumer(subscribe).await.unwrap();
    let rivals = [publishing.relay(&broker, folders[0].path()), publishing.relay(&broker, folders[1].path())];
    let recording = publishing.record_slowly(900);
    recording.await.unwrap();
    let mut last = Position::START;
    while last < Position(900) {
        let came = tokio::time::timeout(Duration::from_secs(30), consumer.next(1_000)).await;
        for message in came.unwrap_or_else(|_| panic!("only came to {last}")).unwrap() {
            assert!(message.previous <= last, "a hole between {last} and {}", message.event.position());
            last = last.max(message.event.position());
            consumer.acknowledge(message.receipt).await.unwrap();
        }
    }
    for rival in rivals {
        rival.has_published(900).await;
        rival.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_leave_no_hole_on_kafka() {
    if !is_left_out("kafka") {
        let server = Kafka::start();
        two_relays_leave_no_hole(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_leave_no_hole_on_nats() {
    if !is_left_out("nats") {
        let server = Nats::start();
        two_relays_leave_no_hole(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_leave_no_hole_on_rabbitmq() {
    if !is_left_out("rabbitmq") {
        let server = tokio::task::spawn_blocking(RabbitMq::shared).await.unwrap();
        two_relays_leave_no_hole(&server.url()).await;
    }
}

/// Who publishes behind somebody else's message is told so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_publisher_is_noticed_on_kafka() {
    use tradewind_broker::conformance::event;
    use tradewind_broker::{BrokerError, Message};

    if is_left_out("kafka") {
        return;
    }
    let (server, topic) = (Kafka::start(), crate::given::fresh_topic());
    let broker = open(&server.url(), options()).unwrap().unwrap();
    let message = |position: u64| [Message::of(&event(position), "/check", Position(position - 1))];
    let mut first = broker.publisher(&topic).await.unwrap();
    first.publish(&message(1)).await.unwrap();
    let mut second = broker.publisher(&topic).await.unwrap();
    assert_eq!(second.last(), Some(Position(1)));
    second.publish(&message(2)).await.unwrap();
    let refused = first.publish(&message(2)).await.unwrap_err();
    assert!(matches!(refused.error, BrokerError::Conflict(_)), "{refused:?}");
    // What is left of it is of no use; a new one begins behind the newest, although that is not the last.
    assert!(first.publish(&message(3)).await.is_err());
    assert_eq!(broker.publisher(&topic).await.unwrap().last(), Some(Position(2)));
}

/// Consumers that are closed as soon as they are open, or in the midst of what they are given: the client's library must
/// get over that, and nothing is lost to the next one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn consumers_of_kafka_come_and_go() {
    if is_left_out("kafka") {
        return;
    }
    let (server, publishing, folder) = (Kafka::start(), Publishing::new(), tempfile::tempdir().unwrap());
    let broker: Arc<dyn Broker> = open(&server.url(), options()).unwrap().unwrap();
    let relaying = publishing.relay(&broker, folder.path());
    publishing.record(2_000).await;
    let subscribe = Subscribe {
        topic: publishing.topic.clone(),
        group: Group::new("restless").unwrap(),
        from: StartFrom::Beginning,
    };
    let mut last = Position::START;
    for round in 0..40_u64 {
        let mut consumer = broker.consumer(subscribe.clone()).await.unwrap();
        let patience = Duration::from_millis(round * 7 % 60);
        let Ok(came) = tokio::time::timeout(patience, consumer.next(100)).await else { continue };
        for message in came.unwrap() {
            assert!(message.previous <= last, "a hole between {last} and {}", message.event.position());
            last = last.max(message.event.position());
            consumer.acknowledge(message.receipt).await.unwrap();
        }
    }
    relaying.has_published(2_000).await;
    relaying.stop().await;
}
