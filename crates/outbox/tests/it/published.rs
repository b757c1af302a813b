//! From plain tables over a broker to another service's effect.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{
    BrokerOptions, BrokeredMetrics, BrokeredOptions, BrokeredSource, Relay, RelayMetrics, RelayOptions, Topic, open,
};
use tradewind_events::{EventSource, Position, Query, SystemClock};
use tradewind_outbox::postgres::OutboxOptions;
use tradewind_testkit::servers::{Nats, is_left_out};

use crate::given::{Bank, Heard, WITHIN, client, options, server, stamp};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_put_comes_over_a_broker() {
    if is_left_out("postgres") || is_left_out("nats") {
        return;
    }
    let (port, nats, folder) = (server().await.port(), Nats::start(), tempfile::tempdir().unwrap());
    let options = OutboxOptions { lease_for: Duration::from_millis(600), ..options() };
    let schema = options.schema.clone();
    let bank = Bank::open(port, options, 40).await;
    let (stamping, source) = (stamp(&bank.outbox), Arc::new(bank.outbox.source()));
    let broker = open(&nats.url(), BrokerOptions::default()).unwrap().unwrap();
    let (topic, clock) = (Topic::new("bank").unwrap(), Arc::new(SystemClock));
    let place = RelayOptions::new(topic.clone(), folder.path().join("relay.json"));
    let (relay, relaying) = Relay::new(source.clone(), Arc::clone(&broker), place, RelayMetrics::default(), clock);
    let stop = CancellationToken::new();
    let relayed = tokio::spawn(relay.run(stop.clone()));
    let metrics = BrokeredMetrics::default();
    let brokered = BrokeredOptions::default();
    let following = BrokeredSource::new(source, broker, topic, "reader", brokered, metrics.clone());
    let mut deliveries = following.follow("copy", Position::START, Query::all()).await.unwrap();
    assert!(deliveries.next().await.unwrap().unwrap().caught_up);
    let committed = bank.sixteen_write(100).await;
    let mut heard = Heard::default();
    while heard.events < committed {
        let delivery = tokio::time::timeout(WITHIN, deliveries.next()).await.unwrap().unwrap().unwrap();
        delivery.events.iter().for_each(|event| heard.take(event));
    }
    assert!(metrics.delivered("bank", "reader_copy") > committed / 2);
    let published = relaying.status();
    assert_eq!((published.published, published.interruptions), (Position(committed), 0));
    // The outbox is told that the relay has it, so that it need not keep it.
    let client = client(port).await;
    let sql = format!("SELECT coalesce(max(position), 0) FROM {schema}.followers WHERE name = 'relay'");
    let told = async {
        while client.query_one(&sql, &[]).await.unwrap().get::<_, i64>(0) == 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(WITHIN, told).await.expect("the outbox knows how far the relay is");
    stop.cancel();
    relayed.await.unwrap();
    stamping.stop().await;
}
