//! A trace goes on across a broker: it is a header of the message, for other programs and their tools, and comes back
//! with the event.

use std::time::Duration;

use futures_util::StreamExt;
use tradewind_broker::conformance::event;
use tradewind_broker::{Broker, Group, Message, StartFrom, Subscribe, Topic, open};
use tradewind_events::Position;
use tradewind_testkit::servers::{Kafka, Nats, RabbitMq, is_left_out};

use crate::given::{fresh_topic, options};

const WITHIN: Duration = Duration::from_secs(20);

/// Publishes one event that belongs to a trace, and gives back the trace with which it came.
async fn through(broker: &dyn Broker, topic: &Topic) -> String {
    let subscribe =
        Subscribe { topic: topic.clone(), group: Group::new("traced").unwrap(), from: StartFrom::Beginning };
    let sent = event(1);
    let mut publisher = broker.publisher(topic).await.unwrap();
    publisher.publish(&[Message::of(&sent, "/check", Position::START)]).await.unwrap();
    let mut consumer = broker.consumer(subscribe).await.unwrap();
    let came = tokio::time::timeout(WITHIN, consumer.next(1)).await.unwrap().unwrap();
    let trace = came[0].event.metadata().unwrap().traceparent.unwrap();
    assert_eq!(Some(&trace), sent.metadata().unwrap().traceparent.as_ref());
    trace
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_on_across_nats() {
    if is_left_out("nats") {
        return;
    }
    let (server, topic) = (Nats::start(), fresh_topic());
    let broker = open(&server.url(), options()).unwrap().unwrap();
    let trace = through(&*broker, &topic).await;
    let raw = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let stream = raw.get_stream(format!("tradewind-{topic}")).await.unwrap();
    let message = stream.get_raw_message(1).await.unwrap();
    assert_eq!(message.headers.get("traceparent").unwrap().as_str(), trace);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_on_across_rabbitmq() {
    use lapin::options::{BasicAckOptions, BasicConsumeOptions, QueueBindOptions, QueueDeclareOptions};
    use lapin::types::FieldTable;
    use lapin::{Connection, ConnectionProperties};

    if is_left_out("rabbitmq") {
        return;
    }
    let server = tokio::task::spawn_blocking(RabbitMq::shared).await.unwrap();
    let (topic, broker) = (fresh_topic(), open(&server.url(), options()).unwrap().unwrap());
    drop(broker.publisher(&topic).await.unwrap());
    // A queue of somebody else on our exchange.
    let connection = Connection::connect(&server.url(), ConnectionProperties::default()).await.unwrap();
    let (channel, name) = (connection.create_channel().await.unwrap(), format!("others-{topic}"));
    let (declare, nothing) = (QueueDeclareOptions::default(), FieldTable::default());
    channel.queue_declare(name.as_str().into(), declare, nothing.clone()).await.unwrap();
    let (exchange, bind) = (format!("tradewind.{topic}"), QueueBindOptions::default());
    channel
        .queue_bind(name.as_str().into(), exchange.as_str().into(), "#".into(), bind, nothing.clone())
        .await
        .unwrap();
    let trace = through(&*broker, &topic).await;
    let consuming = channel.basic_consume(name.as_str().into(), "".into(), BasicConsumeOptions::default(), nothing);
    let mut deliveries = consuming.await.unwrap();
    let message = tokio::time::timeout(WITHIN, deliveries.next()).await.unwrap().unwrap().unwrap();
    let headers = message.properties.headers().clone().unwrap();
    let header = headers.inner().get("traceparent").and_then(|value| value.as_long_string()).unwrap().to_string();
    assert_eq!(header, trace);
    message.ack(BasicAckOptions::default()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trace_goes_on_across_kafka() {
    use rdkafka::consumer::{Consumer as _, StreamConsumer};
    use rdkafka::message::Headers as _;
    use rdkafka::{ClientConfig, Message as _, Offset, TopicPartitionList};

    if is_left_out("kafka") {
        return;
    }
    let (server, topic) = (Kafka::start(), fresh_topic());
    let broker = open(&server.url(), options()).unwrap().unwrap();
    let trace = through(&*broker, &topic).await;
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", server.url().trim_start_matches("kafka://")).set("group.id", "others");
    let consumer: StreamConsumer = settings.create().unwrap();
    let mut partition = TopicPartitionList::new();
    partition.add_partition_offset(&format!("tradewind.{topic}"), 0, Offset::Beginning).unwrap();
    consumer.assign(&partition).unwrap();
    let message = tokio::time::timeout(WITHIN, consumer.recv()).await.unwrap().unwrap();
    assert_eq!(message.key(), Some(event(1).stream().as_bytes()));
    let headers = message.headers().unwrap();
    let told = |name: &str| headers.iter().find(|header| header.key == name).and_then(|header| header.value);
    assert_eq!(told("traceparent"), Some(trace.as_bytes()));
    assert_eq!(told("content-type"), Some(&b"application/cloudevents+json"[..]));
}
