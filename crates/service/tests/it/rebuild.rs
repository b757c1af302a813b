use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tradewind_service::{CommandOptions, QueryContext};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Balances, Deposit, commands, eventually, nobody};
use crate::projections::{deposit, now, total};
use crate::web::{host, start, start_ready};

fn databases(folder: &std::path::Path) -> Vec<String> {
    let files = std::fs::read_dir(folder.join("projections/balances")).unwrap();
    let names = files.map(|file| file.unwrap().file_name().to_string_lossy().into_owned());
    let mut names: Vec<String> = names.filter(|name| name.ends_with(".db")).collect();
    names.sort();
    names
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_under_queries_and_writes_leaves_no_moment_without_an_answer_and_never_goes_back() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    let model = host.projection(Balances::default()).unwrap();
    let commands = host.commands();
    deposit(&commands, 3_000).await;
    let running = start_ready(host).await;

    let done = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicU64::new(0));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (model, done, asked) = (model.clone(), done.clone(), asked.clone());
        workers.spawn(async move {
            let mut last = 0;
            while !done.load(Ordering::SeqCst) {
                let answer = model.query(&QueryContext::default(), total).await.unwrap();
                assert_eq!(answer.value.1 as u64, answer.position.0, "the answer is of the position that it tells");
                assert!(answer.position.0 >= last, "{} after {last}", answer.position);
                last = answer.position.0;
                asked.fetch_add(1, Ordering::SeqCst);
            }
        });
    }
    let (writer, written) = (commands.clone(), done.clone());
    workers.spawn(async move {
        while !written.load(Ordering::SeqCst) {
            deposit(&writer, 10).await;
            // Slower than any disk applies them twice: who never catches up never takes another's place.
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    });
    for round in 1..=3 {
        let asked_for = running.send("POST", "/admin/projections/balances/rebuild", &[], "").await;
        assert_eq!(asked_for.status.as_u16(), 202);
        let name = format!("v1.{}.db", round + 1);
        eventually("the new database alone", async || databases(folder.path()) == [name.clone()]).await;
    }
    done.store(true, Ordering::SeqCst);
    while let Some(worker) = workers.join_next().await {
        worker.unwrap();
    }
    assert!(asked.load(Ordering::SeqCst) > 50);
    let metrics = running.get("/metrics").await.text;
    let line = "tradewind_follower_rebuilds_total{service=\"bank\",kind=\"projection\",name=\"balances\"} 3";
    assert!(metrics.contains(line), "{metrics}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_version_is_built_beside_the_old_one_which_answers_until_then() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    deposit(&commands(&store, CommandOptions::default()), 400).await;
    let mut first = host(&store, folder.path());
    first.projection(Balances::default()).unwrap();
    start_ready(first).await.stop().await.unwrap();

    let mut second = host(&store, folder.path());
    let slow = Balances { version: 2, pause: Duration::from_millis(1), ..Balances::default() };
    let model = second.projection(slow).unwrap();
    let running = start(second).await;
    assert_eq!(now(&model).await, (400, 400), "the old one answers at once");
    eventually("the rebuild", async || running.handle.followers()[0].rebuilding.is_some()).await;
    assert!(running.handle.is_ready(), "it answers");
    assert_eq!(now(&model).await, (400, 400));
    eventually("the new version", async || running.handle.followers()[0].version == 2).await;
    assert_eq!(now(&model).await, (400, 400));
    eventually("the old file's end", async || databases(folder.path()) == ["v2.2.db"]).await;
    assert!(running.handle.is_ready());
    running.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rebuild_that_a_crash_cut_short_goes_on_at_the_next_start() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    deposit(&commands(&store, CommandOptions::default()), 1_500).await;
    let mut first = host(&store, folder.path());
    first.projection(Balances::default()).unwrap();
    start_ready(first).await.stop().await.unwrap();
    for pause in [Duration::from_micros(500), Duration::ZERO] {
        let mut host = host(&store, folder.path());
        let model = host.projection(Balances { version: 2, pause, ..Balances::default() }).unwrap();
        let running = start(host).await;
        if pause.is_zero() {
            eventually("the new version", async || running.handle.followers()[0].version == 2).await;
            assert_eq!(now(&model).await, (1_500, 1_500));
            eventually("one database", async || databases(folder.path()) == ["v2.2.db"]).await;
        } else {
            tokio::time::sleep(Duration::from_millis(150)).await;
            running.kill();
            tokio::time::sleep(Duration::from_millis(800)).await;
            assert_eq!(databases(folder.path()), ["v1.1.db", "v2.2.db"]);
        }
    }
}

#[tokio::test]
async fn a_rebuild_that_meets_poison_leaves_the_old_one_in_its_place() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let commands = commands(&store, CommandOptions::default());
    for cents in [1, 13, 5] {
        commands.handle("1", &Deposit(cents), &nobody()).await.unwrap();
    }
    let mut first = host(&store, folder.path());
    first.projection(Balances::default()).unwrap();
    start_ready(first).await.stop().await.unwrap();
    let mut second = host(&store, folder.path());
    let model = second.projection(Balances { version: 2, poison_cents: 13, ..Balances::default() }).unwrap();
    let running = start(second).await;
    let status = || running.handle.followers().remove(0);
    eventually("the stop", async || status().rebuild_stopped.is_some()).await;
    assert_eq!((now(&model).await, status().version), ((19, 3), 1));
    running.handle.control("balances").unwrap().skip(None).await.unwrap();
    eventually("the new version", async || status().version == 2).await;
    assert_eq!(now(&model).await, (6, 2));
}
