//! Several instances of a service and a broker: one of them publishes, and each follower is given all that is its own.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use tokio_util::sync::CancellationToken;
use tradewind_broker::{
    BrokerOptions, BrokerUrl, BrokeredMetrics, BrokeredOptions, BrokeredSource, Group, Relay, RelayMetrics,
    RelayOptions, StartFrom as From, Subscribe, Topic, open_at,
};
use tradewind_events::{
    Direction, EventSource, Page, Position, Query, ReadError, Recorded, Revision, StreamId, StreamSlice, Subscription,
    SystemClock, Timestamp,
};
use tradewind_service::sql::Transaction;
use tradewind_service::{
    CommandOptions, Commands, Contract, Projection, ProjectionError, Publish, PublishError, QueryContext, ReadModel,
    Reader, StartFrom, Upcasters,
};
use tradewind_testkit::memory_store::MemoryStore;
use tradewind_testkit::servers::{self, Nats, Postgres};

use crate::account::{Balances, Deposit, eventually, nobody};
use crate::shares::{Mirror, deposits};
use crate::sleeping::{Instance, Leases, NAME, URL, host, open};
use crate::web::{Backend, start, start_ready};

const BROKER: &str = "TRADEWIND_TEST_INSTANCE_BROKER";

/// Tells others of everything.
struct Told;

impl Publish for Told {
    fn query(&self) -> Query {
        Query::category("account")
    }

    fn publish(&self, _event: &Recorded) -> Result<Option<Contract>, PublishError> {
        Ok(Some(Contract::new("bank.changed", &serde_json::json!({}))?))
    }
}

fn broker(url: &str) -> Arc<dyn tradewind_broker::Broker> {
    open_at(&url.parse::<BrokerUrl>().unwrap(), BrokerOptions::default()).unwrap().unwrap()
}

/// Not a test: what an [`Instance`] runs as a process. Left alone it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instance_process() {
    let (Ok(url), Ok(name), Ok(at)) = (std::env::var(URL), std::env::var(NAME), std::env::var(BROKER)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let _ = tradewind_service::init_logging(tradewind_service::LogFormat::Pretty, "info");
    let mut host = host(&url, &name, open(&url).await, folder.path());
    host.publish(Told);
    host.relay(broker(&at), RelayOptions::new(Topic::new("bank").unwrap(), folder.path().join("relay.json")));
    let (service, _handle) = host.bind().await.unwrap();
    service.run(std::future::pending()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_publishes_and_when_it_is_killed_another_goes_on_and_nothing_is_lost_or_out_of_order() {
    let is_left_out = servers::is_left_out("postgres") || servers::is_left_out("nats");
    if is_left_out || std::env::var(URL).is_ok() {
        return;
    }
    let (url, folder, nats) = (Postgres::shared().fresh_url(), tempfile::tempdir().unwrap(), Nats::start());
    let (store, at) = (open(&url).await, nats.url());
    let leases = Leases { schema: format!("{}_reads", url.rsplit_once('=').unwrap().1) };
    let commands = Commands::new(store.clone(), Arc::new(SystemClock), Upcasters::default(), CommandOptions::default());
    let instance = |name: &str| {
        Instance::running("relaying::instance_process", &url, name, folder.path(), |command| {
            command.env(BROKER, &at);
        })
    };
    let mut instances = vec![instance("a"), instance("b")];
    let table =
        format!("SELECT count(*) FROM pg_tables WHERE schemaname = '{}' AND tablename = 'leases'", leases.schema);
    eventually("the tables", async || leases.ask(&table) == "1").await;
    eventually("a holder", async || !leases.holder("relay").is_empty()).await;

    let writing = tokio::spawn(async move {
        let (started, mut written) = (Instant::now(), 0_u64);
        while started.elapsed() < Duration::from_secs(16) {
            for account in 0..8 {
                commands.handle(&format!("a{account}"), &Deposit(1), &nobody()).await.unwrap();
                written += 1;
            }
        }
        written
    });
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_secs(4)).await;
        // In steady state only one publishes, so that nobody is in anybody's way.
        for one in &instances {
            let printed = one.process.printed();
            assert!(!printed.contains("TW-5004"), "{printed}");
        }
        let holder = leases.holder("relay");
        let index = instances.iter().position(|one| one.name == holder).unwrap();
        instances[index].process.signal(libc::SIGKILL);
        let ended = Instant::now();
        let taken_over = || {
            let now = leases.holder("relay");
            !now.is_empty() && now != holder
        };
        eventually("the handover", async || taken_over()).await;
        println!("handed over within {:?}", ended.elapsed());
        instances.remove(index);
        instances.push(instance(&format!("{holder}{holder}")));
    }
    let written = writing.await.unwrap();

    // All of it is on the broker, and that of each account in its order.
    let topic = Topic::new("bank").unwrap();
    let subscribe = Subscribe { topic, group: Group::of("test", "all").unwrap(), from: From::Beginning };
    let mut consumer = broker(&at).consumer(subscribe).await.unwrap();
    let (mut last, mut streams, mut repeated, mut came) = (Position::START, BTreeMap::new(), 0_u64, 0_u64);
    while came < written {
        let next = tokio::time::timeout(Duration::from_secs(20), consumer.next(1_024)).await;
        let next = next.unwrap_or_else(|_| panic!("{came} of {written} came")).unwrap();
        let receipt = next.last().map(|last| last.receipt);
        for delivered in next {
            let event = &delivered.event;
            if event.position() <= last {
                repeated += 1;
                continue;
            }
            assert_eq!(delivered.previous, last, "nothing is missing before {}", event.position());
            (last, came) = (event.position(), came + 1);
            let revision = streams.insert(event.stream().to_owned(), event.revision()).map_or(0, |last| last.0 + 1);
            assert_eq!(event.revision(), Revision(revision));
        }
        // A broker gives only so many that are not acknowledged.
        if let Some(receipt) = receipt {
            consumer.acknowledge(receipt).await.unwrap();
        }
    }
    println!("{written} events, {repeated} published again");
    assert!(repeated < written / 4, "{repeated} of {written} were published again");
    assert_eq!(leases.ask("SELECT epoch FROM {s}.leases WHERE name = 'relay'"), "3");
}

/// Notes as whom it is followed.
struct Followed {
    inner: MemoryStore,
    by: Mutex<Vec<String>>,
}

impl EventSource for Followed {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.head()
    }
    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.inner.read(after, query, limit)
    }
    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        self.inner.subscribe(after, query)
    }
    fn follow(&self, follower: &str, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        self.by.lock().unwrap_or_else(PoisonError::into_inner).push(follower.to_owned());
        self.inner.subscribe(after, query)
    }
    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.inner.read_stream(stream, from, direction, limit)
    }
    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.inner.position_at(moment)
    }
}

/// A read model that SQLite alone can have, so that each instance makes it for itself.
struct Local;

impl Projection for Local {
    fn name(&self) -> &'static str {
        "local"
    }
    fn version(&self) -> u32 {
        1
    }
    fn schema(&self) -> &'static str {
        "CREATE TABLE changed (account TEXT NOT NULL)"
    }
    fn query(&self) -> Query {
        Query::category("account")
    }
    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        Ok(tx.execute("INSERT INTO changed VALUES (?1)", [event.entity_id()])?)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_each_instance_makes_for_itself_is_known_to_the_source_by_a_name_of_its_own() {
    let Some(backend) = Backend::postgres() else { return };
    let (theirs, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let source = Arc::new(Followed { inner: theirs, by: Mutex::default() });
    let instance = async |backend: &Backend, name: &str| {
        let mut host = backend.instance(name, &MemoryStore::new(), &folder.path().join(name));
        host.projection_over(source.clone(), StartFrom::Beginning, Local).unwrap();
        host.projection_over(source.clone(), StartFrom::Beginning, Balances::default()).unwrap();
        host.reaction_over(source.clone(), StartFrom::Beginning, Mirror::in_shares(2)).unwrap();
        start(host).await
    };
    let local = || {
        let by = source.by.lock().unwrap_or_else(PoisonError::into_inner).clone();
        by.into_iter().filter(|name| name.starts_with("local")).collect::<Vec<_>>()
    };
    let first = instance(&backend, "first").await;
    eventually("the first", async || local().len() == 1).await;
    let second = instance(&backend, "second").await;
    eventually("both", async || local().len() == 2).await;
    assert_ne!(local()[0], local()[1]);
    assert!(Group::of("bank", &local()[0]).is_ok_and(|group| group.as_str().starts_with("bank_local_")));
    first.stop().await.unwrap();
    let first = instance(&backend, "first").await;
    eventually("the third", async || local().len() == 3).await;
    assert_eq!(local()[2], local()[0], "it is the same one after a restart");
    // What is done by one of them at a time goes by its name alone, share by share.
    let by = || source.by.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for name in ["balances", "mirror~1-of-2", "mirror~2-of-2"] {
        eventually(name, async || by().iter().any(|by| by == name)).await;
    }
    first.stop().await.unwrap();
    second.stop().await.unwrap();

    let alone = instance(&Backend::Sqlite, "alone").await;
    eventually("the only one", async || local().last().is_some_and(|name| name == "local")).await;
    alone.stop().await.unwrap();
}

/// How many changes an instance's own read model tells of.
async fn told(model: &ReadModel) -> i64 {
    let count =
        |reader: &Reader<'_>| Ok(reader.first("SELECT count(*) FROM changed", [], |row| row.get(0))?.unwrap_or(0));
    model.query(&QueryContext::default(), count).await.unwrap().value
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn over_a_broker_each_instance_hears_all_for_itself_and_each_share_what_is_its_own() {
    let Some(backend) = Backend::postgres() else { return };
    if servers::is_left_out("nats") {
        return;
    }
    let (theirs, own, folder, nats) =
        (MemoryStore::new(), MemoryStore::new(), tempfile::tempdir().unwrap(), Nats::start());
    let (topic, clock, stop) = (Topic::new("bank").unwrap(), Arc::new(SystemClock), CancellationToken::new());
    let options = RelayOptions::new(topic.clone(), folder.path().join("relay.json"));
    let events = Arc::new(theirs.clone());
    let (relay, _) = Relay::new(events.clone(), broker(&nats.url()), options, RelayMetrics::default(), clock.clone());
    let relaying = tokio::spawn(relay.run(stop.clone()));

    let instance = async |name: &str| {
        let mut host = backend.instance(name, &own, &folder.path().join(name));
        let (metrics, options) = (host.brokered_metrics(), BrokeredOptions::default());
        let source =
            BrokeredSource::new(events.clone(), broker(&nats.url()), topic.clone(), "reader", options, metrics.clone());
        let source = Arc::new(source);
        let local = host.projection_over(source.clone(), StartFrom::Beginning, Local).unwrap();
        host.reaction_over(source, StartFrom::Beginning, Mirror::in_shares(4)).unwrap();
        (start(host).await, local, metrics)
    };
    let instances = [instance("first").await, instance("second").await];
    let text = |metrics: &BrokeredMetrics| {
        let mut registry = prometheus_client::registry::Registry::default();
        metrics.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).unwrap();
        text
    };
    let figure = |name: &str, group: &str, text: &str| {
        let line = |line: &&str| line.starts_with(name) && line.contains(group);
        let counts = text.lines().filter(line).filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok());
        counts.sum::<u64>()
    };
    // Two read models of their own, and four shares that are split among them.
    let connected =
        || instances.iter().map(|(.., metrics)| figure("brokered_connected{", "", &text(metrics))).sum::<u64>();
    eventually("the broker delivers", async || connected() == 6).await;
    let bank = Commands::new(events.clone(), clock, Upcasters::default(), CommandOptions::default());
    for amount in 1..=30 {
        for account in 0..8 {
            bank.handle(&format!("a{account}"), &Deposit(amount), &nobody()).await.unwrap();
        }
    }
    for (_, local, _) in &instances {
        eventually("all of it in each instance", async || told(local).await == 240).await;
    }
    let mirrored = || deposits(&own.everything(), true);
    eventually("each once in the shares", async || mirrored() == deposits(&theirs.everything(), false)).await;
    let (one, other) = (text(&instances[0].2), text(&instances[1].2));
    for text in [&one, &other] {
        assert!(figure("brokered_events_total", "reader_local_", text) > 0, "not all came from the feed: {text}");
    }
    let shares: u64 = [&one, &other].iter().map(|text| figure("brokered_events_total", "reader_mirror", text)).sum();
    assert!(shares > 0, "not all came from the feed: {one}\n{other}");

    for (running, ..) in instances {
        running.stop().await.unwrap();
    }
    stop.cancel();
    relaying.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_servers_views_tell_whose_connection_is_for_what() {
    let Some(backend) = Backend::postgres() else { return };
    let Backend::Postgres(url) = &backend else { return };
    let schema = url.rsplit_once('=').unwrap().1;
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = backend.host(&store, folder.path());
    let model = host.projection(Balances::default()).unwrap();
    host.reaction(Mirror::in_shares(1)).unwrap();
    let commands = host.commands();
    let running = start_ready(host).await;
    let done = commands.handle("1", &Deposit(1), &nobody()).await.unwrap();
    model.wait_for(done.position).await.unwrap();
    let _events = open(url).await;
    crate::projections::now(&model).await;
    for role in ["leases", "positions", "queries", "read models", "ledger mirror", "generations"] {
        let count =
            format!("SELECT count(*) FROM pg_stat_activity WHERE application_name = '{schema} {role} (tradewind)'");
        eventually(role, async || Postgres::shared().query(&count) != "0").await;
    }
    running.stop().await.unwrap();
}
