//! Reactions and process managers of several instances: each event's effect once, those of one key in order, whoever
//! does it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures_core::future::BoxFuture;
use tradewind_events::{EventType, Query, Recorded};
use tradewind_service::{CommandOptions, FollowerState, Issuer, Reaction, ReactionError};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Deposit, Deposited, Open, clock, commands, commands_at, eventually, nobody};
use crate::process::{HOUR, instance_with_welcomes, types};
use crate::web::{Backend, Running, start};

/// Deposits the same again into the account's mirror.
pub(crate) struct Mirror {
    pub(crate) shares: u16,
    /// Deposits of this many cents cannot be mirrored.
    pub(crate) poison_cents: i64,
}

impl Mirror {
    pub(crate) fn in_shares(shares: u16) -> Self {
        Self { shares, poison_cents: -1 }
    }
}

impl Reaction for Mirror {
    fn name(&self) -> &'static str {
        "mirror"
    }

    fn query(&self) -> Query {
        Query::types([EventType::new("Deposited").unwrap()])
    }

    fn shares(&self) -> u16 {
        self.shares
    }

    fn key<'a>(&self, event: &'a Recorded) -> Cow<'a, str> {
        Cow::Borrowed(event.entity_id())
    }

    fn react<'a>(&'a self, event: &'a Recorded, issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let deposited: Deposited = event.parse()?;
            if event.entity_id().starts_with("mirror") {
                return Ok(());
            }
            if deposited.cents == self.poison_cents {
                return Err(ReactionError::Poison("this amount is poison".to_owned()));
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
            let mirror = format!("mirror-{}", event.entity_id());
            issuer.issue(&mirror, &Deposit(deposited.cents)).await?;
            Ok(())
        })
    }
}

/// What was deposited into each account whose name begins so, in the order of the log.
pub(crate) fn deposits(events: &[Recorded], mirrored: bool) -> HashMap<String, Vec<i64>> {
    let mut all: HashMap<String, Vec<i64>> = HashMap::new();
    for event in events.iter().filter(|event| event.event_type() == "Deposited") {
        let id = event.entity_id();
        if id.starts_with("mirror-") == mirrored {
            let of = id.strip_prefix("mirror-").unwrap_or(id).to_owned();
            all.entry(of).or_default().push(event.parse::<Deposited>().unwrap().cents);
        }
    }
    all
}

async fn instance(
    backend: &Backend,
    name: &str,
    store: &MemoryStore,
    folder: &std::path::Path,
    shares: u16,
) -> Running {
    let mut host = backend.instance(name, store, &folder.join(name));
    host.reaction(Mirror::in_shares(shares)).unwrap();
    start(host).await
}

fn held(running: &Running) -> usize {
    running.handle.followers().iter().filter(|status| status.lease.as_ref().is_some_and(|lease| lease.here)).count()
}

/// Deposits rising amounts into many accounts.
async fn deposit(store: &MemoryStore, amounts: std::ops::Range<i64>) {
    let commands = commands(store, CommandOptions::default());
    for cents in amounts {
        for account in 0..20 {
            commands.handle(&format!("a{account}"), &Deposit(cents), &nobody()).await.unwrap();
        }
    }
}

async fn all_is_mirrored(store: &MemoryStore) {
    let equal = || {
        let events = store.everything();
        deposits(&events, false) == deposits(&events, true)
    };
    let started = Instant::now();
    while !equal() {
        assert!(started.elapsed() < Duration::from_secs(30), "{:?}", deposits(&store.everything(), true));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reaction_is_done_by_one_instance_and_another_goes_on_when_that_dies() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let first = instance(&backend, "first", &store, folder.path(), 1).await;
    eventually("the lease", async || held(&first) == 1).await;
    let second = instance(&backend, "second", &store, folder.path(), 1).await;
    deposit(&store, 0..10).await;
    eventually("readiness", async || second.handle.is_ready()).await;
    let status = || second.handle.followers().remove(0);
    assert_eq!((status().state, status().handled), (FollowerState::Standby, 0));
    first.kill();
    let ended = Instant::now();
    deposit(&store, 10..20).await;
    eventually("the handover", async || held(&second) == 1).await;
    println!("handed over within {:?}", ended.elapsed());
    assert!(ended.elapsed() < Duration::from_secs(15));
    all_is_mirrored(&store).await;
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_are_spread_over_instances_that_come_and_go_and_the_order_of_each_key_stays() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let first = instance(&backend, "first", &store, folder.path(), 6).await;
    eventually("all shares", async || held(&first) == 6).await;
    let writer = tokio::spawn({
        let store = store.clone();
        async move { deposit(&store, 0..60).await }
    });
    let second = instance(&backend, "second", &store, folder.path(), 6).await;
    let third = instance(&backend, "third", &store, folder.path(), 6).await;
    eventually("two for each", async || [&first, &second, &third].map(held) == [2, 2, 2]).await;
    first.kill();
    let ended = Instant::now();
    eventually("three for each of two", async || [&second, &third].map(held) == [3, 3]).await;
    println!("handed over within {:?}", ended.elapsed());
    third.stop().await.unwrap();
    let ended = Instant::now();
    eventually("all for the last", async || held(&second) == 6).await;
    println!("handed over in order within {:?}", ended.elapsed());
    writer.await.unwrap();
    all_is_mirrored(&store).await;
    let names: Vec<String> = second.handle.followers().into_iter().map(|status| status.name).collect();
    assert_eq!((names.len(), names[0].as_str()), (6, "mirror~1-of-6"));
    assert_eq!(second.get("/admin/projections/mirror~1-of-6").await.status.as_u16(), 200);
    second.stop().await.unwrap();

    // Another split begins where the furthest behind of this one was.
    let fewer = instance(&backend, "fewer", &store, folder.path(), 2).await;
    eventually("both shares", async || held(&fewer) == 2).await;
    deposit(&store, 60..65).await;
    all_is_mirrored(&store).await;
    let handled: u64 = fewer.handle.followers().iter().map(|status| status.handled).sum();
    assert!(handled < 2 * 500, "{handled} of twice {} events were passed again", store.everything().len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_instance_has_parked_is_redriven_in_order_by_the_next() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let instance = async |name: &str, poison_cents| {
        let mut host = backend.instance(name, &store, &folder.path().join(name));
        host.reaction(Mirror { shares: 1, poison_cents }).unwrap();
        start(host).await
    };
    let first = instance("first", 13).await;
    eventually("the lease", async || held(&first) == 1).await;
    let second = instance("second", -1).await;
    let commands = commands(&store, CommandOptions::default());
    for cents in [13, 14] {
        for account in ["a", "b"] {
            let cents = if account == "b" { cents + 100 } else { cents };
            commands.handle(account, &Deposit(cents), &nobody()).await.unwrap();
        }
    }
    let parked = async |of: &Running| of.get("/admin/deadletters").await.json()["items"].clone();
    eventually("the parked key", async || parked(&first).await[0]["key"] == "a").await;
    eventually("its neighbour", async || deposits(&store.everything(), true).get("b").is_some_and(|b| b.len() == 2))
        .await;
    eventually("readiness", async || second.handle.is_ready()).await;
    assert_eq!(parked(&second).await, serde_json::json!([]), "another one does it");
    let asked = second.get("/admin/deadletters?follower=mirror").await;
    assert_eq!((asked.status.as_u16(), asked.text.contains("first")), (503, true), "{}", asked.text);
    first.kill();
    eventually("the handover", async || held(&second) == 1).await;
    eventually("the parked key elsewhere", async || parked(&second).await[0]["key"] == "a").await;
    let redriven = second.send("POST", "/admin/deadletters/redrive", &[], r#"{"all":true}"#).await;
    assert_eq!(redriven.json()["events"], 2, "{}", redriven.text);
    all_is_mirrored(&store).await;
    assert_eq!(parked(&second).await, serde_json::json!([]));
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_manager_and_its_timers_go_on_elsewhere() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder, clock) = (MemoryStore::new(), tempfile::tempdir().unwrap(), clock());
    let instance = async |name: &str| {
        let host = instance_with_welcomes(&backend, name, &store, &folder.path().join(name), &clock);
        start(host).await
    };
    let first = instance("first").await;
    eventually("the leases", async || held(&first) == 2).await;
    let commands = commands_at(&store, clock.clone(), CommandOptions::default());
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    eventually("the gift", async || types(&store, "account-1").len() == 2).await;
    let at_its_end = || first.handle.followers().iter().all(|status| status.position.0 >= 2);
    eventually("its end", async || at_its_end()).await;
    tokio::time::sleep(Duration::from_millis(200)).await;
    let second = instance("second").await;
    first.kill();
    clock.advance(HOUR);
    let matured = || types(&store, "welcome-1").iter().filter(|kind| *kind == "GiftMatured").count();
    eventually("the timer runs out elsewhere", async || matured() == 1).await;
    commands.handle("2", &Open::by("bob"), &nobody()).await.unwrap();
    eventually("the next gift", async || types(&store, "account-2").len() == 2).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert_eq!(matured(), 1);
    second.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_parked_is_carried_over_to_another_number_of_shares() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let parked = async |of: &Running| of.get("/admin/deadletters?limit=99").await.json()["items"].clone();
    let instance = async |name: &str, shares, poison_cents| {
        let mut host = backend.instance(name, &store, &folder.path().join(name));
        host.reaction(Mirror { shares, poison_cents }).unwrap();
        start(host).await
    };
    let commands = commands(&store, CommandOptions::default());
    for cents in [13, 14] {
        for account in 0..12 {
            commands.handle(&format!("p{account}"), &Deposit(cents), &nobody()).await.unwrap();
        }
    }
    for (round, shares) in [4, 3, 1, 5].into_iter().enumerate() {
        let running = instance(&round.to_string(), shares, 13).await;
        eventually("all shares", async || held(&running) == usize::from(shares)).await;
        eventually("all keys", async || parked(&running).await.as_array().is_some_and(|all| all.len() == 12)).await;
        let events = parked(&running).await;
        assert!(events.as_array().unwrap().iter().all(|one| one["failure"] == "poison"), "{events}");
        running.stop().await.unwrap();
        // What comes now stands behind the others, wherever they are.
        commands.handle(&format!("p{round}"), &Deposit(15), &nobody()).await.unwrap();
    }
    let mended = instance("mended", 2, -1).await;
    eventually("both shares", async || held(&mended) == 2).await;
    eventually("all keys", async || parked(&mended).await.as_array().is_some_and(|all| all.len() == 12)).await;
    mended.send("POST", "/admin/deadletters/redrive", &[], r#"{"all":true}"#).await;
    all_is_mirrored(&store).await;
    mended.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_split_waits_for_the_last_instance_of_the_one_before() {
    let Some(backend) = Backend::postgres() else { return };
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let old = instance(&backend, "old", &store, folder.path(), 3).await;
    eventually("its shares", async || held(&old) == 3).await;
    deposit(&store, 0..20).await;
    all_is_mirrored(&store).await;
    let new = instance(&backend, "new", &store, folder.path(), 2).await;
    deposit(&store, 20..40).await;
    all_is_mirrored(&store).await;
    assert_eq!(new.handle.followers().iter().map(|status| status.handled).sum::<u64>(), 0, "the old one does it");
    old.stop().await.unwrap();
    deposit(&store, 40..60).await;
    all_is_mirrored(&store).await;
    // What is mirrored is counted a moment later.
    eventually("both count it", async || new.handle.followers().iter().all(|status| status.handled > 0)).await;
    new.stop().await.unwrap();
}
