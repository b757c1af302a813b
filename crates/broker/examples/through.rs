//! How fast events go from one service's log over a broker to another's committed effect, and how soon.
//!
//! ```sh
//! cargo run --release -p tradewind-broker --all-features --example through -- nats
//! cargo run --release -p tradewind-broker --all-features --example through -- amqp://guest:guest@127.0.0.1:5672/%2f
//! ```
//!
//! `nats`, `rabbitmq` and `kafka` are servers of its own, as the tests start them; a URL is one that runs already; `feeds`
//! is the publisher's feed over HTTP. A second argument is how many events lie in the log (200,000).
//!
//! The log is a real one (`file:`), the effect a row for each event in SQLite, with the checkpoint in the same
//! transaction. First everything that lies in the log, then events at a pace.

use std::any::Any;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use rusqlite::Connection;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{
    BrokerOptions, BrokeredMetrics, BrokeredOptions, BrokeredSource, Relay, RelayMetrics, RelayOptions, Topic, open,
};
use tradewind_events::{
    Append, Clock, Event, EventSource, EventStore, EventType, ExpectedRevision, Position, Query, StreamId,
    Subscription, SystemClock,
};
use tradewind_store::{ClientOptions, FeedSource, OpenOptions, ServerOptions};
use tradewind_testkit::servers::{Kafka, Nats, RabbitMq};

const EVENTS_USUAL: u64 = 200_000;
const STREAMS: u64 = 1_000;
const PACED_EVENTS: u64 = 5_000;
const PACE: Duration = Duration::from_millis(2);
const WITHIN: Duration = Duration::from_secs(120);

/// The server of this name, which runs as long as what comes with its URL.
fn server(name: String) -> (Box<dyn Any + Send>, String) {
    fn with<T: Send + 'static>(server: T, url: impl Fn(&T) -> String) -> (Box<dyn Any + Send>, String) {
        let url = url(&server);
        (Box::new(server), url)
    }
    match name.as_str() {
        "nats" => with(Nats::start(), Nats::url),
        "rabbitmq" => with(RabbitMq::start(), RabbitMq::url),
        "kafka" => with(Kafka::start_forgetful(), Kafka::url),
        "feeds" => (Box::new(()), "feeds:".to_owned()),
        _ => (Box::new(()), name),
    }
}

/// A read model as a service has one.
struct Effect {
    database: Connection,
    place: Position,
    count: u64,
    delays: Vec<Duration>,
}

impl Effect {
    fn open(folder: &std::path::Path) -> Result<Self, Box<dyn Error>> {
        let database = Connection::open(folder.join("effect.db"))?;
        database.execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;
             CREATE TABLE told (position INTEGER PRIMARY KEY, stream TEXT NOT NULL, data TEXT NOT NULL);
             CREATE TABLE place (position INTEGER NOT NULL); INSERT INTO place VALUES (0);",
        )?;
        Ok(Self { database, place: Position::START, count: 0, delays: Vec::new() })
    }

    async fn take_until(
        &mut self,
        source: &dyn EventSource,
        deliveries: &mut Subscription,
        until: Position,
        clock: &dyn Clock,
    ) -> Result<(), Box<dyn Error>> {
        while self.place < until {
            let next = tokio::time::timeout(WITHIN, deliveries.next()).await?;
            let delivery = next.ok_or("the deliveries ended")??;
            let transaction = self.database.transaction()?;
            let mut insert = transaction.prepare_cached("INSERT INTO told VALUES (?1, ?2, ?3)")?;
            for event in &delivery.events {
                let data = std::str::from_utf8(event.data())?;
                insert.execute((event.position().0 as i64, event.stream(), data))?;
            }
            drop(insert);
            transaction.execute("UPDATE place SET position = ?1", [delivery.through.0 as i64])?;
            transaction.commit()?;
            let now = clock.now();
            self.delays.extend(delivery.events.iter().map(|event| now.since(event.recorded_at())));
            self.count += delivery.events.len() as u64;
            self.place = delivery.through;
            source.handled("effect", self.place);
        }
        Ok(())
    }
}

fn event(number: u64) -> Result<(StreamId, Event), Box<dyn Error>> {
    let data = serde_json::json!({ "order": number, "customer": number % 997, "total_cents": 1299, "lines": [[7, 2]] });
    let event = Event::new(EventType::new("OrderPlaced")?, SystemClock.now(), &data)?;
    Ok((StreamId::new(format!("order-{}", number % STREAMS))?, event))
}

async fn fill(store: &Arc<dyn EventStore>, events: u64) -> Result<(), Box<dyn Error>> {
    let numbers: Vec<u64> = (0..events).collect();
    for chunk in numbers.chunks(512) {
        let mut appends = Vec::new();
        for number in chunk {
            let (stream, event) = event(*number)?;
            appends.push(store.append(Append::to(stream, ExpectedRevision::Any, vec![event])));
        }
        futures_util::future::try_join_all(appends).await?;
    }
    Ok(())
}

fn told(name: &str, delays: &mut [Duration]) {
    delays.sort_unstable();
    let at = |share: f64| delays[((delays.len() - 1) as f64 * share) as usize].as_secs_f64() * 1_000.0;
    println!("{name}: p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms", at(0.5), at(0.99), at(1.0));
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let named = std::env::args().nth(1).ok_or("say which broker: nats, rabbitmq, kafka, feeds, or a URL")?;
    let (_server, url) = tokio::task::spawn_blocking(move || server(named)).await?;
    let events = std::env::args().nth(2).map_or(Ok(EVENTS_USUAL), |count| count.parse())?;
    let (folder, clock) = (tempfile::tempdir()?, Arc::new(SystemClock));
    let log = format!("file:{}", folder.path().join("log").display());
    let store = tradewind_store::open(&log, OpenOptions::with_clock(clock.clone())).await?;
    fill(&store, events).await?;
    let mut effect = Effect::open(folder.path())?;

    let topic = Topic::new(&format!("through-{}", std::process::id()))?;
    let feed: Arc<dyn EventSource> = store.clone();
    let (stop, metrics) = (CancellationToken::new(), BrokeredMetrics::default());
    let Some(broker) = open(&url, BrokerOptions::default())? else {
        let options = ServerOptions { shutdown: stop.clone(), ..ServerOptions::default() };
        let server = tradewind_store::Server::bind(([127, 0, 0, 1], 0).into(), store.clone(), options).await?;
        let feed = FeedSource::new(&format!("http://{}", server.local_addr()), ClientOptions::default())?;
        let serving = tokio::spawn(server.run());
        let begun = Instant::now();
        let mut deliveries = feed.subscribe(Position::START, Query::all()).await?;
        measure(&store, &feed, &mut deliveries, &mut effect, &*clock, (events, begun)).await?;
        drop(deliveries);
        stop.cancel();
        return Ok(serving.await?);
    };
    // A follower that is live before anything is published: all of it comes over the broker. Its feed has nothing.
    let nothing = format!("file:{}", folder.path().join("nothing").display());
    let empty: Arc<dyn EventSource> = tradewind_store::open(&nothing, OpenOptions::default()).await?;
    let brokered = BrokeredOptions::default();
    let source = BrokeredSource::new(empty, broker.clone(), topic.clone(), "bench", brokered, metrics.clone());
    let mut deliveries = source.follow("effect", Position::START, Query::all()).await?;
    let first = deliveries.next().await.ok_or("the deliveries ended")??;
    assert!(first.caught_up && first.events.is_empty());

    let begun = Instant::now();
    let options = RelayOptions::new(topic.clone(), folder.path().join("relay.json"));
    let (relay, handle) = Relay::new(feed, broker, options, RelayMetrics::default(), clock.clone());
    let relaying = tokio::spawn(relay.run(stop.clone()));
    measure(&store, &source, &mut deliveries, &mut effect, &*clock, (events, begun)).await?;
    let (filled, status) = (metrics.filled(topic.as_str(), "bench_effect"), handle.status());
    println!("from the feed: {filled}; interruptions: {}", status.interruptions);
    stop.cancel();
    relaying.await?;
    Ok(())
}

async fn measure(
    store: &Arc<dyn EventStore>,
    source: &dyn EventSource,
    deliveries: &mut Subscription,
    effect: &mut Effect,
    clock: &dyn Clock,
    (events, begun): (u64, Instant),
) -> Result<(), Box<dyn Error>> {
    effect.take_until(source, deliveries, Position(events), clock).await?;
    let took = begun.elapsed();
    let (count, rate) = (effect.count, effect.count as f64 / took.as_secs_f64());
    println!("{count} events from log to committed effect in {:.2} s: {rate:.0} events/s", took.as_secs_f64());

    effect.delays.clear();
    let appending = tokio::spawn({
        let store = Arc::clone(store);
        async move {
            let mut ticks = tokio::time::interval(PACE);
            for number in 0..PACED_EVENTS {
                ticks.tick().await;
                let (stream, event) = event(number).map_err(|error| error.to_string())?;
                let append = Append::to(stream, ExpectedRevision::Any, vec![event]);
                store.append(append).await.map_err(|error| error.to_string())?;
            }
            Ok::<_, String>(())
        }
    });
    effect.take_until(source, deliveries, Position(events + PACED_EVENTS), clock).await?;
    appending.await??;
    told(&format!("{} events/s, commit to committed effect", 1_000 / PACE.as_millis()), &mut effect.delays);
    Ok(())
}
