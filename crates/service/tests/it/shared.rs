//! Several instances of one service, whose read models are in a PostgreSQL that they share.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use tradewind_events::{Position, Query, Recorded};
use tradewind_service::sql::{Transaction, params};
use tradewind_service::{
    CommandOptions, FollowerState, LeaseStatus, Projection, ProjectionError, QueryContext, ReadModel, Reader,
};
use tradewind_testkit::memory_store::MemoryStore;
use tradewind_testkit::servers::Postgres;

use crate::account::{Balances, Deposit, Deposited, commands, eventually, nobody};
use crate::projections::{deposit, now, total};
use crate::web::{Backend, Running, start};

/// Instances of the bank that share everything but their folders.
struct Bank {
    backend: Backend,
    store: MemoryStore,
    folder: tempfile::TempDir,
}

impl Bank {
    /// None if PostgreSQL is to be left out.
    fn new() -> Option<Self> {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        Some(Self { backend: Backend::postgres()?, store, folder })
    }

    fn schema(&self) -> String {
        let Backend::Postgres(url) = &self.backend else { panic!("it is shared") };
        format!("{}_reads", url.rsplit_once('=').unwrap().1)
    }

    fn sql(&self, sql: &str) -> String {
        Postgres::shared().query(&sql.replace("{s}", &self.schema()))
    }

    async fn instance(&self, name: &str, projection: Balances) -> (Running, ReadModel) {
        let mut host = self.backend.instance(name, &self.store, &self.folder.path().join(name));
        let model = host.projection(projection).unwrap();
        (start(host).await, model)
    }

    async fn ready(&self, name: &str) -> (Running, ReadModel) {
        let (running, model) = self.instance(name, Balances::default()).await;
        eventually("readiness", async || running.handle.is_ready()).await;
        (running, model)
    }
}

fn lease(running: &Running) -> Option<LeaseStatus> {
    running.handle.followers().remove(0).lease
}

fn holds(running: &Running) -> bool {
    lease(running).is_some_and(|lease| lease.here)
}

fn at(position: u64) -> QueryContext {
    QueryContext { after: Some(Position(position)), as_of: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_instance_applies_and_all_answer_and_each_tells_who_does_it() {
    let Some(bank) = Bank::new() else { return };
    let (first, at_first) = bank.ready("first").await;
    let (second, at_second) = bank.ready("second").await;
    let commands = commands(&bank.store, CommandOptions::default());
    for round in 1..=20 {
        let done = commands.handle("1", &Deposit(5), &nobody()).await.unwrap();
        for model in [&at_first, &at_second] {
            let answer = model.query(&at(done.position.0), total).await.unwrap();
            assert_eq!((answer.value, answer.position), ((5 * round, round), done.position));
        }
    }
    assert!(holds(&first) && !holds(&second));
    eventually("two instances", async || lease(&second).is_some_and(|lease| lease.instances == 2)).await;
    let told = second.get("/admin/projections/balances").await.json();
    assert_eq!((told["state"].as_str(), told["lease"]["holder"].as_str()), (Some("standby"), Some("first")));
    assert_eq!(second.handle.followers()[0].handled, 0, "it applies nothing");
    assert!(
        second
            .get("/metrics")
            .await
            .text
            .contains("tradewind_follower_held{service=\"bank\",kind=\"projection\",name=\"balances\"} 0")
    );
    let refused = second.send("POST", "/admin/projections/balances/rebuild", &[], "").await;
    assert_eq!(refused.status.as_u16(), 503);
    assert!(refused.text.contains("another instance: first"), "{}", refused.text);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_others_go_on_within_seconds_when_the_holder_dies_and_at_once_when_it_goes_in_order() {
    let Some(bank) = Bank::new() else { return };
    let commands = commands(&bank.store, CommandOptions::default());
    let (mut holder, _) = bank.ready("0").await;
    for round in 1..=4_u64 {
        let (next, model) = bank.ready(&round.to_string()).await;
        assert!(holds(&holder) && !holds(&next));
        deposit(&commands, 250).await;
        let ended = Instant::now();
        let in_order = round % 2 == 0;
        if in_order {
            holder.stop().await.unwrap();
        } else {
            holder.kill();
        }
        deposit(&commands, 250).await;
        eventually("the handover", async || holds(&next)).await;
        eventually("the last event", async || model.position() == Position(round * 500)).await;
        let took = ended.elapsed();
        println!("handed over within {took:?}, in order: {in_order}");
        assert!(took < Duration::from_secs(if in_order { 3 } else { 15 }), "{took:?}");
        assert_eq!(now(&model).await, ((round * 500) as i64, (round * 500) as i64));
        assert_eq!(lease(&next).unwrap().epoch, round + 1);
        holder = next;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_lost_the_lease_without_knowing_commits_nothing_more() {
    let Some(bank) = Bank::new() else { return };
    let commands = commands(&bank.store, CommandOptions::default());
    let (first, model) = bank.ready("first").await;
    deposit(&commands, 100).await;
    model.query(&at(100), total).await.unwrap();
    // As if another one had taken it while this one slept.
    bank.sql(
        "UPDATE {s}.leases SET holder = 'another', label = 'another', epoch = epoch + 1,
              expires = now() + interval '3 seconds'",
    );
    bank.sql("UPDATE {s}.generations SET epoch = epoch + 1");
    deposit(&commands, 100).await;
    eventually("it knows", async || !holds(&first)).await;
    assert_eq!(bank.sql("SELECT position FROM {s}.generations"), "100");
    assert_eq!(now(&model).await, (100, 100));
    // The other one does not renew it.
    eventually("it has it again", async || holds(&first)).await;
    assert_eq!(model.query(&at(200), total).await.unwrap().value, (200, 200));
    assert_eq!(bank.sql("SELECT epoch FROM {s}.leases"), "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_leaves_no_instance_without_an_answer_and_none_goes_back() {
    let Some(bank) = Bank::new() else { return };
    let writer = commands(&bank.store, CommandOptions::default());
    deposit(&writer, 1_000).await;
    let (first, at_first) = bank.ready("first").await;
    let (_second, at_second) = bank.ready("second").await;
    let done = Arc::new(AtomicBool::new(false));
    let mut workers = tokio::task::JoinSet::new();
    for model in [at_first.clone(), at_second.clone()] {
        let done = done.clone();
        workers.spawn(async move {
            let (mut last, mut asked) = (0, 0_u64);
            while !done.load(Ordering::SeqCst) {
                let answer = model.query(&QueryContext::default(), total).await.unwrap();
                assert_eq!(answer.value.1 as u64, answer.position.0, "the answer is of the position that it tells");
                assert!(answer.position.0 >= last, "{} after {last}", answer.position);
                (last, asked) = (answer.position.0, asked + 1);
            }
            assert!(asked > 20, "{asked}");
        });
    }
    let written = done.clone();
    workers.spawn(async move {
        while !written.load(Ordering::SeqCst) {
            deposit(&writer, 10).await;
            // Slower than any database applies them twice: who never catches up never takes another's place.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    });
    for round in 2..=3 {
        let asked_for = first.send("POST", "/admin/projections/balances/rebuild", &[], "").await;
        assert_eq!(asked_for.status.as_u16(), 202);
        let answering = || bank.sql("SELECT max(id) FROM {s}.generations WHERE state = 'answering'");
        eventually("the new generation", async || answering() == round.to_string()).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    done.store(true, Ordering::SeqCst);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_instance_of_a_newer_version_builds_anew_while_the_older_one_answers() {
    let Some(bank) = Bank::new() else { return };
    let commands = commands(&bank.store, CommandOptions::default());
    deposit(&commands, 300).await;
    let (old, at_old) = bank.ready("old").await;
    let newer = Balances { version: 2, ..Balances::default() };
    let (new, at_new) = bank.instance("new", newer).await;
    eventually("it answers with what there is", async || at_new.position() == Position(300)).await;
    assert_eq!(now(&at_new).await, (300, 300));
    old.stop().await.unwrap();
    eventually("the new version", async || new.handle.followers()[0].version == 2).await;
    deposit(&commands, 50).await;
    assert_eq!(at_new.query(&at(350), total).await.unwrap().value, (350, 350));
    drop(at_old);
    let state = || new.handle.followers()[0].state;
    eventually("it is live", async || state() == FollowerState::Live).await;
}

/// Deposits, of which PostgreSQL takes none of thirteen cents.
struct Superstitious;

impl Projection for Superstitious {
    fn name(&self) -> &'static str {
        "superstitious"
    }

    fn version(&self) -> u32 {
        1
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE deposit (position INTEGER PRIMARY KEY, cents INTEGER NOT NULL)"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some("CREATE TABLE deposit (position bigint PRIMARY KEY, cents integer NOT NULL CHECK (cents <> 13))")
    }

    fn query(&self) -> Query {
        Query::category("account")
    }

    fn parks(&self) -> bool {
        false
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let deposited: Deposited = event.parse()?;
        let cents = params![event.position().0, deposited.cents];
        tx.prepare_cached("INSERT INTO deposit VALUES (?1, ?2)")?.execute(cents)?;
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_stops_at_its_own_event_though_statements_are_not_waited_for() {
    let Some(bank) = Bank::new() else { return };
    let commands = commands(&bank.store, CommandOptions::default());
    deposit(&commands, 50).await;
    commands.handle("1", &Deposit(13), &nobody()).await.unwrap();
    deposit(&commands, 700).await;
    // One that does not fit the column is noticed before it is sent.
    commands.handle("2", &Deposit(1 << 40), &nobody()).await.unwrap();
    let mut host = bank.backend.instance("first", &bank.store, bank.folder.path());
    let model = host.projection(Superstitious).unwrap();
    let running = start(host).await;
    for (position, why) in [(51, "check constraint"), (752, "out of range")] {
        let stopped = || running.handle.followers().remove(0).stopped.filter(|stopped| stopped.position.0 == position);
        eventually("the stop", async || stopped().is_some()).await;
        assert!(stopped().unwrap().error.contains(why), "{}", stopped().unwrap().error);
        let count = |reader: &Reader<'_>| reader.first("SELECT count(*) FROM deposit", [], |row| row.get::<_, i64>(0));
        let applied = model.query(&QueryContext::default(), count).await.unwrap();
        assert_eq!((applied.position.0, applied.value), (position - 1, Some(if position == 51 { 50 } else { 750 })));
        assert_eq!(running.send("POST", "/admin/projections/superstitious/skip", &[], "").await.status.as_u16(), 202);
    }
    model.wait_for(Position(752)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_has_no_way_to_write_and_a_failed_one_spoils_no_other() {
    let Some(bank) = Bank::new() else { return };
    let (_running, model) = bank.ready("first").await;
    for sql in ["INSERT INTO balance VALUES ('x', 1, 1) RETURNING cents", "SELECT nothing FROM nowhere"] {
        for _ in 0..20 {
            let now = QueryContext::default();
            let sneaky = model.query(&now, move |reader| reader.all(sql, [], |row| row.get::<_, i64>(0)));
            let refused = sneaky.await.unwrap_err();
            let expected = ["read-only transaction", "does not exist"];
            assert!(expected.iter().any(|word| refused.to_string().contains(word)), "{refused}");
        }
    }
    assert_eq!(now(&model).await, (0, 0));
}
