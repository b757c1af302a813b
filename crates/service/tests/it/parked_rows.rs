//! What a projection cannot apply: it parks one key with all that follows on it, everything else is applied, and nothing
//! of a failing event's effect stays.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};
use tradewind_events::{EventType, Position, Query, Recorded};
use tradewind_service::sql::{OptionalExtension, Transaction, params};
use tradewind_service::{
    AsOf, CountedAside, FollowerState, FollowerStatus, Host, ParkingOptions, Projection, ProjectionError, QueryContext,
    ReadModel, Reader, Selection,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Deposit, Deposited, commands, eventually, nobody};
use crate::web::{Backend, Running, host_with, on_both, start, start_ready};

const NAME: &str = "journal";

/// The sum of each account, and how far it has come in it. It sees an event that is lost, that comes twice, or too early.
#[derive(Clone)]
struct Journal {
    version: u32,
    /// Whether deposits whose cents end in 3 can be applied.
    mended: Arc<AtomicBool>,
    parks: bool,
}

impl Default for Journal {
    fn default() -> Self {
        Self { version: 1, mended: Arc::default(), parks: true }
    }
}

impl Projection for Journal {
    fn name(&self) -> &'static str {
        NAME
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn schema(&self) -> &'static str {
        "CREATE TABLE journal (account TEXT PRIMARY KEY, revision INTEGER NOT NULL, cents INTEGER NOT NULL)"
    }

    fn postgres_schema(&self) -> Option<&'static str> {
        Some("CREATE TABLE journal (account text PRIMARY KEY, revision bigint NOT NULL, cents bigint NOT NULL)")
    }

    fn query(&self) -> Query {
        Query::types([EventType::new("Deposited").unwrap()])
    }

    fn parks(&self) -> bool {
        self.parks
    }

    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let Deposited { cents } = event.parse()?;
        let (account, revision) = (event.entity_id(), event.revision().0 as i64);
        let last = tx.query_row("SELECT revision FROM journal WHERE account = ?1", [account], |row| row.get(0));
        let last: i64 = last.optional()?.unwrap_or(-1);
        if last + 1 != revision {
            return Err(ProjectionError::Other(format!("{revision} after {last}")));
        }
        tx.execute(
            "INSERT INTO journal VALUES (?1, ?2, ?3) ON CONFLICT (account)
             DO UPDATE SET revision = excluded.revision, cents = journal.cents + excluded.cents",
            params![account, revision, cents],
        )?;
        match cents % 10 {
            3 if !self.mended.load(Ordering::SeqCst) => Err(ProjectionError::Other("three".to_owned())),
            4 if !self.mended.load(Ordering::SeqCst) => panic!("four"),
            _ => Ok(()),
        }
    }
}

type Rows = BTreeMap<String, (i64, i64)>;

fn rows(reader: &Reader<'_>) -> tradewind_service::sql::Result<Rows> {
    let all = reader
        .all("SELECT account, revision, cents FROM journal", [], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?;
    Ok(all.into_iter().collect())
}

async fn now(model: &ReadModel) -> Rows {
    model.query(&QueryContext::default(), rows).await.unwrap().value
}

/// What the read model says if nothing failed.
fn all_of(store: &MemoryStore) -> Rows {
    let mut all = Rows::new();
    for event in store.everything().iter().filter(|event| event.event_type() == "Deposited") {
        let cents = event.parse::<Deposited>().unwrap().cents;
        let row = all.entry(event.entity_id().to_owned()).or_insert((-1, 0));
        *row = (row.0 + 1, row.1 + cents);
    }
    all
}

async fn deposit(store: &MemoryStore, id: &str, cents: i64) -> Position {
    commands(store, Default::default()).handle(id, &Deposit(cents), &nobody()).await.unwrap().position
}

fn status(running: &Running) -> FollowerStatus {
    running.handle.followers().remove(0)
}

fn aside(running: &Running) -> CountedAside {
    status(running).aside
}

fn built(mut host: Host, journal: &Journal) -> (Host, ReadModel) {
    let model = host.projection(journal.clone()).unwrap();
    (host, model)
}

fn one(account: &str, row: (i64, i64)) -> Rows {
    Rows::from([(account.to_owned(), row)])
}

on_both! {
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    a_poison_event_parks_its_own_key_and_leaves_no_half_effect_and_all_others_are_applied(backend) {
        let (store, folder, journal) = (MemoryStore::new(), tempfile::tempdir().unwrap(), Journal::default());
        let (host, model) = built(backend.host(&store, folder.path()), &journal);
        let running = start_ready(host).await;
        for (id, cents) in [("a", 1), ("a", 13), ("a", 2), ("b", 1), ("a", 5)] {
            deposit(&store, id, cents).await;
        }
        let last = deposit(&store, "b", 5).await;
        model.wait_for(last).await.unwrap();
        eventually("what is behind it", async || aside(&running).parked.events == 3).await;
        let lacking = Rows::from([("a".to_owned(), (0, 1)), ("b".to_owned(), (1, 6))]);
        assert_eq!(now(&model).await, lacking);
        assert_eq!((status(&running).state, aside(&running).parked.keys), (FollowerState::Live, 1));
        assert_eq!(model.aside().parked.events, 3, "who answers can tell");
        let ready = running.get("/health/ready").await;
        assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &"degraded".into()));
        let metrics = running.get("/metrics").await.text;
        let line = "tradewind_follower_events_aside{service=\"bank\",kind=\"projection\",name=\"journal\",state=\"parked\"} 3";
        assert!(metrics.contains(line), "{metrics}");
        let listed = running.get("/admin/deadletters").await.json();
        let item = &listed["items"][0];
        assert_eq!((&item["follower"], &item["key"], &item["failure"], &item["error"], &item["position"]),
            (&NAME.into(), &"account-a".into(), &"poison".into(), &"three".into(), &2.into()));
        // A past is whole or none.
        let past = QueryContext { after: None, as_of: Some(AsOf::Position(last)) };
        assert!(model.query(&past, rows).await.is_err());

        // Redriven as it is, it is parked again, and what comes later stays behind it.
        let wish = json!({"follower": NAME, "key": "account-a"}).to_string();
        let redriven = running.send("POST", "/admin/deadletters/redrive", &[("tradewind-actor", "ann")], &wish).await;
        assert_eq!(redriven.json()["events"], 3, "{}", redriven.text);
        deposit(&store, "a", 6).await;
        eventually("parked again", async || aside(&running).parked.events == 4).await;
        assert_eq!(now(&model).await, lacking);

        let path = format!("/admin/deadletters/{NAME}/account-a/2");
        assert_eq!(running.send("PUT", &path, &[], r#"{"cents":12}"#).await.status.as_u16(), 204);
        running.send("POST", "/admin/deadletters/redrive", &[], r#"{"all":true}"#).await;
        eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
        let whole = Rows::from([("a".to_owned(), (4, 26)), ("b".to_owned(), (1, 6))]);
        assert_eq!(now(&model).await, whole);
        deposit(&store, "a", 7).await;
        let past = model.query(&past, rows).await.unwrap().value;
        assert_eq!(past, Rows::from([("a".to_owned(), (3, 20)), ("b".to_owned(), (1, 6))]), "the past says so, too");

        // The fix holds when all is built anew, which begins with nothing parked.
        running.handle.control(NAME).unwrap().rebuild().await.unwrap();
        eventually("the rebuild", async || status(&running).rebuilding.is_none()).await;
        eventually("all of it", async || now(&model).await["a"] == (5, 33)).await;
        assert_eq!(aside(&running), CountedAside::default());
        running.stop().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    what_is_parked_outlives_a_restart_and_is_tried_again_by_the_next_program(backend) {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        for (id, cents) in [("a", 13), ("a", 1), ("b", 14), ("c", 1)] {
            deposit(&store, id, cents).await;
        }
        for round in 0..3 {
            let journal = Journal::default();
            let (host, model) = built(backend.host(&store, folder.path()), &journal);
            let running = start_ready(host).await;
            eventually("the tries", async || aside(&running).parked.events == 3).await;
            assert_eq!(now(&model).await, one("c", (0, 1)), "round {round}");
            let listed = running.get("/admin/deadletters").await.json();
            let failures: Vec<&Value> = listed["items"].as_array().unwrap().iter().map(|one| &one["failure"]).collect();
            assert_eq!(failures, ["poison", "panic"]);
            assert_eq!(listed["items"][0]["attempts"], round + 1, "{listed}");
            running.stop().await.unwrap();
        }
        let journal = Journal { mended: Arc::new(AtomicBool::new(true)), ..Journal::default() };
        let (host, model) = built(backend.host(&store, folder.path()), &journal);
        let running = start_ready(host).await;
        eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
        assert_eq!(now(&model).await, all_of(&store));
        running.stop().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    what_is_dropped_is_left_out_also_after_a_rebuild_and_what_is_parked_is_parked_again(backend) {
        let (store, folder, journal) = (MemoryStore::new(), tempfile::tempdir().unwrap(), Journal::default());
        let (host, model) = built(backend.host(&store, folder.path()), &journal);
        let running = start_ready(host).await;
        for (id, cents) in [("a", 13), ("b", 13), ("b", 1), ("c", 1)] {
            deposit(&store, id, cents).await;
        }
        eventually("both", async || aside(&running).parked.events == 3).await;
        let letters = running.handle.dead_letters(NAME).unwrap();
        letters.drop_parked(&Selection::Key("account-a".to_owned()), false, false, None).await.unwrap();
        eventually("one", async || aside(&running).parked.keys == 1).await;
        running.handle.control(NAME).unwrap().rebuild().await.unwrap();
        let finished = async || running.get("/metrics").await.text.contains("rebuilds_total{service=\"bank\",kind=\"projection\",name=\"journal\"} 1");
        eventually("the rebuild", finished).await;
        eventually("one, again", async || aside(&running).parked.events == 2).await;
        assert_eq!(now(&model).await, one("c", (0, 1)));
        journal.mended.store(true, Ordering::SeqCst);
        let letters = running.handle.dead_letters(NAME).unwrap();
        let told = letters.redrive(&Selection::Failure("poison".to_owned()), true, None).await.unwrap();
        assert_eq!((told.keys, told.events), (1, 2));
        letters.redrive(&Selection::Failure("poison".to_owned()), false, None).await.unwrap();
        eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
        assert_eq!(now(&model).await["b"], (1, 14));
        running.stop().await.unwrap();
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    however_many_events_fail_all_others_are_applied_and_those_in_order_when_it_is_mended(backend) {
        let (store, folder, journal) = (MemoryStore::new(), tempfile::tempdir().unwrap(), Journal::default());
        let commands = commands(&store, Default::default());
        for n in 0..1_200_i64 {
            // Of 150 accounts 30 have events that fail; some have several.
            commands.handle(&(n % 150).to_string(), &Deposit(n * 7 % 50), &nobody()).await.unwrap();
        }
        let (host, model) = built(backend.host(&store, folder.path()), &journal);
        let running = start_ready(host).await;
        eventually("the head", async || model.position() == Position(1_200)).await;
        eventually("rest", async || aside(&running).waiting.keys == 0).await;
        let (parked, all) = (aside(&running).parked, all_of(&store));
        let applied = now(&model).await;
        let rests = store.everything().iter().filter(|event| applied.get(event.entity_id())
            .is_none_or(|(last, _)| (event.revision().0 as i64) > *last)).count();
        assert_eq!(rests as u64, parked.events);
        assert_eq!(applied.iter().filter(|(id, row)| all[*id] == **row).count() as u64, 150 - parked.keys);
        assert!(parked.keys >= 30, "{parked:?}");
        journal.mended.store(true, Ordering::SeqCst);
        running.send("POST", "/admin/deadletters/redrive", &[], r#"{"all":true}"#).await;
        eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
        assert_eq!(now(&model).await, all);
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_it_is_killed_each_event_takes_effect_once_and_in_order() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    for round in 0..6_i64 {
        let journal = Journal { mended: Arc::new(AtomicBool::new(round == 5)), ..Journal::default() };
        let (host, model) = built(Backend::Sqlite.host(&store, folder.path()), &journal);
        let running = start(host).await;
        for n in 0..120 {
            deposit(&store, &format!("k{}", n % 17), (n * 7 + round) % 50).await;
        }
        if round < 5 {
            tokio::time::sleep(std::time::Duration::from_millis(13 * round as u64)).await;
            running.kill();
            tokio::time::sleep(std::time::Duration::from_millis(150)).await;
            continue;
        }
        eventually("the head", async || model.position() == Position(720)).await;
        eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
        assert_eq!(now(&model).await, all_of(&store));
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn what_has_too_much_aside_stops_and_goes_on_when_there_is_room() {
    let (store, folder, journal) = (MemoryStore::new(), tempfile::tempdir().unwrap(), Journal::default());
    let few = ParkingOptions { keys_max: 3, ..ParkingOptions::default() };
    let (host, model) = built(host_with(&store, folder.path(), |options| options.parking = few), &journal);
    let running = start_ready(host).await;
    for id in ["a", "b", "x", "c", "d", "y"] {
        deposit(&store, id, if id < "x" { 13 } else { 1 }).await;
    }
    eventually("the stop", async || status(&running).state == FollowerState::Stopped).await;
    let stopped = status(&running).stopped.unwrap();
    assert_eq!((stopped.position, stopped.code.to_string().as_str()), (Position(5), "TW-2021"));
    assert_eq!(now(&model).await, one("x", (0, 1)));
    journal.mended.store(true, Ordering::SeqCst);
    let letters = running.handle.dead_letters(NAME).unwrap();
    letters.redrive(&Selection::All, false, None).await.unwrap();
    eventually("all", async || now(&model).await == all_of(&store)).await;
    assert_eq!(status(&running).state, FollowerState::Live);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn one_that_stops_where_it_parked_before_keeps_what_is_parked_and_stops_at_the_next() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    for parks in [true, false] {
        let journal = Journal { parks, ..Journal::default() };
        let (host, model) = built(Backend::Sqlite.host(&store, folder.path()), &journal);
        let running = start_ready(host).await;
        let (id, other) = if parks { ("a", "c") } else { ("b", "d") };
        for (id, cents) in [(id, 13), ("a", 1), (other, 1)] {
            deposit(&store, id, cents).await;
        }
        if parks {
            eventually("the parked key", async || aside(&running).parked.events == 2).await;
        } else {
            eventually("the stop", async || status(&running).stopped.is_some()).await;
            assert_eq!(status(&running).stopped.unwrap().position, Position(4));
            assert_eq!(aside(&running).parked.events, 2);
        }
        assert_eq!(now(&model).await, one("c", (0, 1)));
        running.stop().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_instance_that_takes_over_has_what_is_parked() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder, journal) = (MemoryStore::new(), tempfile::tempdir().unwrap(), Journal::default());
    let instance = async |name: &str| {
        let (host, model) = built(backend.instance(name, &store, &folder.path().join(name)), &journal);
        (start_ready(host).await, model)
    };
    let (first, _) = instance("first").await;
    for (id, cents) in [("a", 13), ("a", 1), ("b", 1)] {
        deposit(&store, id, cents).await;
    }
    eventually("the parked key", async || aside(&first).parked.events == 2).await;
    let (second, model) = instance("second").await;
    let elsewhere = second.get("/admin/deadletters?follower=journal").await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.text.contains("first")), (503, true), "{}", elsewhere.text);
    first.kill();
    deposit(&store, "a", 2).await;
    eventually("the handover", async || aside(&second).parked.events == 3).await;
    journal.mended.store(true, Ordering::SeqCst);
    second.send("POST", "/admin/deadletters/redrive", &[], r#"{"all":true}"#).await;
    eventually("nothing aside", async || aside(&second) == CountedAside::default()).await;
    assert_eq!(now(&model).await, all_of(&store));
    second.stop().await.unwrap();
}
