//! How far followers are behind, and that asking for it holds nobody up.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tradewind_events::Clock;
use tradewind_service::{FollowerState, QueryContext, StartFrom};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, clock, commands, commands_at, eventually, nobody};
use crate::faulty::Faulty;
use crate::reactions::Fee;
use crate::web::{Running, host, host_at, start_ready};

async fn lag_seconds(running: &Running) -> f64 {
    let metrics = running.get("/metrics").await.text;
    let line = "tradewind_follower_lag_seconds{service=\"bank\",kind=\"projection\",name=\"balances\"} ";
    metrics.lines().find_map(|at| at.strip_prefix(line)).map_or(0.0, |seconds| seconds.parse().unwrap())
}

#[tokio::test]
async fn the_lag_is_how_long_something_has_waited_and_not_how_old_it_is() {
    let clock = clock();
    let (store, folder) = (MemoryStore::with_clock(clock.clone()), tempfile::tempdir().unwrap());
    let mut host = host_at(&store, folder.path(), clock.clone() as Arc<dyn Clock>);
    host.projection(Balances { poison_cents: 13, parks: false, ..Balances::default() }).unwrap();
    let commands = commands_at(&store, clock.clone(), Default::default());
    let running = start_ready(host).await;
    commands.handle("1", &Deposit(1), &nobody()).await.unwrap();
    let status = || running.handle.followers().remove(0);
    eventually("the deposit", async || status().position.0 == 1).await;
    // An hour without an event is an hour without a lag, also when the next one waits.
    clock.advance(Duration::from_secs(3_600));
    commands.handle("1", &Deposit(13), &nobody()).await.unwrap();
    eventually("the stop", async || status().state == FollowerState::Stopped && status().lag_events == 1).await;
    assert!(lag_seconds(&running).await < 1.0, "{}", lag_seconds(&running).await);
    clock.advance(Duration::from_secs(90));
    eventually("the lag", async || (89.0..91.0).contains(&lag_seconds(&running).await)).await;
    running.handle.control("balances").unwrap().skip(None).await.unwrap();
    eventually("no lag", async || lag_seconds(&running).await == 0.0).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_follower_that_has_handled_nothing_yet_can_be_behind() {
    let clock = clock();
    let (store, folder) = (MemoryStore::with_clock(clock.clone()), tempfile::tempdir().unwrap());
    let mut host = host_at(&store, folder.path(), clock.clone() as Arc<dyn Clock>);
    host.projection(Balances { poison_cents: 13, parks: false, ..Balances::default() }).unwrap();
    commands_at(&store, clock.clone(), Default::default()).handle("1", &Deposit(13), &nobody()).await.unwrap();
    let running = start_ready(host).await;
    eventually("the first look", async || running.handle.followers()[0].lag_events == 1).await;
    clock.advance(Duration::from_secs(90));
    eventually("the lag", async || lag_seconds(&running).await >= 90.0).await;
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_source_that_does_not_tell_its_head_holds_up_no_event() {
    let (ours, theirs) = (MemoryStore::new(), MemoryStore::new());
    let (faulty, folder) = (Arc::new(Faulty::over(&theirs)), tempfile::tempdir().unwrap());
    let mut host = host(&ours, folder.path());
    let fee = Fee::default();
    let met = fee.met.clone();
    host.reaction_over(faulty.clone(), StartFrom::Beginning, fee).unwrap();
    let model = host.projection_over(faulty.clone(), StartFrom::Beginning, Balances::default()).unwrap();
    let there = commands(&theirs, Default::default());
    let running = start_ready(host).await;
    faulty.head_hangs.store(true, Ordering::SeqCst);
    let until = Instant::now() + Duration::from_secs(4);
    let mut deposits = 0;
    while Instant::now() < until {
        let given = Instant::now();
        let done = there.handle("a", &Deposit(1), &nobody()).await.unwrap();
        deposits += 1;
        model.query(&QueryContext { after: Some(done.position), as_of: None }, |_| Ok(())).await.unwrap();
        eventually("the fee", async || met.load(Ordering::SeqCst) == deposits).await;
        assert!(given.elapsed() < Duration::from_millis(1_500), "{:?} for deposit {deposits}", given.elapsed());
        // A projection that is asked for a rebuild answers at once.
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let asked = Instant::now();
    running.handle.control("balances").unwrap().rebuild().await.unwrap();
    assert!(running.handle.control("fee-on-deposit").unwrap().retry().await.is_err());
    assert!(asked.elapsed() < Duration::from_millis(1_500), "{:?}", asked.elapsed());
    running.stop().await.unwrap();
}
