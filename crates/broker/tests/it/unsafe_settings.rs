//! Settings of a broker that lose what it has confirmed are told, with the code TW-5007.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;
use tradewind_broker::{BrokerOptions, Group, StartFrom, Subscribe, open};
use tradewind_testkit::servers::{Kafka, Nats, RabbitMq, is_left_out};

use crate::given::{fresh_topic, options, until};

/// What is logged, as text.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;
    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Everything that is logged in this process; only one test may.
    fn of_everything() -> Self {
        let log = Self::default();
        let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
        let _ = tracing::subscriber::set_global_default(subscriber);
        log
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

async fn has_told(log: &Log, broker: &str, words: &str) {
    let is_told = |line: &str| line.contains("TW-5007") && line.contains(broker) && line.contains(words);
    until(&format!("{broker}: {words}: {}", log.text()), || log.text().lines().any(is_told)).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_that_lose_messages_are_told() {
    let log = Log::of_everything();
    if !is_left_out("kafka") {
        let server = Kafka::start();
        let (broker, topic) = (open(&server.url(), options()).unwrap().unwrap(), fresh_topic());
        assert_eq!(broker.doubts().await.unwrap(), Vec::<String>::new());
        broker.publisher(&topic).await.unwrap();
        has_told(&log, &server.url(), "the topic lies on one Kafka server").await;
        let doubts = broker.doubts().await.unwrap();
        assert!(doubts.len() == 1 && doubts[0].contains(topic.as_str()), "{doubts:?}");
    }
    if !is_left_out("nats") {
        let (server, port) = Nats::start_monitored();
        let options = BrokerOptions { nats_monitoring_port: port, ..options() };
        open(&server.url(), options).unwrap().unwrap().publisher(&fresh_topic()).await.unwrap();
        has_told(&log, &server.url(), "and syncs every 120 s").await;
    }
    if !is_left_out("rabbitmq") {
        let (server, port) = tokio::task::spawn_blocking(RabbitMq::start_managed).await.unwrap();
        let policy = r#"{"delivery-limit": 20}"#;
        server.control(&["set_policy", "limits", "^tradewind", policy, "--apply-to", "queues"]);
        let options = BrokerOptions { rabbitmq_management_port: port, ..options() };
        let (broker, group) = (open(&server.url(), options).unwrap().unwrap(), Group::new("limited").unwrap());
        let subscribe = Subscribe { topic: fresh_topic(), group, from: StartFrom::Now };
        let _consumer = broker.consumer(subscribe).await.unwrap();
        has_told(&log, "amqp://127.0.0.1", "limits deliveries to 20").await;
        has_told(&log, "amqp://127.0.0.1", "RabbitMQ is one node").await;
    }
}
