//! Stampers in processes of their own are killed, and stopped for so long that another has taken over; the database is
//! killed.

use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tradewind_events::EventSource;
use tradewind_outbox::postgres::{Outbox, OutboxOptions};
use tradewind_testkit::servers::{Postgres, Process, is_left_out};

use crate::given::{Bank, Heard, WITHIN, connector, listen, options, server, stamp};

const TOLD: &str = "TRADEWIND_TEST_STAMPER";

/// Not a test by itself: what the processes run.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stamper_as_a_process() {
    let Ok(told) = std::env::var(TOLD) else { return };
    let (port, schema) = told.split_once(' ').unwrap();
    let options = OutboxOptions { schema: schema.to_owned(), ..options() };
    let outbox = Outbox::open(connector(port.parse().unwrap()), options).await.unwrap();
    let (stamper, _) = outbox.stamper();
    stamper.run(CancellationToken::new()).await;
}

fn start(port: u16, schema: &str, folder: &std::path::Path) -> Process {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["killing::a_stamper_as_a_process", "--exact", "--nocapture"]);
    command.env(TOLD, format!("{port} {schema}"));
    Process::start(command, &folder.join("stampers.log"), libc::SIGKILL).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_and_stopped_stampers_lose_and_invert_nothing() {
    if is_left_out("postgres") {
        return;
    }
    let (port, folder, options) = (server().await.port(), tempfile::tempdir().unwrap(), options());
    let schema = options.schema.clone();
    let bank = Bank::open(port, options, 40).await;
    let (done, all) = tokio::sync::watch::channel(None);
    let listening = listen(Arc::new(bank.outbox.source()), all);
    let writing = tokio::spawn({
        let bank = Arc::clone(&bank);
        async move { bank.sixteen_write(400).await }
    });
    let mut processes = [start(port, &schema, folder.path()), start(port, &schema, folder.path())];
    for round in 0..6 {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let victim = round % 2;
        if round % 3 == 2 {
            // Beyond its lease, in the midst of whatever it does; then it goes on, and finds out.
            processes[victim].signal(libc::SIGSTOP);
            tokio::time::sleep(Duration::from_millis(2_500)).await;
            processes[victim].signal(libc::SIGCONT);
        } else {
            processes[victim] = start(port, &schema, folder.path());
        }
    }
    let committed = writing.await.unwrap();
    done.send_replace(Some(committed));
    let heard = timeout(WITHIN, listening).await.expect("all comes").unwrap();
    assert_eq!(heard.events, committed);
}

/// By `kill -9`, and comes back. Positions that a reader has seen stay what they were, and the sequence's
/// jump over some numbers is a gap like any other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_killed_and_comes_back() {
    if is_left_out("postgres") {
        return;
    }
    let mut server = tokio::task::spawn_blocking(|| Postgres::start("")).await.unwrap();
    let bank = Bank::open(server.port(), options(), 40).await;
    let (stamping, source) = (stamp(&bank.outbox), Arc::new(bank.outbox.source()) as Arc<dyn EventSource>);
    let mut committed = bank.sixteen_write(60).await;
    let mut heard = Heard::default().until(Arc::clone(&source), committed / 2).await;
    for _ in 0..3 {
        let killing = tokio::task::spawn_blocking(move || {
            server.kill();
            server.start_again();
            server
        });
        server = killing.await.unwrap();
        committed += bank.sixteen_write(30).await;
        // Its own connection broke: a subscription ends with that, and begins again where it was.
        let again = async {
            while source.head().await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        timeout(WITHIN, again).await.expect("the source comes back");
        heard = heard.until(Arc::clone(&source), committed).await;
    }
    assert_eq!(heard.events, committed);
    assert!(stamping.handle.status().taken >= 3, "{:?}", stamping.handle.status());
    stamping.stop().await;
}
