//! From one service's log over a broker to another's effect, whatever happens in between.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tradewind_broker::{Broker, BrokeredMetrics, Group, RelayState, StartFrom, Subscribe, open};
use tradewind_events::{ErrorCode, EventSource, Position, Query};
use tradewind_testkit::servers::{Kafka, Nats, RabbitMq, is_left_out};

use crate::faulty::Faulty;
use crate::given::{Following, Publishing, options, until};

/// A server that can be killed.
trait Server: Send {
    fn url(&self) -> String;
    fn kill(&mut self);
    fn start_again(&mut self);
}

impl Server for Nats {
    fn url(&self) -> String {
        self.url()
    }
    fn kill(&mut self) {
        self.kill();
    }
    fn start_again(&mut self) {
        self.start_again();
    }
}

impl Server for Kafka {
    fn url(&self) -> String {
        self.url()
    }
    fn kill(&mut self) {
        self.kill();
    }
    fn start_again(&mut self) {
        self.start_again();
    }
}

impl Server for RabbitMq {
    fn url(&self) -> String {
        self.url()
    }
    fn kill(&mut self) {
        self.kill();
    }
    fn start_again(&mut self) {
        self.start_again();
    }
}

fn broker(url: &str) -> Arc<dyn Broker> {
    open(url, options()).unwrap().unwrap()
}

fn group(publishing: &Publishing) -> (String, &'static str) {
    (publishing.topic.to_string(), "test_copy")
}

async fn events_come_over_the_broker(url: &str) {
    let (publishing, folder, metrics) = (Publishing::new(), tempfile::tempdir().unwrap(), BrokeredMetrics::default());
    let broker = broker(url);
    let (mut following, source) = (Following::new(), publishing.source(&broker, &metrics));
    publishing.record(50).await;
    // The past comes from the feed; what comes from now on, over the broker.
    following.until(&source, 50).await;
    let relaying = publishing.relay(&broker, folder.path());
    // Not before it is at work: what is late would come from the feed.
    relaying.has_published(50).await;
    let recording = publishing.record_slowly(450);
    following.until(&source, 500).await;
    recording.await.unwrap();
    following.has_all(500);
    let (topic, group) = group(&publishing);
    assert_eq!(metrics.filled(&topic, group), 0);
    assert!(metrics.delivered(&topic, group) > 100);
    relaying.has_published(500).await;
    until("the relay has no lag", || relaying.handle.status().lag_events == 0).await;
    let status = relaying.handle.status();
    assert_eq!((status.state, status.problem), (RelayState::Publishing, None));
    assert_eq!(status.interruptions, 0);
    relaying.stop().await;
}

/// The broker is killed while much is on its way, stays away, and comes back. The writer notices nothing, a follower
/// gets everything once and in order, and the topic itself has no hole.
async fn the_broker_is_killed_and_comes_back(mut server: impl Server + 'static) {
    let (publishing, folder, metrics) = (Publishing::new(), tempfile::tempdir().unwrap(), BrokeredMetrics::default());
    let broker = broker(&server.url());
    let (mut following, source) = (Following::new(), publishing.source(&broker, &metrics));
    let raw =
        Subscribe { topic: publishing.topic.clone(), group: Group::new("raw").unwrap(), from: StartFrom::Beginning };
    drop(broker.consumer(raw.clone()).await.unwrap());
    let relaying = publishing.relay(&broker, folder.path());
    publishing.record(1_000).await;
    following.until(&source, 300).await;
    relaying.has_published(600).await;
    // RabbitMQ 3.10 notes some seconds later that it has a stream at all.
    tokio::time::sleep(Duration::from_secs(5)).await;
    publishing.record(1_000).await;
    let server = tokio::task::spawn_blocking(move || {
        server.kill();
        server
    });
    let mut server = server.await.unwrap();
    publishing.record(1_000).await;
    until("the relay says that the broker is away", || {
        let status = relaying.handle.status();
        status.state == RelayState::Interrupted && status.lag_events > 0
    })
    .await;
    assert_eq!(relaying.handle.status().problem.unwrap().code, ErrorCode::BROKER_UNAVAILABLE);
    // Without a broker, from the feed.
    following.until(&source, 2_500).await;
    let server = tokio::task::spawn_blocking(move || {
        server.start_again();
        server
    });
    let _server = server.await.unwrap();
    relaying.has_published(3_000).await;
    publishing.record(500).await;
    following.until(&source, 3_500).await;
    following.has_all(3_500);
    relaying.has_published(3_500).await;
    assert_eq!(relaying.handle.status().problem, None);
    relaying.stop().await;

    let mut consumer = broker.consumer(raw).await.unwrap();
    let (mut last, mut came) = (Position::START, 0);
    while last < Position(3_500) {
        for message in tokio::time::timeout(Duration::from_secs(20), consumer.next(1_000)).await.unwrap().unwrap() {
            assert!(message.previous <= last, "a hole between {last} and {}", message.event.position());
            if message.event.position() > last {
                last = message.event.position();
                came += 1;
            }
            consumer.acknowledge(message.receipt).await.unwrap();
        }
    }
    assert_eq!(came, 3_500);
}

async fn what_the_broker_loses_and_repeats_is_noticed(url: &str) {
    let (publishing, folder, metrics) = (Publishing::new(), tempfile::tempdir().unwrap(), BrokeredMetrics::default());
    let broker: Arc<dyn Broker> = Arc::new(Faulty(broker(url)));
    let (mut following, source) = (Following::new(), publishing.source(&broker, &metrics));
    // From here on the broker keeps what comes for the follower.
    publishing.record(10).await;
    following.until(&source, 10).await;
    let relaying = publishing.relay(&broker, folder.path());
    relaying.has_published(10).await;
    let recording = publishing.record_slowly(1_390);
    // The last one, too, is lost: nothing comes behind it, and it is missed all the same.
    following.until(&source, 1_400).await;
    recording.await.unwrap();
    following.has_all(1_400);
    let (topic, group) = group(&publishing);
    let (filled, delivered) = (metrics.filled(&topic, group), metrics.delivered(&topic, group));
    assert!(filled >= 10 && delivered >= 10, "{filled} filled, {delivered} delivered, {:?}", relaying.handle.status());
    relaying.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_over_nats() {
    if !is_left_out("nats") {
        let server = Nats::start();
        events_come_over_the_broker(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_over_rabbitmq() {
    if !is_left_out("rabbitmq") {
        let server = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap();
        events_come_over_the_broker(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_over_kafka() {
    if !is_left_out("kafka") {
        let server = Kafka::start();
        events_come_over_the_broker(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_is_killed_and_comes_back() {
    if !is_left_out("kafka") {
        the_broker_is_killed_and_comes_back(Kafka::start()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_is_killed_and_comes_back() {
    if !is_left_out("nats") {
        the_broker_is_killed_and_comes_back(Nats::start()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_is_killed_and_comes_back() {
    if !is_left_out("rabbitmq") {
        let server = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap();
        the_broker_is_killed_and_comes_back(server).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kafka_loses_and_repeats_is_noticed() {
    if !is_left_out("kafka") {
        let server = Kafka::start();
        what_the_broker_loses_and_repeats_is_noticed(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nats_loses_and_repeats_is_noticed() {
    if !is_left_out("nats") {
        let server = Nats::start();
        what_the_broker_loses_and_repeats_is_noticed(&server.url()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_rabbitmq_loses_and_repeats_is_noticed() {
    if !is_left_out("rabbitmq") {
        let server = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap();
        what_the_broker_loses_and_repeats_is_noticed(&server.url()).await;
    }
}

/// The whole topic is gone, and the groups with it. The relay goes on where it was; what only the lost topic had, a
/// follower reads from the feed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_comes_back_empty() {
    if is_left_out("kafka") {
        return;
    }
    let mut server = Kafka::start_forgetful();
    let broker = broker(&server.url());
    let (publishing, folder, metrics) = (Publishing::new(), tempfile::tempdir().unwrap(), BrokeredMetrics::default());
    let (mut following, source) = (Following::new(), publishing.source(&broker, &metrics));
    let relaying = publishing.relay(&broker, folder.path());
    publishing.record(400).await;
    relaying.has_published(400).await;
    following.until(&source, 150).await;
    server.kill();
    publishing.record(100).await;
    server.start_again();
    relaying.has_published(500).await;
    let recording = publishing.record_slowly(300);
    following.until(&source, 800).await;
    recording.await.unwrap();
    following.has_all(800);
    relaying.has_published(800).await;
    relaying.stop().await;
}

/// From NATS to RabbitMQ, to Kafka and back, while events are recorded all the time. Whoever was not told in time what went over
/// the old broker finds it missing on the new one, and reads it from the feed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn switching_the_broker_loses_repeats_and_reorders_nothing() {
    if is_left_out("nats") || is_left_out("rabbitmq") || is_left_out("kafka") {
        return;
    }
    let (nats_server, kafka_server) = (Nats::start(), Kafka::start());
    let rabbitmq_server = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap();
    let (nats, rabbitmq) = (broker(&nats_server.url()), broker(&rabbitmq_server.url()));
    let kafka = broker(&kafka_server.url());
    let (publishing, folder, metrics) = (Publishing::new(), tempfile::tempdir().unwrap(), BrokeredMetrics::default());
    let recording = publishing.record_slowly(2_000);
    let mut following = Following::new();
    let route = [(&nats, 300, 200), (&rabbitmq, 700, 650), (&kafka, 1_200, 1_100), (&nats, 2_000, 2_000)];
    for (broker, published, taken) in route {
        let relaying = publishing.relay(broker, folder.path());
        let source = publishing.source(broker, &metrics);
        following.until(&source, taken).await;
        relaying.has_published(published).await;
        relaying.stop().await;
    }
    recording.await.unwrap();
    following.has_all(2_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_come_over_the_broker_while_the_feed_is_away() {
    if is_left_out("nats") {
        return;
    }
    let server = Nats::start();
    let broker = broker(&server.url());
    let (publishing, folder, metrics) = (Publishing::new(), tempfile::tempdir().unwrap(), BrokeredMetrics::default());
    let (mut following, source) = (Following::new(), publishing.source(&broker, &metrics));
    let relaying = publishing.relay(&broker, folder.path());
    publishing.record(10).await;
    relaying.has_published(10).await;
    following.until(&source, 10).await;
    // The relay reads the log, which is not away.
    publishing.away.store(true, Ordering::Relaxed);
    publishing.record(90).await;
    following.until(&source, 100).await;
    following.has_all(100);
    assert!(source.subscribe(Position::START, Query::all()).await.is_err());
    relaying.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_topic_that_is_ahead_of_the_log_is_refused() {
    if is_left_out("nats") {
        return;
    }
    let server = Nats::start();
    let broker = broker(&server.url());
    let (publishing, folder) = (Publishing::new(), tempfile::tempdir().unwrap());
    publishing.record(20).await;
    let relaying = publishing.relay(&broker, folder.path());
    relaying.has_published(20).await;
    relaying.stop().await;
    // The log was restored from a copy that is older.
    let restored = Publishing { topic: publishing.topic.clone(), ..Publishing::new() };
    restored.record(5).await;
    let relaying = restored.relay(&broker, tempfile::tempdir().unwrap().path());
    until("the relay refuses", || relaying.handle.status().problem.is_some()).await;
    assert_eq!(relaying.handle.status().problem.unwrap().code, ErrorCode::AHEAD_OF_LOG);
    relaying.stop().await;
}
