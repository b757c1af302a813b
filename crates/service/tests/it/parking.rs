//! What a reaction cannot handle: it sets aside one key with all that follows on it, and everything else goes on.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_core::future::BoxFuture;
use serde_json::{Value, json};
use tradewind_events::{EventType, Query, Recorded};
use tradewind_service::{
    CountedAside, FollowerState, FollowerStatus, Host, Issuer, ParkingOptions, Reaction, ReactionError, Selection,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Deposit, Deposited, commands, eventually, nobody};
use crate::web::{Running, host_at, host_with, start_ready};

mod by_chance;

pub(crate) const NAME: &str = "copy-deposits";

type Rule = Box<dyn FnMut(&Recorded, i64) -> Option<ReactionError> + Send>;

/// Deposits into `copy-X` what is deposited into `X`, unless the rule has something against it. What it has done is in
/// the store: an order that is not kept, or an event that is lost or done twice, shows there.
#[derive(Clone)]
pub(crate) struct Copying {
    rule: Arc<Mutex<Rule>>,
    later_events_wait: bool,
}

impl Copying {
    pub(crate) fn unless(rule: impl FnMut(&Recorded, i64) -> Option<ReactionError> + Send + 'static) -> Self {
        Self { rule: Arc::new(Mutex::new(Box::new(rule))), later_events_wait: true }
    }

    pub(crate) fn overtaking(self) -> Self {
        Self { later_events_wait: false, ..self }
    }

    /// From now on it is another rule.
    fn now_unless(&self, rule: impl FnMut(&Recorded, i64) -> Option<ReactionError> + Send + 'static) {
        *self.rule.lock().unwrap_or_else(PoisonError::into_inner) = Box::new(rule);
    }
}

impl Reaction for Copying {
    fn name(&self) -> &'static str {
        NAME
    }

    fn query(&self) -> Query {
        Query::types([EventType::new("Deposited").unwrap()])
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            if event.entity_id().starts_with("copy-") {
                return Ok(());
            }
            let Deposited { cents } = event.parse()?;
            // A rule may fall, which says nothing about the next event.
            let refused = (self.rule.lock().unwrap_or_else(PoisonError::into_inner))(event, cents);
            match refused {
                Some(error) => Err(error),
                None => issuer.issue(&format!("copy-{}", event.entity_id()), &Deposit(cents)).await.map(drop),
            }
        })
    }

    fn later_events_wait(&self) -> bool {
        self.later_events_wait
    }
}

pub(crate) fn poison(why: &str) -> Option<ReactionError> {
    Some(ReactionError::Poison(why.to_owned()))
}

fn transient() -> Option<ReactionError> {
    Some(ReactionError::Transient("not just now".to_owned()))
}

/// Pauses that a test can wait for.
fn quick() -> ParkingOptions {
    ParkingOptions {
        attempts_max: 5,
        pause_first: Duration::from_millis(2),
        pause_most: Duration::from_millis(20),
        probe_pause_most: Duration::from_millis(100),
        ..ParkingOptions::default()
    }
}

fn with(store: &MemoryStore, folder: &Path, copying: &Copying, parking: ParkingOptions) -> Host {
    let mut host = host_with(store, folder, |options| options.parking = parking);
    host.reaction(copying.clone()).unwrap();
    host
}

fn status(running: &Running) -> FollowerStatus {
    running.handle.followers().remove(0)
}

fn aside(running: &Running) -> CountedAside {
    status(running).aside
}

/// What was deposited into one account, in order.
pub(crate) fn deposits(store: &MemoryStore, id: &str) -> Vec<i64> {
    let all = store.everything();
    let of = all.iter().filter(|event| event.entity_id() == id && event.event_type() == "Deposited");
    of.map(|event| event.parse::<Deposited>().unwrap().cents).collect()
}

async fn deposit(store: &MemoryStore, id: &str, cents: i64) {
    commands(store, Default::default()).handle(id, &Deposit(cents), &nobody()).await.unwrap();
}

async fn listed(running: &Running) -> Vec<Value> {
    running.get("/admin/deadletters").await.json()["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn a_poison_event_parks_its_own_key_and_all_others_go_on() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|_, cents| if cents == 13 { poison("thirteen") } else { None });
    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    for (id, cents) in [("a", 1), ("a", 13), ("a", 2), ("b", 3), ("a", 4), ("b", 5)] {
        deposit(&store, id, cents).await;
    }
    eventually("the others", async || deposits(&store, "copy-b") == [3, 5] && aside(&running).parked.events == 3).await;
    assert_eq!(deposits(&store, "copy-a"), [1]);
    assert_eq!((status(&running).state, aside(&running).parked.keys), (FollowerState::Live, 1));
    assert_eq!(status(&running).lag_events, 0, "the checkpoint moves on");

    let item = listed(&running).await.remove(0);
    assert_eq!(
        (&item["key"], &item["failure"], &item["error"]),
        (&"account-a".into(), &"poison".into(), &"thirteen".into())
    );
    assert_eq!((&item["attempts"], &item["events"], &item["position"]), (&1.into(), &3.into(), &2.into()));
    assert!(item["first_failed"].is_string() && item["first_failed"] == item["last_failed"], "{item}");
    let ready = running.get("/health/ready").await;
    assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &"degraded".into()));

    // What is redriven as it is, is parked again, and what comes later stays behind it.
    let wish = json!({"follower": NAME, "key": "account-a"}).to_string();
    let redriven = running.send("POST", "/admin/deadletters/redrive", &[("tradewind-actor", "ann")], &wish).await;
    assert_eq!(redriven.json()["events"], 3);
    deposit(&store, "a", 6).await;
    eventually("parked again", async || aside(&running).parked.events == 4).await;
    assert_eq!(deposits(&store, "copy-a"), [1]);

    let path = format!("/admin/deadletters/{NAME}/account-a/2");
    let fixed = running.send("PUT", &path, &[("tradewind-actor", "ann")], r#"{"cents":12}"#);
    assert_eq!(fixed.await.status.as_u16(), 204);
    let shown = running.get(&format!("/admin/deadletters/{NAME}/account-a")).await.json();
    assert_eq!((&shown["queue"][0]["data"]["cents"], &shown["queue"][0]["fixed"]["cents"]), (&13.into(), &12.into()));
    assert_eq!(shown["queue"].as_array().unwrap().len(), 4);
    running.send("POST", "/admin/deadletters/redrive", &[], r#"{"all":true}"#).await;
    eventually("all of it, in order", async || deposits(&store, "copy-a") == [1, 12, 2, 4, 6]).await;
    eventually("nothing aside", async || aside(&running) == CountedAside::default()).await;
    deposit(&store, "a", 7).await;
    eventually("what comes later", async || deposits(&store, "copy-a") == [1, 12, 2, 4, 6, 7]).await;

    let decided: Vec<_> = store.everything().into_iter().filter(|event| event.category() == "projection").collect();
    let types: Vec<_> = decided.iter().map(Recorded::event_type).collect();
    assert_eq!(types, ["ParkedKeysRedriven", "ParkedEventFixed", "ParkedKeysRedriven"]);
    assert_eq!(decided[1].metadata().unwrap().actor.as_deref(), Some("ann"));
    running.stop().await.unwrap();

    // The fix outlives the ledger.
    std::fs::remove_dir_all(folder.path().join("reactions")).unwrap();
    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    assert_eq!(aside(&running), CountedAside::default());
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_fails_too_often_while_others_succeed_is_parked_as_exhausted() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|event, _| if event.entity_id() == "bad" { transient() } else { None });
    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    deposit(&store, "bad", 1).await;
    // Alone it tells nothing about its event, and is tried again for ever.
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!((aside(&running).parked.keys, aside(&running).waiting.keys), (0, 1));
    let letters = running.handle.dead_letters(NAME).unwrap();
    let waiting = letters.list(Some("waiting"), None, None, 10).await.unwrap().items.remove(0);
    assert_eq!((waiting.attempts, &*waiting.failure), (1, "transient"));
    for n in 0..1_000 {
        if aside(&running).parked.keys == 1 {
            break;
        }
        deposit(&store, "good", n).await;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let parked = letters.list(None, Some("exhausted"), None, 10).await.unwrap().items.remove(0);
    assert_eq!((parked.attempts, parked.state), (5, "parked"));
    assert!(parked.first_failed < parked.last_failed);
    running.stop().await.unwrap();
}

#[tokio::test]
async fn attempts_outlive_a_restart() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|event, _| if event.entity_id() == "bad" { transient() } else { None });
    deposit(&store, "bad", 1).await;
    let mut attempts = 0;
    for _ in 0..3 {
        let parking = ParkingOptions { attempts_max: u32::MAX, ..quick() };
        let running = start_ready(with(&store, folder.path(), &copying, parking)).await;
        let letters = running.handle.dead_letters(NAME).unwrap();
        let known = async || letters.list(Some("waiting"), None, None, 1).await.unwrap().items[0].attempts;
        eventually("the first attempt", async || aside(&running).waiting.keys == 1).await;
        assert!(known().await >= attempts, "none is forgotten");
        let wanted = known().await.max(attempts) + 1;
        eventually("one more", async || {
            deposit(&store, "good", 1).await;
            known().await >= wanted
        })
        .await;
        attempts = known().await;
        running.stop().await.unwrap();
    }
    assert!(attempts > 3, "{attempts}");
}

#[tokio::test]
async fn when_nothing_works_it_pauses_and_counts_no_attempts() {
    for says_so in [true, false] {
        let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
        let down = move |_: &Recorded, _| match says_so {
            true => Some(ReactionError::Unavailable("the post office is closed".to_owned())),
            false => Some(ReactionError::Transient("the post office is closed".to_owned())),
        };
        let copying = Copying::unless(down);
        for n in 0..2_000 {
            deposit(&store, &format!("k{}", n % 500), n).await;
        }
        let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
        eventually("the pause", async || status(&running).state == FollowerState::Paused).await;
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        let paused = status(&running);
        assert_eq!((paused.state, paused.aside.parked.keys), (FollowerState::Paused, 0), "{paused:?}");
        assert!(paused.paused.unwrap().why.contains("the post office"));
        assert!(paused.aside.waiting.events < 600, "it takes in no more than it must: {:?}", paused.aside);
        let letters = running.handle.dead_letters(NAME).unwrap();
        let waiting = letters.list(Some("waiting"), None, None, 1_000).await.unwrap().items;
        let attempts_max = if says_so { 0 } else { 1 };
        assert!(waiting.iter().all(|one| one.attempts <= attempts_max), "{waiting:?}");
        let ready = running.get("/health/ready").await;
        assert_eq!((ready.status.as_u16(), &ready.json()["status"]), (200, &"degraded".into()));
        assert!(ready.text.contains("the post office"), "{}", ready.text);
        // A restart does not make it forget.
        running.stop().await.unwrap();
        let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
        eventually("the pause", async || status(&running).state == FollowerState::Paused).await;

        copying.now_unless(|_, _| None);
        eventually("the end", async || {
            status(&running).state == FollowerState::Live && aside(&running) == CountedAside::default()
        })
        .await;
        for key in 0..500 {
            assert_eq!(deposits(&store, &format!("copy-k{key}")), deposits(&store, &format!("k{key}")));
        }
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn at_a_limit_it_stops_loses_nothing_and_goes_on_when_there_is_room() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|_, cents| if cents == 13 { poison("thirteen") } else { None });
    let parking = ParkingOptions { keys_max: 2, ..quick() };
    let running = start_ready(with(&store, folder.path(), &copying, parking)).await;
    for id in ["a", "b", "c", "d"] {
        deposit(&store, id, 1).await;
        deposit(&store, id, 13).await;
    }
    eventually("the stop", async || status(&running).state == FollowerState::Stopped).await;
    let stopped = status(&running).stopped.unwrap();
    assert_eq!((stopped.code.to_string(), stopped.stream), ("TW-2021".to_owned(), "account-c".to_owned()));
    assert_eq!(aside(&running).parked.keys, 2);
    let letters = running.handle.dead_letters(NAME).unwrap();
    letters.drop_parked(&Selection::Key("account-a".to_owned()), false, false, Some("ann".to_owned())).await.unwrap();
    eventually("c is parked", async || {
        let keys = letters.list(None, None, None, 9).await.unwrap().items;
        keys.iter().map(|one| one.key.as_str()).eq(["account-b", "account-c"])
    })
    .await;
    letters.drop_parked(&Selection::All, false, false, None).await.unwrap();
    eventually("d is parked", async || aside(&running).parked.keys == 1 && deposits(&store, "copy-d") == [1]).await;
    running.stop().await.unwrap();

    // Events are bounded as well.
    let parking = ParkingOptions { events_max: 5, ..quick() };
    let running = start_ready(with(&store, folder.path(), &copying, parking)).await;
    for n in 0..9 {
        deposit(&store, "d", n).await;
    }
    eventually("the stop", async || status(&running).state == FollowerState::Stopped).await;
    assert_eq!(aside(&running).parked.events, 5);
    copying.now_unless(|_, _| None);
    running.handle.dead_letters(NAME).unwrap().redrive(&Selection::All, false, None).await.unwrap();
    eventually("all", async || deposits(&store, "copy-d") == deposits(&store, "d")).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_is_dropped_is_recorded_and_stays_dropped_though_the_ledger_is_lost() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|event, cents| match (event.entity_id(), cents) {
        (_, 13) => poison("thirteen"),
        ("z", 14) => panic!("fourteen"),
        _ => None,
    });
    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    for id in ["x", "y", "z"] {
        for cents in [1, if id == "z" { 14 } else { 13 }, 2, 3] {
            deposit(&store, id, cents).await;
        }
    }
    eventually("three keys", async || aside(&running).parked.events == 9).await;
    let letters = running.handle.dead_letters(NAME).unwrap();
    let by_panic = Selection::Failure("panic".to_owned());
    let dry = letters.drop_parked(&by_panic, true, true, None).await.unwrap();
    assert_eq!((dry.keys, dry.events, aside(&running).parked.events), (1, 3, 9));
    letters.drop_parked(&by_panic, true, false, Some("bob".to_owned())).await.unwrap();
    letters.drop_parked(&Selection::Key("account-x".to_owned()), false, false, None).await.unwrap();
    eventually("the rest of x", async || deposits(&store, "copy-x") == [1, 2, 3]).await;
    assert_eq!(deposits(&store, "copy-z"), [1]);
    let skipped: Vec<_> =
        store.everything().into_iter().filter(|e| e.event_type() == "ProjectionEventSkipped").collect();
    assert_eq!((skipped.len(), skipped[0].metadata().unwrap().actor.as_deref()), (4, Some("bob")));
    let gone = letters.drop_parked(&Selection::Key("account-x".to_owned()), false, false, None).await.unwrap_err();
    assert_eq!(gone.code().to_string(), "TW-2003");
    running.stop().await.unwrap();

    std::fs::remove_dir_all(folder.path().join("reactions")).unwrap();
    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    eventually("y alone", async || aside(&running).parked.keys == 1 && aside(&running).parked.events == 3).await;
    deposit(&store, "z", 4).await;
    eventually("z goes on", async || deposits(&store, "copy-z") == [1, 4]).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_parked_and_redriven_once_it_can_be() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|_, _| None);
    for (id, cents) in [("a", 13), ("b", 1), ("a", 2)] {
        deposit(&store, id, cents).await;
    }
    let host = with(&store, folder.path(), &copying, quick());
    host.upcasters().step("Deposited", 1, |data| match data["cents"] == 13 {
        true => Err("an old thirteen".to_owned()),
        false => Ok(data),
    });
    let running = start_ready(host).await;
    eventually("the other", async || deposits(&store, "copy-b") == [1]).await;
    let item = listed(&running).await.remove(0);
    assert_eq!((&item["failure"], &item["events"]), (&"unreadable".into(), &2.into()));
    assert!(item["error"].as_str().unwrap().contains("an old thirteen"));
    running.stop().await.unwrap();

    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    assert_eq!(aside(&running).parked.events, 2, "a restart changes nothing about it");
    running.send("POST", "/admin/deadletters/redrive", &[], r#"{"failure":"unreadable"}"#).await;
    eventually("both", async || deposits(&store, "copy-a") == [13, 2]).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_asked_of_what_is_parked_is_refused() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let copying = Copying::unless(|_, cents| if cents == 13 { poison("thirteen") } else { None });
    let running = start_ready(with(&store, folder.path(), &copying, quick())).await;
    for id in ["a", "b", "c"] {
        deposit(&store, id, 13).await;
    }
    eventually("three", async || aside(&running).parked.keys == 3).await;
    let first = running.get("/admin/deadletters?limit=2").await.json();
    assert_eq!((first["items"].as_array().unwrap().len(), &first["next"]), (2, &format!("{NAME}/account-b").into()));
    let second = running.get(&format!("/admin/deadletters?limit=2&after={NAME}/account-b")).await.json();
    assert_eq!((second["items"].as_array().unwrap().len(), &second["next"]), (1, &Value::Null));
    let refused = [
        ("GET", "/admin/deadletters?state=lost".to_owned(), "", 400),
        ("GET", "/admin/deadletters?follower=nobody".to_owned(), "", 404),
        ("GET", format!("/admin/deadletters/{NAME}/account-z"), "", 404),
        ("PUT", format!("/admin/deadletters/{NAME}/account-a/99"), "{}", 404),
        ("PUT", format!("/admin/deadletters/{NAME}/account-a/1"), "{", 400),
        ("POST", "/admin/deadletters/redrive".to_owned(), "{}", 400),
        ("POST", "/admin/deadletters/redrive".to_owned(), r#"{"all":true,"key":"account-a"}"#, 400),
        ("POST", "/admin/deadletters/drop".to_owned(), r#"{"all":true,"everything":1}"#, 400),
        ("POST", "/admin/deadletters/drop".to_owned(), r#"{"key":"account-z"}"#, 404),
    ];
    for (method, path, body, status) in refused {
        let got = running.send(method, &path, &[], body).await;
        assert_eq!(got.status.as_u16(), status, "{method} {path} {body}: {}", got.text);
        assert!(got.json()["code"].is_string());
    }
    let unasked = running.send_as("text/plain", "/admin/deadletters/drop", r#"{"all":true}"#).await;
    assert_eq!(unasked.status.as_u16(), 415);
    assert_eq!(aside(&running).parked.keys, 3);
    let metrics = running.get("/metrics").await.text;
    for line in [
        "tradewind_follower_keys_aside{service=\"bank\",kind=\"reaction\",name=\"copy-deposits\",state=\"parked\"} 3",
        "tradewind_follower_events_aside{service=\"bank\",kind=\"reaction\",name=\"copy-deposits\",state=\"parked\"} 3",
        "tradewind_follower_attempts_total{service=\"bank\",kind=\"reaction\",name=\"copy-deposits\"} 3",
        "tradewind_follower_paused{service=\"bank\",kind=\"reaction\",name=\"copy-deposits\"} 0",
        "tradewind_follower_handle_seconds_count{service=\"bank\",kind=\"reaction\",name=\"copy-deposits\"} 3",
    ] {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    running.stop().await.unwrap();
}

/// A store at its own clock.
pub(crate) fn copying_at(
    store: &MemoryStore,
    folder: &Path,
    clock: &Arc<tradewind_events::ManualClock>,
    copying: &Copying,
) -> Host {
    let mut host = host_at(store, folder, clock.clone());
    host.reaction(copying.clone()).unwrap();
    host
}
