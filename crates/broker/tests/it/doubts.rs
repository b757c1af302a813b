//! Settings that may lose messages are found where a broker lets itself be asked.

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, StorageType};
use tradewind_broker::open;
use tradewind_testkit::servers::{Nats, RabbitMq, is_left_out};

use crate::given::options;

async fn doubts_of(url: &str) -> Vec<String> {
    open(url, options()).unwrap().unwrap().doubts().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nats_is_doubted_for_one_server_and_for_streams_and_consumers_that_keep_little() {
    if is_left_out("nats") {
        return;
    }
    let server = Nats::start();
    let before = doubts_of(&server.url()).await;
    assert!(before.len() == 1 && before[0].contains("sync_interval"), "{before:?}");
    let context = async_nats::jetstream::new(async_nats::connect(server.url()).await.unwrap());
    let memory = Config { name: "fleeting".to_owned(), storage: StorageType::Memory, ..Config::default() };
    let stream = context.create_stream(memory).await.unwrap();
    for (name, ack_policy, max_deliver) in
        [("hasty", AckPolicy::None, -1), ("strict", AckPolicy::Explicit, 3), ("good", AckPolicy::Explicit, -1)]
    {
        let durable_name = Some(name.to_owned());
        let config = pull::Config { durable_name, ack_policy, max_deliver, ..pull::Config::default() };
        stream.create_consumer(config).await.unwrap();
    }
    let doubts = doubts_of(&server.url()).await.join("\n");
    for said in
        ["fleeting is kept in memory", "hasty of stream fleeting needs no acknowledgement", "after 3 deliveries"]
    {
        assert!(doubts.contains(said), "{said}: {doubts}");
    }
    assert!(!doubts.contains("good"), "{doubts}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rabbitmq_is_doubted_for_a_policy_that_limits_deliveries() {
    if is_left_out("rabbitmq") {
        return;
    }
    let server = tokio::task::spawn_blocking(RabbitMq::start).await.unwrap();
    let before = doubts_of(&server.url()).await;
    // From 4.0 on, queues that say nothing have a limit.
    assert!(before.iter().all(|doubt| doubt.contains("sets no `x-delivery-limit`")), "{before:?}");
    let policy = ["set_operator_policy", "limit", ".*", r#"{"delivery-limit":3}"#, "--apply-to", "queues"];
    let server = tokio::task::spawn_blocking(move || {
        server.control(&policy);
        server
    });
    let server = server.await.unwrap();
    let doubts = doubts_of(&server.url()).await;
    assert!(doubts.len() == 1 && doubts[0].contains("a policy sets `delivery-limit`"), "{doubts:?}");
}
