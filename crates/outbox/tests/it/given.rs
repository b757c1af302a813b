//! A service with plain tables, its writers, and somebody who reads what it tells.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::{Client, NoTls};
use tokio_util::sync::CancellationToken;
use tradewind_events::{Event, EventSource, EventType, Position, Query, Recorded, StreamId, Timestamp};
use tradewind_outbox::postgres::{Connector, Outbox, OutboxOptions, StamperHandle};
use tradewind_testkit::servers::Postgres;

/// How long what is expected may take.
pub(crate) const WITHIN: Duration = Duration::from_secs(60);

/// How a test's outbox is kept: in a schema of its own.
pub(crate) fn options() -> OutboxOptions {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    OutboxOptions {
        schema: format!("outbox_{}", NEXT.fetch_add(1, Ordering::Relaxed)),
        lease_for: Duration::from_millis(1_500),
        ..OutboxOptions::default()
    }
}

pub(crate) async fn server() -> &'static Postgres {
    tokio::task::spawn_blocking(Postgres::shared).await.unwrap()
}

pub(crate) fn connector(port: u16) -> Connector {
    let config = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
    Connector::new(config.parse().unwrap(), NoTls)
}

pub(crate) async fn client(port: u16) -> Client {
    let config = format!("host=127.0.0.1 port={port} user=postgres dbname=postgres");
    let (client, connection) = tokio_postgres::connect(&config, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A stamper at work.
pub(crate) struct Stamping {
    pub(crate) handle: StamperHandle,
    pub(crate) stop: CancellationToken,
    pub(crate) task: JoinHandle<()>,
}

pub(crate) fn stamp(outbox: &Outbox) -> Stamping {
    let (stamper, handle) = outbox.stamper();
    let stop = CancellationToken::new();
    Stamping { handle, task: tokio::spawn(stamper.run(stop.clone())), stop }
}

impl Stamping {
    pub(crate) async fn stop(self) {
        self.stop.cancel();
        timeout(WITHIN, self.task).await.expect("the stamper ends").unwrap();
    }
}

/// Accounts, each of which counts its changes: what is told of one must be 1, 2, 3 and so on.
pub(crate) struct Bank {
    pub(crate) port: u16,
    pub(crate) outbox: Outbox,
    table: String,
    accounts: u64,
}

impl Bank {
    pub(crate) async fn open(port: u16, options: OutboxOptions, accounts: u64) -> Arc<Self> {
        let table = format!("accounts_{}", options.schema);
        let outbox = Outbox::open(connector(port), options).await.unwrap();
        let setup = format!(
            "CREATE TABLE {table} (id int8 PRIMARY KEY, changes int8 NOT NULL);
             INSERT INTO {table} SELECT n, 0 FROM generate_series(0, {}) n",
            accounts - 1
        );
        client(port).await.batch_execute(&setup).await.unwrap();
        Arc::new(Self { port, outbox, table, accounts })
    }

    /// Changes accounts, `count` times, each in a transaction of its own; some are rolled back.
    pub(crate) fn write(self: &Arc<Self>, writer: u64, count: u64) -> JoinHandle<u64> {
        let bank = Arc::clone(self);
        tokio::spawn(async move {
            let mut client = client(bank.port).await;
            let (mut chance, mut committed) = (writer * 7_919 + 1, 0);
            for _ in 0..count {
                chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let account = (chance >> 33) % bank.accounts;
                let transaction = client.transaction().await.unwrap();
                let sql = format!("UPDATE {} SET changes = changes + 1 WHERE id = $1 RETURNING changes", bank.table);
                let row = transaction.query_one(&sql, &[&(account as i64)]).await.unwrap();
                let change: i64 = row.get(0);
                bank.outbox.put(&transaction, &stream(account), &event(change as u64)).await.unwrap();
                if (chance >> 20).is_multiple_of(10) {
                    transaction.rollback().await.unwrap();
                    continue;
                }
                transaction.commit().await.unwrap();
                bank.outbox.wake();
                committed += 1;
            }
            committed
        })
    }

    /// Sixteen writers at once; how much they committed.
    pub(crate) async fn sixteen_write(self: &Arc<Self>, each: u64) -> u64 {
        let writers: Vec<_> = (0..16).map(|writer| self.write(writer, each)).collect();
        let mut all = 0;
        for writer in writers {
            all += writer.await.unwrap();
        }
        all
    }
}

pub(crate) fn stream(account: u64) -> StreamId {
    StreamId::new(format!("account-{account}")).unwrap()
}

pub(crate) fn event(change: u64) -> Event {
    Event::new(EventType::new("Changed").unwrap(), Timestamp::from_micros(1), &change).unwrap()
}

/// Takes note of what comes, and sees that it comes in order.
#[derive(Default)]
pub(crate) struct Heard {
    pub(crate) position: Position,
    pub(crate) changes: HashMap<String, u64>,
    pub(crate) events: u64,
}

impl Heard {
    pub(crate) fn take(&mut self, event: &Recorded) {
        assert_eq!(event.position().0, self.position.0 + 1, "positions have no gap");
        self.position = event.position();
        let change: u64 = event.parse().unwrap();
        let last = self.changes.insert(event.stream().to_owned(), change).unwrap_or(0);
        assert_eq!(change, last + 1, "{} comes in the order of its changes, none missing", event.stream());
        self.events += 1;
    }

    /// Reads live until so many events have come.
    pub(crate) async fn until(mut self, source: Arc<dyn EventSource>, events: u64) -> Self {
        let reading = async {
            let mut deliveries = source.subscribe(self.position, Query::all()).await.unwrap();
            while self.events < events {
                let delivery = deliveries.next().await.unwrap().unwrap();
                delivery.events.iter().for_each(|event| self.take(event));
                assert_eq!(delivery.through, self.position);
            }
        };
        let came = timeout(WITHIN, reading).await;
        assert!(came.is_ok(), "only {} of {events} came", self.events);
        self
    }
}

/// Reads for as long as something comes, and then until `done` is known and reached.
pub(crate) fn listen(
    source: Arc<dyn EventSource>,
    done: tokio::sync::watch::Receiver<Option<u64>>,
) -> JoinHandle<Heard> {
    tokio::spawn(async move {
        let mut heard = Heard::default();
        while done.borrow().is_none_or(|all| heard.events < all) {
            let Ok(mut deliveries) = source.subscribe(heard.position, Query::all()).await else {
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            };
            while done.borrow().is_none_or(|all| heard.events < all) {
                match timeout(Duration::from_millis(200), deliveries.next()).await {
                    Ok(Some(Ok(delivery))) => delivery.events.iter().for_each(|event| heard.take(event)),
                    Ok(_) => break,
                    Err(_) => {}
                }
            }
        }
        heard
    })
}
