//! Commands that end.

use std::path::Path;
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tradewind_fleet::{TaskError, run_task};

use crate::{is_alive, until_dead};

/// Runs a shell's line to its end; what it wrote, and how it ended.
async fn run(line: &str, stop: &CancellationToken) -> (Vec<String>, Result<(), TaskError>) {
    let words = ["sh", "-c", line].map(str::to_owned);
    let mut lines = Vec::new();
    let ended = run_task(&words, Path::new("/"), stop, |line| lines.push(line.text)).await;
    (lines, ended)
}

#[tokio::test]
async fn every_line_is_heard_and_a_failure_keeps_the_last_ones() {
    let (lines, ended) = run("seq 1 3000; exit 7", &CancellationToken::new()).await;
    assert_eq!(lines.len(), 3_000);
    let Err(TaskError::Failed { last_lines, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(last_lines.last().map(String::as_str), Some("3000"));
}

#[tokio::test]
async fn what_a_task_leaves_behind_with_its_output_open_is_not_waited_for() {
    let begun = Instant::now();
    let (lines, ended) = run("sleep 60 & echo $!", &CancellationToken::new()).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    // It was asked for, and stays: a build may start a server for the next one.
    let left: u32 = lines[0].parse().unwrap();
    assert!(is_alive(left));
    crate::kill(left);
    until_dead(left).await;
}

#[tokio::test]
async fn an_interrupted_task_ends_with_what_it_started() {
    let stop = CancellationToken::new();
    let interrupt = stop.clone();
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(500)).await;
        interrupt.cancel();
    });
    let (lines, ended) = run("sleep 60 & echo $!; wait", &stop).await;
    assert!(matches!(ended, Err(TaskError::Interrupted { .. })), "{ended:?}");
    until_dead(lines[0].parse().unwrap()).await;
}

#[tokio::test]
async fn what_cargo_told_this_process_of_itself_is_nobody_elses() {
    // The test has them from cargo, as the program has if `cargo run` runs it.
    let (lines, _) = run("env", &CancellationToken::new()).await;
    assert!(std::env::var_os("CARGO_MANIFEST_DIR").is_some() && std::env::var_os("PATH").is_some());
    let told = |start: &str| lines.iter().any(|line| line.starts_with(start));
    assert!(told("PATH=") && !told("CARGO_PKG_") && !told("CARGO_MANIFEST_"), "{lines:?}");
}
