//! What a read model takes on at the same time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tradewind_events::Position;
use tradewind_service::{AsOf, Host, HostOptions, QueryContext, QueryError, StartFrom};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, clock, commands, eventually};
use crate::faulty::Faulty;
use crate::projections::{deposit, total};
use crate::web::{host, start_ready};

fn at(position: u64) -> QueryContext {
    QueryContext { after: None, as_of: Some(AsOf::Position(Position(position))) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_query_that_nobody_waits_for_any_more_still_takes_its_turn_until_it_ends() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    let model = host.projection(Balances::default()).unwrap();
    let running = start_ready(host).await;
    let (open, asking, most) =
        (Arc::new(AtomicBool::new(false)), Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    for _ in 0..3 {
        let mut queries = JoinSet::new();
        for _ in 0..8 {
            let (model, open, asking, most) = (model.clone(), open.clone(), asking.clone(), most.clone());
            queries.spawn(async move {
                let ask = move |_: &tradewind_service::Reader<'_>| {
                    most.fetch_max(asking.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    while !open.load(Ordering::SeqCst) {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    asking.fetch_sub(1, Ordering::SeqCst);
                    Ok(())
                };
                model.query(&QueryContext::default(), ask).await
            });
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
        // As an HTTP client does that goes away.
        queries.shutdown().await;
    }
    open.store(true, Ordering::SeqCst);
    assert_eq!(most.load(Ordering::SeqCst), 8);
    model.query(&QueryContext::default(), total).await.unwrap();
    running.stop().await.unwrap();
}

/// A service whose source gives no page of the past for now.
async fn held_up(store: &MemoryStore, folder: &std::path::Path, wait_max: Duration) -> (Host, Arc<Faulty>) {
    deposit(&commands(store, Default::default()), 100).await;
    let faulty = Arc::new(Faulty::over(store));
    faulty.gives_pages.send_replace(false);
    let mut options = HostOptions::new("bank", "127.0.0.1:0".parse().unwrap(), folder);
    options.past.wait_max = wait_max;
    (Host::new(options, Arc::new(store.clone()), clock()), faulty)
}

#[tokio::test]
async fn only_so_many_queries_wait_for_the_past_and_others_are_told_to_come_again() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let (mut host, faulty) = held_up(&store, folder.path(), Duration::from_secs(20)).await;
    let model = host.projection_over(faulty.clone(), StartFrom::Beginning, Balances::default()).unwrap();
    let running = start_ready(host).await;
    let mut queries = JoinSet::new();
    for n in 1..=100 {
        let model = model.clone();
        queries.spawn(async move { (n, model.query(&at(n), total).await) });
    }
    let started = Instant::now();
    let mut refused = 0;
    while let Ok(Some(answered)) = tokio::time::timeout(Duration::from_millis(500), queries.join_next()).await {
        let (_, answer) = answered.unwrap();
        let error = answer.unwrap_err();
        assert!(matches!(error, QueryError::Past(_)), "{error}");
        assert_eq!(error.code().to_string(), "TW-1008");
        refused += 1;
    }
    assert!(refused >= 60, "{refused} were refused");
    assert!(started.elapsed() < Duration::from_secs(5));
    faulty.gives_pages.send_replace(true);
    while let Some(answered) = queries.join_next().await {
        let (n, answer) = answered.unwrap();
        assert_eq!(answer.unwrap().value, (n as i64, n as i64));
    }
    running.stop().await.unwrap();
}

#[tokio::test]
async fn a_past_that_nobody_waits_for_any_more_is_not_begun() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let (mut host, faulty) = held_up(&store, folder.path(), Duration::from_millis(200)).await;
    let model = host.projection_over(faulty.clone(), StartFrom::Beginning, Balances::default()).unwrap();
    let running = start_ready(host).await;
    // Two are under way; those behind them give up, by themselves or because their client has gone.
    for n in 1..=10 {
        assert!(model.query(&at(n), total).await.is_err());
    }
    let mut gone = JoinSet::new();
    for n in 11..=20 {
        let model = model.clone();
        gone.spawn(async move { model.query(&at(n), total).await });
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    gone.shutdown().await;
    let begun = faulty.reads.load(Ordering::SeqCst);
    faulty.gives_pages.send_replace(true);
    eventually("an answer", async || model.query(&at(30), total).await.is_ok()).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!((begun, faulty.reads.load(Ordering::SeqCst)), (2, 3));
    running.stop().await.unwrap();
}
