//! Groups that read a topic's stream in RabbitMQ: what they had before, and what becomes of the stream.

use std::time::Duration;

use lapin::options::{QueueBindOptions, QueueDeclareOptions, QueueDeleteOptions};
use lapin::types::{AMQPValue, FieldTable};
use lapin::{Channel, Connection, ConnectionProperties};
use tradewind_broker::conformance::event;
use tradewind_broker::{Broker, Consumer, Group, Message, StartFrom, Subscribe, Topic, open};
use tradewind_events::Position;
use tradewind_testkit::servers::{RabbitMq, is_left_out};

use crate::given::{fresh_topic, options};

const WITHIN: Duration = Duration::from_secs(20);

async fn publish(broker: &dyn Broker, topic: &Topic, positions: std::ops::RangeInclusive<u64>) {
    let chain = positions.map(|position| Message::of(&event(position), "/check", Position(position - 1)));
    let messages: Vec<Message> = chain.collect();
    broker.publisher(topic).await.unwrap().publish(&messages).await.unwrap();
}

/// The positions that come, until there are so many; all of them are acknowledged.
async fn take(consumer: &mut dyn Consumer, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    while all.len() < count {
        let came = tokio::time::timeout(WITHIN, consumer.next(count - all.len())).await;
        let came = came.unwrap_or_else(|_| panic!("only {all:?} came")).unwrap();
        all.extend(came.iter().map(|message| message.event.position().0));
        consumer.acknowledge(came.last().unwrap().receipt).await.unwrap();
    }
    all
}

async fn channel(server: &RabbitMq) -> (Connection, Channel) {
    let connection = Connection::connect(&server.url(), ConnectionProperties::default()).await.unwrap();
    let channel = connection.create_channel().await.unwrap();
    (connection, channel)
}

fn subscribe(topic: &Topic, from: StartFrom) -> Subscribe {
    Subscribe { topic: topic.clone(), group: Group::new("copy").unwrap(), from }
}

/// A version before this one kept a copy of everything for each group, in a queue that would now fill for nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_queue_that_a_group_had_before_is_removed() {
    if is_left_out("rabbitmq") {
        return;
    }
    let (server, topic) = (tokio::task::spawn_blocking(RabbitMq::shared).await.unwrap(), fresh_topic());
    let broker = open(&server.url(), options()).unwrap().unwrap();
    publish(&*broker, &topic, 1..=5).await;
    let (_connection, channel) = channel(server).await;
    let (exchange, former) = (format!("tradewind.{topic}"), format!("tradewind.{topic}.copy"));
    let mut quorum = FieldTable::default();
    quorum.insert("x-queue-type".into(), AMQPValue::LongString("quorum".into()));
    let durable = QueueDeclareOptions::durable();
    channel.queue_declare(former.as_str().into(), durable, quorum).await.unwrap();
    let (all, nothing) = (QueueBindOptions::default(), FieldTable::default());
    channel.queue_bind(former.as_str().into(), exchange.as_str().into(), "#".into(), all, nothing).await.unwrap();
    publish(&*broker, &topic, 6..=10).await;

    // What was before comes from the feed, as for every new group.
    let mut consumer = broker.consumer(subscribe(&topic, StartFrom::Now)).await.unwrap();
    let passive = QueueDeclareOptions { passive: true, ..QueueDeclareOptions::default() };
    let asked = channel.queue_declare(former.as_str().into(), passive, FieldTable::default()).await;
    assert!(asked.unwrap_err().to_string().contains("NOT_FOUND"));
    publish(&*broker, &topic, 11..=15).await;
    assert_eq!(take(&mut *consumer, 5).await, (11..=15).collect::<Vec<_>>());
}

/// Somebody deletes the stream, and the relay makes it anew: a group's place means nothing in it, and must not keep
/// what comes from its follower until the stream is as long as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_was_made_anew_is_read_from_its_beginning() {
    if is_left_out("rabbitmq") {
        return;
    }
    let (server, topic) = (tokio::task::spawn_blocking(RabbitMq::shared).await.unwrap(), fresh_topic());
    let broker = open(&server.url(), options()).unwrap().unwrap();
    publish(&*broker, &topic, 1..=30).await;
    let mut consumer = broker.consumer(subscribe(&topic, StartFrom::Beginning)).await.unwrap();
    assert_eq!(take(&mut *consumer, 30).await, (1..=30).collect::<Vec<_>>());
    // The place is written some time later.
    tokio::time::sleep(Duration::from_millis(300)).await;

    let (_connection, channel) = channel(server).await;
    channel.queue_delete(format!("tradewind.{topic}").into(), QueueDeleteOptions::default()).await.unwrap();
    // Whoever reads is told, as often as it asks.
    for _ in 0..3 {
        let told = tokio::time::timeout(WITHIN, consumer.next(10)).await.expect("it is told");
        assert!(told.is_err(), "{told:?}");
    }
    drop(consumer);
    publish(&*broker, &topic, 31..=40).await;
    let mut consumer = broker.consumer(subscribe(&topic, StartFrom::Now)).await.unwrap();
    assert_eq!(take(&mut *consumer, 10).await, (31..=40).collect::<Vec<_>>());
    publish(&*broker, &topic, 41..=42).await;
    assert_eq!(take(&mut *consumer, 2).await, [41, 42]);
}

/// More than the server sends ahead, with waits that are broken off all the time: it must go on sending, and is not
/// told the same twice, which it would answer by closing the channel.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_stream_comes_to_an_impatient_reader() {
    const EVENTS: u64 = 2_000;
    if is_left_out("rabbitmq") {
        return;
    }
    let (server, topic) = (tokio::task::spawn_blocking(RabbitMq::shared).await.unwrap(), fresh_topic());
    let few = tradewind_broker::BrokerOptions { prefetch: 40, ..options() };
    let broker = open(&server.url(), few).unwrap().unwrap();
    publish(&*broker, &topic, 1..=EVENTS).await;
    let mut consumer = broker.consumer(subscribe(&topic, StartFrom::Beginning)).await.unwrap();
    let (mut came, until) = (Vec::new(), tokio::time::Instant::now() + WITHIN);
    while came.len() < EVENTS as usize && tokio::time::Instant::now() < until {
        let Ok(messages) = tokio::time::timeout(Duration::from_micros(200), consumer.next(16)).await else { continue };
        let messages = messages.unwrap();
        came.extend(messages.iter().map(|message| message.event.position().0));
        consumer.acknowledge(messages.last().unwrap().receipt).await.unwrap();
    }
    assert_eq!(came, (1..=EVENTS).collect::<Vec<_>>());
}
