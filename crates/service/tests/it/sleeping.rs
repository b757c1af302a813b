//! Instances as processes of their own, over a store in PostgreSQL: killed, and put to sleep until others have taken over.

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tradewind_events::{EventStore, Position, Recorded, SystemClock};
use tradewind_service::{
    CommandOptions, Commands, Host, HostOptions, LeaseOptions, QueryContext, SharedDatabase, Upcasters,
};
use tradewind_store::OpenOptions;
use tradewind_testkit::servers::{self, Postgres, Process};

use crate::account::{Balances, Deposit, eventually, nobody};
use crate::projections::total;
use crate::shares::{Mirror, deposits};

pub(crate) const URL: &str = "TRADEWIND_TEST_INSTANCE_URL";
pub(crate) const NAME: &str = "TRADEWIND_TEST_INSTANCE_NAME";
const EVENTS_MAX: usize = 100_000;

pub(crate) async fn open(url: &str) -> Arc<dyn EventStore> {
    tradewind_store::open(url, OpenOptions::default()).await.unwrap()
}

pub(crate) fn host(url: &str, name: &str, store: Arc<dyn EventStore>, folder: &std::path::Path) -> Host {
    let mut options = HostOptions::new("bank", "127.0.0.1:0".parse().unwrap(), folder);
    options.shared = Some(SharedDatabase::new(url, name, LeaseOptions::default()).unwrap());
    options.query_wait_max = Duration::from_secs(10);
    Host::new(options, store, Arc::new(SystemClock))
}

/// Not a test: what [`Instance`] runs as a process. Left alone it does nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn instance_process() {
    let (Ok(url), Ok(name)) = (std::env::var(URL), std::env::var(NAME)) else { return };
    let folder = tempfile::tempdir().unwrap();
    let _ = tradewind_service::init_logging(tradewind_service::LogFormat::Pretty, "info");
    let mut host = host(&url, &name, open(&url).await, folder.path());
    host.projection(Balances::default()).unwrap();
    host.reaction(Mirror::in_shares(4)).unwrap();
    let (service, _handle) = host.bind().await.unwrap();
    service.run(std::future::pending()).await.unwrap();
}

/// An instance as a process.
pub(crate) struct Instance {
    pub(crate) process: Process,
    pub(crate) name: String,
}

impl Instance {
    fn start(url: &str, name: &str, folder: &std::path::Path) -> Self {
        Self::running("sleeping::instance_process", url, name, folder, |_| {})
    }

    /// One that runs what stands in the place of that test.
    pub(crate) fn running(
        test: &str,
        url: &str,
        name: &str,
        folder: &std::path::Path,
        change: impl FnOnce(&mut Command),
    ) -> Self {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", test, "--nocapture"]).env(URL, url).env(NAME, name);
        change(&mut command);
        let process = Process::start(command, &folder.join(format!("{name}.log")), libc::SIGKILL).unwrap();
        Self { process, name: name.to_owned() }
    }
}

/// What the database says of the leases.
pub(crate) struct Leases {
    pub(crate) schema: String,
}

impl Leases {
    pub(crate) fn ask(&self, sql: &str) -> String {
        Postgres::shared().query(&sql.replace("{s}", &self.schema))
    }

    pub(crate) fn holder(&self, lease: &str) -> String {
        self.ask(&format!("SELECT label FROM {{s}}.leases WHERE name = '{lease}' AND expires > clock_timestamp()"))
    }
}

async fn everything(store: &dyn EventStore) -> Vec<Recorded> {
    let (mut all, mut after) = (Vec::new(), Position::START);
    loop {
        let page = store.read(after, &tradewind_events::Query::all(), EVENTS_MAX).await.unwrap();
        all.extend(page.events);
        if page.through >= page.head {
            return all;
        }
        after = page.through;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_killed_or_sleeps_is_replaced_and_who_wakes_too_late_changes_nothing() {
    if servers::is_left_out("postgres") || std::env::var(URL).is_ok() {
        return;
    }
    let (url, folder) = (Postgres::shared().fresh_url(), tempfile::tempdir().unwrap());
    let store = open(&url).await;
    let leases = Leases { schema: format!("{}_reads", url.rsplit_once('=').unwrap().1) };
    let commands = Commands::new(store.clone(), Arc::new(SystemClock), Upcasters::default(), CommandOptions::default());
    let mut instances: Vec<Instance> =
        ["a", "b"].iter().map(|name| Instance::start(&url, name, folder.path())).collect();
    let lease = "projection balances";
    let schema_is_there = || {
        leases.ask(&format!(
            "SELECT count(*) FROM pg_tables WHERE schemaname = '{}' AND tablename = 'leases'",
            leases.schema
        )) == "1"
    };
    eventually("the tables", async || schema_is_there()).await;
    eventually("a holder", async || !leases.holder(lease).is_empty()).await;

    // Load without a pause, of rising amounts.
    let writing = tokio::spawn(async move {
        let mut written = 0_u64;
        let started = Instant::now();
        for cents in 0.. {
            for account in 0..8 {
                commands.handle(&format!("a{account}"), &Deposit(cents), &nobody()).await.unwrap();
                written += 1;
            }
            if started.elapsed() > Duration::from_secs(24) {
                break;
            }
        }
        written
    });
    tokio::time::sleep(Duration::from_secs(3)).await;
    for round in 0..2 {
        let holder = leases.holder(lease);
        let index = instances.iter().position(|instance| instance.name == holder).unwrap();
        let sleeps = round == 0;
        instances[index].process.signal(if sleeps { libc::SIGSTOP } else { libc::SIGKILL });
        let ended = Instant::now();
        let taken_over = || {
            let now = leases.holder(lease);
            !now.is_empty() && now != holder
        };
        while !taken_over() {
            let printed = || instances.iter().map(|one| one.process.printed()).collect::<Vec<_>>().join("\n");
            assert!(ended.elapsed() < Duration::from_secs(15), "nobody took over: {}", printed());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        println!("{} of the holder: handed over within {:?}", if sleeps { "sleep" } else { "death" }, ended.elapsed());
        if sleeps {
            tokio::time::sleep(Duration::from_secs(3)).await;
            instances[index].process.signal(libc::SIGCONT);
        } else {
            instances.remove(index);
            instances.push(Instance::start(&url, "c", folder.path()));
        }
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let written = writing.await.unwrap();

    // All is done, once, and in order; the read model has all of it.
    let started = Instant::now();
    let (sources, mirrors) = loop {
        let events = everything(&*store).await;
        let (sources, mirrors) = (deposits(&events, false), deposits(&events, true));
        if sources == mirrors || started.elapsed() > Duration::from_secs(30) {
            break (sources, mirrors);
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    };
    assert_eq!(sources, mirrors);
    assert_eq!(sources.values().map(Vec::len).sum::<usize>() as u64, written);
    let mut reader = host(&url, "reader", store.clone(), &folder.path().join("reader"));
    let model = reader.projection(Balances::default()).unwrap();
    let running = crate::web::start(reader).await;
    let head = store.head().await.unwrap();
    let at_head = QueryContext { after: Some(head), as_of: None };
    let answer = loop {
        match model.query(&at_head, total).await {
            Ok(answer) => break answer,
            Err(error) => assert!(started.elapsed() < Duration::from_secs(40), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    let sum: i64 = sources.values().flatten().sum();
    assert_eq!(answer.value, (2 * sum, 2 * written as i64), "each event has taken effect once");
    println!("{written} events, {written} effects, epochs {}", leases.ask("SELECT max(epoch) FROM {s}.leases"));
    running.stop().await.unwrap();
}
