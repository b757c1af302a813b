//! What it costs to apply events: by rusqlite itself, by the SQL that projections use, and as a whole projection whose
//! read model is built from nothing, in SQLite and, if a URL is given, in PostgreSQL.
//!
//! `cargo run --release -p tradewind-service --example apply -- [postgres://…]`
#![expect(clippy::unwrap_used, reason = "what measures ends if it cannot")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tradewind_events::{
    Append, Event, EventStore, EventType, ExpectedRevision, Position, Query, Recorded, StreamId, SystemClock, Timestamp,
};
use tradewind_service::sql::{Transaction, params};
use tradewind_service::{Host, HostOptions, LeaseOptions, Projection, ProjectionError, SharedDatabase};
use tradewind_testkit::memory_store::MemoryStore;

const STATEMENTS: i64 = 200_000;
const ROUNDS: usize = 7;
const EVENTS: u64 = 100_000;

const TABLE: &str = "CREATE TABLE counted (key TEXT PRIMARY KEY, count INTEGER NOT NULL, last INTEGER) WITHOUT ROWID";
const UPSERT: &str = "INSERT INTO counted VALUES (?1, 1, ?2)
    ON CONFLICT (key) DO UPDATE SET count = counted.count + 1, last = excluded.last";

fn main() {
    let keys: Vec<String> = (0..STATEMENTS).map(|n| format!("key-{}", n * 7_919 % 10_007)).collect();
    let (mut own, mut through) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        own.push(in_memory(|connection| {
            for (n, key) in keys.iter().enumerate() {
                connection.prepare_cached(UPSERT).unwrap().execute(params![key, n]).unwrap();
            }
        }));
        through.push(in_memory(|connection| {
            let tx = Transaction::on_sqlite(connection);
            for (n, key) in keys.iter().enumerate() {
                tx.prepare_cached(UPSERT).unwrap().execute(params![key, n]).unwrap();
            }
        }));
    }
    for (name, times) in [("rusqlite itself", own), ("tradewind_service::sql", through)] {
        println!("{name}: {:.0} statements/s (median of {ROUNDS})", rate(STATEMENTS as u64, times));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let store = filled().await;
        for url in [None, std::env::args().nth(1)].into_iter().enumerate().filter(|(n, url)| *n == 0 || url.is_some()) {
            let took = built(&store, url.1.as_deref()).await;
            let place = if url.1.is_some() { "PostgreSQL" } else { "SQLite" };
            println!("built from nothing in {place}: {:.0} events/s", EVENTS as f64 / took.as_secs_f64());
        }
    });
}

fn in_memory(work: impl FnOnce(&Connection)) -> Duration {
    let mut connection = Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLE).unwrap();
    let tx = connection.transaction().unwrap();
    let started = Instant::now();
    work(&tx);
    started.elapsed()
}

fn rate(count: u64, mut times: Vec<Duration>) -> f64 {
    times.sort();
    count as f64 / times[times.len() / 2].as_secs_f64()
}

async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    for batch in 0..EVENTS / 1_000 {
        let stream = StreamId::of("thing", batch.to_string()).unwrap();
        let event = |n: u64| Event::new(EventType::new("Happened").unwrap(), Timestamp::EPOCH, &n).unwrap();
        let append = Append::to(stream, ExpectedRevision::Any, (0..1_000).map(event).collect());
        store.append(append).await.unwrap();
    }
    store
}

struct Counted;

impl Projection for Counted {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        TABLE
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some("CREATE TABLE counted (key text PRIMARY KEY, count bigint NOT NULL, last bigint)")
    }

    fn query(&self) -> Query {
        Query::category("thing")
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let key = format!("key-{}", event.position().0 * 7_919 % 10_007);
        tx.prepare_cached(UPSERT)?.execute(params![key, event.position().0])?;
        Ok(())
    }
}

async fn built(store: &MemoryStore, url: Option<&str>) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let mut options = HostOptions::new("measured", "127.0.0.1:0".parse().unwrap(), folder.path());
    options.shared = url.map(|url| SharedDatabase::new(url, "only", LeaseOptions::default()).unwrap());
    options.query_wait_max = Duration::from_secs(300);
    let mut host = Host::new(options, Arc::new(store.clone()), Arc::new(SystemClock));
    let model = host.projection(Counted).unwrap();
    let (service, _handle) = host.bind().await.unwrap();
    let running = tokio::spawn(service.run(std::future::pending()));
    model.wait_for(Position(1_000)).await.unwrap();
    let (begun, started) = (model.position(), Instant::now());
    model.wait_for(Position(EVENTS)).await.unwrap();
    let took = started.elapsed().mul_f64(EVENTS as f64 / (EVENTS - begun.0).max(1) as f64);
    running.abort();
    took
}
