//! What the past is made of, and what that costs.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tradewind_events::{Position, Query, Recorded, Timestamp};
use tradewind_service::sql::{self, Transaction};
use tradewind_service::{
    About, AsOf, Host, NotYet, PastError, Projection, ProjectionError, QueryContext, QueryError, ReadModel, Reader, tag,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, Open, commands, nobody};
use crate::projections::{deposit, total};
use crate::web::{host_with, start_ready};

fn at(as_of: AsOf) -> QueryContext {
    QueryContext { after: None, as_of: Some(as_of) }
}

fn position(position: u64) -> AsOf {
    AsOf::Position(Position(position))
}

/// Numbers that look like chance and are the same each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn second(n: u64) -> Timestamp {
    Timestamp::from_micros(n as i64 * 1_000_000)
}

/// Counts what it is made of.
struct Counting {
    balances: Balances,
    applied: Arc<AtomicU64>,
}

impl Projection for Counting {
    fn name(&self) -> &'static str {
        self.balances.name()
    }

    fn version(&self) -> u32 {
        self.balances.version()
    }

    fn schema(&self) -> &'static str {
        self.balances.schema()
    }

    fn query(&self) -> Query {
        self.balances.query()
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        self.applied.fetch_add(1, Ordering::SeqCst);
        self.balances.apply(tx, event)
    }
}

fn counting(host: &mut Host) -> (ReadModel, Arc<AtomicU64>) {
    let applied = Arc::<AtomicU64>::default();
    let model = host.projection(Counting { balances: Balances::default(), applied: applied.clone() }).unwrap();
    (model, applied)
}

fn balance(account: &str) -> impl FnOnce(&Reader<'_>) -> sql::Result<Option<i64>> + Send + 'static {
    let account = account.to_owned();
    move |reader| reader.first("SELECT cents FROM balance WHERE account = ?1", [account], |row| row.get(0))
}

/// Deposits of different amounts to seven accounts, most of them one after the other, some of them long before.
async fn jumbled(store: &MemoryStore, deposits: u64, chance: &mut Chance) -> Vec<(Timestamp, u64, i64)> {
    let commands = commands(store, Default::default());
    let mut all = Vec::new();
    for n in 1..=deposits {
        let time = second(if chance.below(6) == 0 { chance.below(n) } else { n });
        let (account, cents) = (chance.below(7), chance.below(100) as i64 + 1);
        commands.handle(&account.to_string(), &Deposit(cents), &nobody().at(time)).await.unwrap();
        all.push((time, account, cents));
    }
    all
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_past_is_what_its_events_make_of_it_whatever_was_asked_before() {
    for kept_max in [1, 3, 16] {
        let (store, folder, mut chance) = (MemoryStore::new(), tempfile::tempdir().unwrap(), Chance(kept_max as u64));
        let events = jumbled(&store, 200, &mut chance).await;
        let mut host = host_with(&store, folder.path(), |options| options.past.kept_max = kept_max);
        let model = host.projection(Balances::default()).unwrap();
        let running = start_ready(host).await;
        for _ in 0..150 {
            let n = chance.below(200);
            let as_of = if chance.below(2) == 0 { position(n) } else { AsOf::Time(second(n)) };
            let is_in = |index: u64, time: Timestamp| match as_of {
                AsOf::Position(last) => index < last.0,
                AsOf::Time(last) => time <= last,
            };
            let past: Vec<_> =
                (0..).zip(&events).filter(|(index, event)| is_in(*index, event.0)).map(|(_, event)| event).collect();
            let expected = (past.iter().map(|event| event.2).sum::<i64>(), past.len() as i64);
            assert_eq!(model.query(&at(as_of), total).await.unwrap().value, expected, "as of {as_of}, {kept_max} kept");
            // Of one account, the same is known from its own events.
            let of_one: Vec<i64> = past.iter().filter(|event| event.1 == 3).map(|event| event.2).collect();
            let of_one = (!of_one.is_empty()).then(|| of_one.iter().sum());
            let about = About::stream("account", "3");
            let answer = model.query_about(&at(as_of), &about, balance("3")).await.unwrap();
            assert_eq!((answer.value, answer.as_of), (of_one, Some(as_of)));
            assert_eq!(model.query(&at(as_of), balance("3")).await.unwrap().value, of_one);
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn a_past_is_made_of_the_nearest_one_that_is_kept_and_of_what_is_missing() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    deposit(&commands(&store, Default::default()), 100).await;
    let mut host = host_with(&store, folder.path(), |_| {});
    let (model, applied) = counting(&mut host);
    let running = start_ready(host).await;
    let cost = async |as_of: u64| {
        let before = applied.load(Ordering::SeqCst);
        assert_eq!(model.query(&at(position(as_of)), total).await.unwrap().value, (as_of as i64, as_of as i64));
        applied.load(Ordering::SeqCst) - before
    };
    assert_eq!(cost(40).await, 40);
    assert_eq!(cost(40).await, 0);
    assert_eq!(cost(45).await, 5);
    assert_eq!(cost(90).await, 45);
    assert_eq!(cost(44).await, 4, "not from one that knows too much");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn as_of_a_time_too_as_long_as_what_was_recorded_later_happened_later() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, Default::default());
    for n in 1..=100 {
        commands.handle("1", &Deposit(1), &nobody().at(second(n))).await.unwrap();
    }
    let mut host = host_with(&store, folder.path(), |_| {});
    let (model, applied) = counting(&mut host);
    let running = start_ready(host).await;
    let cost = async |as_of: AsOf, expected: i64| {
        let before = applied.load(Ordering::SeqCst);
        assert_eq!(model.query(&at(as_of), total).await.unwrap().value.0, expected, "as of {as_of}");
        applied.load(Ordering::SeqCst) - before
    };
    assert_eq!(cost(AsOf::Time(second(60)), 60).await, 60);
    assert_eq!(cost(AsOf::Time(second(70)), 70).await, 10);
    assert_eq!(cost(position(72), 72).await, 2);
    // From then on there is one with a gap in it, and others are made without it.
    let late = commands.handle("1", &Deposit(1_000), &nobody().at(second(10))).await.unwrap();
    model.wait_for(late.position).await.unwrap();
    assert_eq!(cost(AsOf::Time(second(70)), 1_070).await, 1);
    assert_eq!(cost(position(75), 75).await, 3);
    assert_eq!(cost(AsOf::Time(second(9)), 9).await, 9);
    assert_eq!(cost(AsOf::Time(second(61)), 1_061).await, 2);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn moving_on_by_a_little_costs_a_little_though_some_is_told_ahead_of_its_time() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, Default::default());
    let time = |n: u64| second(if n.is_multiple_of(10) { n + 50 } else { n });
    for n in 1..=7_000 {
        commands.handle("1", &Deposit(1), &nobody().at(time(n))).await.unwrap();
    }
    let mut host = host_with(&store, folder.path(), |_| {});
    let (model, applied) = counting(&mut host);
    let running = start_ready(host).await;
    let cost = async |at_second: u64| {
        let before = applied.load(Ordering::SeqCst);
        let there = (1..=7_000).filter(|n| time(*n) <= second(at_second)).count() as i64;
        let asked = model.query(&at(AsOf::Time(second(at_second))), total).await;
        assert_eq!(asked.unwrap().value, (there, there));
        applied.load(Ordering::SeqCst) - before
    };
    assert_eq!(cost(6_000).await, 5_995, "five are told, and not yet there");
    assert_eq!(cost(6_007).await, 6_002 - 5_959, "all that the first has in common with it is taken over");
    assert_eq!(cost(5_900).await, 5_895, "nothing that knows less is kept");
    running.stop().await.unwrap();
}

#[tokio::test]
async fn the_past_of_one_thing_costs_its_own_events_and_needs_no_disk() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, Default::default());
    deposit(&commands, 700).await;
    for account in ["a", "b"] {
        commands.handle(account, &Open::by("ann"), &nobody()).await.unwrap();
        commands.handle(account, &Deposit(5), &nobody()).await.unwrap();
    }
    let mut host = host_with(&store, folder.path(), |_| {});
    let (model, applied) = counting(&mut host);
    let running = start_ready(host).await;
    let before = applied.load(Ordering::SeqCst);
    let about = About::stream("account", "3");
    assert_eq!(model.query_about(&at(position(350)), &about, balance("3")).await.unwrap().value, Some(50));
    assert_eq!(applied.load(Ordering::SeqCst) - before, 50);
    // All that belongs to somebody, whose name is on the first event of each only.
    let about = About::streams_tagged(tag("owner", "ann"));
    for (as_of, cents) in [(700, 0), (701, 0), (702, 5), (703, 5), (704, 10)] {
        assert_eq!(model.query_about(&at(position(as_of)), &about, total).await.unwrap().value.0, cents, "{as_of}");
    }
    let nothing = About::stream("account", "no stream has spaces");
    assert_eq!(model.query_about(&at(position(700)), &nothing, total).await.unwrap().value, (0, 0));
    let future = model.query_about(&at(position(705)), &about, total).await;
    assert!(matches!(future, Err(QueryError::Past(PastError::NotYet(NotYet::Position { .. })))));
    assert!(!folder.path().join("projections/balances/past").exists());
    running.stop().await.unwrap();
}

/// Bytes of all pasts on the disk.
fn bytes(folder: &Path) -> u64 {
    let files = std::fs::read_dir(folder.join("projections/balances/past")).unwrap();
    files.map(|file| file.unwrap().metadata().unwrap().len()).sum()
}

#[tokio::test]
async fn pasts_have_only_so_much_of_the_disk() {
    const BYTES_MAX: u64 = 300_000;
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    deposit(&commands(&store, Default::default()), 60).await;
    let mut host = host_with(&store, folder.path(), |options| options.past.bytes_max = BYTES_MAX);
    let model = host.projection(Balances::default()).unwrap();
    let running = start_ready(host).await;
    for n in 1..=60 {
        assert_eq!(model.query(&at(position(n)), total).await.unwrap().value.1, n as i64);
        assert!(bytes(folder.path()) <= BYTES_MAX + 200_000, "{} as of {n}", bytes(folder.path()));
    }
    running.stop().await.unwrap();

    let mut host = host_with(&store, folder.path(), |options| options.past.bytes_max = 10_000);
    let model = host.projection(Balances::default()).unwrap();
    let running = start_ready(host).await;
    let refused = model.query(&at(position(60)), total).await.unwrap_err();
    assert!(matches!(refused, QueryError::Past(PastError::TooLarge(10_000))), "{refused}");
    assert_eq!(bytes(folder.path()), 0, "nothing of it stays");
    running.stop().await.unwrap();
}
