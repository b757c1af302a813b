//! How soon what is put into an outbox in PostgreSQL is confirmed by a broker, counted from its commit.
//!
//! ```sh
//! cargo run --release -p tradewind-outbox --all-features --example relayed -- \
//!     nats://127.0.0.1:4222 "host=127.0.0.1 user=postgres dbname=postgres" --foreign-transaction
//! ```
//!
//! For Kafka: `-p tradewind-outbox -p tradewind-broker --all-features`. Sixteen writers change rows and put, at a pace, each in transactions of its own. With `--foreign-transaction` another
//! one, which has nothing to do with them and has written, is always open, for three seconds each.

use std::collections::HashMap;
use std::error::Error;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;
use tradewind_broker::{
    Broker, BrokerError, BrokerOptions, Consumer, Message, PublishError, Publisher, Relay, RelayMetrics, RelayOptions,
    Subscribe, Topic, open,
};
use tradewind_events::{Event, EventId, EventSource, EventType, Position, StreamId, SystemClock, Timestamp};
use tradewind_outbox::postgres::{Connector, Outbox, OutboxOptions};

const WRITERS: u64 = 16;
const ACCOUNTS: u64 = 1_000;
const EVENTS: u64 = 300;
/// Between two transactions of one writer: 500 a second of all.
const PACE: Duration = Duration::from_millis(32);
const FOREIGN_FOR: Duration = Duration::from_secs(3);
const WITHIN: Duration = Duration::from_secs(60);

type Moments = Arc<Mutex<HashMap<EventId, Instant>>>;
type Failed = Box<dyn Error + Send + Sync>;

/// A broker, and when it confirmed what.
struct Clocked {
    broker: Arc<dyn Broker>,
    confirmed: Moments,
}

struct ClockedPublisher {
    publisher: Box<dyn Publisher>,
    confirmed: Moments,
}

impl Broker for Clocked {
    fn place(&self) -> &str {
        self.broker.place()
    }

    fn publisher(&self, topic: &Topic) -> BoxFuture<'_, Result<Box<dyn Publisher>, BrokerError>> {
        let topic = topic.clone();
        Box::pin(async move {
            let publisher = self.broker.publisher(&topic).await?;
            Ok(Box::new(ClockedPublisher { publisher, confirmed: Arc::clone(&self.confirmed) }) as Box<dyn Publisher>)
        })
    }

    fn consumer(&self, subscribe: Subscribe) -> BoxFuture<'_, Result<Box<dyn Consumer>, BrokerError>> {
        self.broker.consumer(subscribe)
    }
}

impl Publisher for ClockedPublisher {
    fn last(&self) -> Option<Position> {
        self.publisher.last()
    }

    fn publish<'a>(&'a mut self, batch: &'a [Message]) -> BoxFuture<'a, Result<(), PublishError>> {
        Box::pin(async move {
            self.publisher.publish(batch).await?;
            let now = Instant::now();
            if let Ok(mut confirmed) = self.confirmed.lock() {
                confirmed.extend(batch.iter().map(|message| (message.id, now)));
            }
            Ok(())
        })
    }
}

async fn connect(config: &str) -> Result<Client, Failed> {
    let (client, connection) = tokio_postgres::connect(config, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn write(outbox: Outbox, config: String, table: String, writer: u64, committed: Moments) -> Result<(), Failed> {
    let mut client = connect(&config).await?;
    let change = client.prepare(&format!("UPDATE {table} SET changes = changes + 1 WHERE id = $1")).await?;
    let mut ticks = tokio::time::interval(PACE);
    for number in 0..EVENTS {
        ticks.tick().await;
        let account = (writer * EVENTS + number) * 7 % ACCOUNTS;
        let event = Event::new(EventType::new("Changed")?, Timestamp::from_micros(0), &number)?;
        let transaction = client.transaction().await?;
        transaction.execute(&change, &[&(account as i64)]).await?;
        outbox.put(&transaction, &StreamId::new(format!("account-{account}"))?, &event).await?;
        transaction.commit().await?;
        let now = Instant::now();
        outbox.wake();
        if let Ok(mut committed) = committed.lock() {
            committed.insert(event.id, now);
        }
    }
    Ok(())
}

/// Somebody else's transactions, one after the other.
async fn foreign(config: String, stop: CancellationToken) -> Result<(), Failed> {
    let mut client = connect(&config).await?;
    while !stop.is_cancelled() {
        let transaction = client.transaction().await?;
        transaction.batch_execute("CREATE TEMP TABLE elsewhere (n int8) ON COMMIT DROP").await?;
        stop.run_until_cancelled(tokio::time::sleep(FOREIGN_FOR)).await;
        transaction.commit().await?;
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), Failed> {
    let mut arguments: Vec<String> = std::env::args().skip(1).collect();
    let with_foreign = arguments.iter().position(|word| word == "--foreign-transaction");
    if let Some(at) = with_foreign {
        arguments.remove(at);
    }
    let [url, config] = &arguments[..] else {
        return Err("say which broker (nats://HOST:PORT) and which database (host=… user=… dbname=…)".into());
    };
    let (folder, stop, name) = (tempfile::tempdir()?, CancellationToken::new(), std::process::id());
    let table = format!("relayed_{name}");
    let setup = format!(
        "CREATE TABLE {table} (id int8 PRIMARY KEY, changes int8 NOT NULL);
         INSERT INTO {table} SELECT n, 0 FROM generate_series(0, {}) n",
        ACCOUNTS - 1
    );
    let client = connect(config).await?;
    client.batch_execute(&setup).await?;
    let options = OutboxOptions { schema: format!("relayed_outbox_{name}"), ..OutboxOptions::default() };
    let drop_all = format!("DROP TABLE {table}; DROP SCHEMA {} CASCADE", options.schema);
    let outbox = Outbox::open(Connector::new(config.parse()?, NoTls), options).await?;
    let (stamper, _) = outbox.stamper();
    let stamping = tokio::spawn(stamper.run(stop.clone()));
    let broker = open(url, BrokerOptions::default())?.ok_or("feeds: confirms nothing")?;
    let (committed, confirmed) = (Moments::default(), Moments::default());
    let broker = Arc::new(Clocked { broker, confirmed: Arc::clone(&confirmed) });
    let relaying = RelayOptions::new(Topic::new(&format!("relayed-{name}"))?, folder.path().join("relay.json"));
    let source: Arc<dyn EventSource> = Arc::new(outbox.source());
    let (relay, handle) = Relay::new(source, broker, relaying, RelayMetrics::default(), Arc::new(SystemClock));
    let relaying = tokio::spawn(relay.run(stop.clone()));
    let foreign = with_foreign.map(|_| tokio::spawn(foreign(config.clone(), stop.clone())));
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let committed = Arc::clone(&committed);
            tokio::spawn(write(outbox.clone(), config.clone(), table.clone(), writer, committed))
        })
        .collect();
    for writer in writers {
        writer.await??;
    }
    let all = Position(WRITERS * EVENTS);
    let arriving = async {
        while handle.status().published < all {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(WITHIN, arriving).await.map_err(|_| format!("not all arrived: {:?}", handle.status()))?;
    stop.cancel();
    relaying.await?;
    stamping.await?;
    if let Some(foreign) = foreign {
        foreign.await??;
    }
    client.batch_execute(&drop_all).await?;
    let (committed, confirmed) =
        (committed.lock().map_err(|_| "a writer fell")?, confirmed.lock().map_err(|_| "fell")?);
    // One may be confirmed before its writer has taken note of its commit.
    let since = |id: &EventId, commit: &Instant| confirmed.get(id).map(|at| at.saturating_duration_since(*commit));
    let mut delays = committed.iter().filter_map(|(id, commit)| since(id, commit)).collect::<Vec<_>>();
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    let beside = if with_foreign.is_some() { ", beside a foreign transaction of 3 s" } else { "" };
    println!(
        "{} of {} events, commit to the broker's confirmation{beside}: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms",
        delays.len(),
        all.0,
        at(0.5),
        at(0.99),
        at(1.0)
    );
    Ok(())
}
