//! How a broker is used, whatever its engine.

use std::time::Duration;

/// Every wait has an end, every queue a limit.
#[derive(Debug, Clone)]
pub struct BrokerOptions {
    /// How the connection is called in the broker's own lists.
    pub client_name: String,
    /// How long a connection may take to be made.
    pub connect_within: Duration,
    /// How long one answer may take.
    pub answer_within: Duration,
    /// How many messages a consumer may hold that it has not acknowledged.
    pub prefetch: u16,
    /// How long the broker keeps messages of a topic, and a group that nobody consumes. Who is away for longer reads
    /// what it missed from the feed.
    pub keep_for: Duration,
    /// On how many servers of a cluster a topic lies (JetStream; Kafka, where 1 is as many as the cluster says).
    pub replicas: usize,
    /// Where RabbitMQ's management plugin is, on the same host: it is asked for policies that lose messages.
    pub rabbitmq_management_port: u16,
    /// Where NATS' monitoring is, on the same host: it is asked how often the server syncs its files.
    pub nats_monitoring_port: u16,
}

impl Default for BrokerOptions {
    fn default() -> Self {
        Self {
            client_name: "tradewind".to_owned(),
            connect_within: Duration::from_secs(5),
            answer_within: Duration::from_secs(10),
            prefetch: 16_384,
            keep_for: Duration::from_secs(7 * 24 * 3_600),
            replicas: 1,
            rabbitmq_management_port: 15_672,
            nats_monitoring_port: 8_222,
        }
    }
}
