//! No child outlives the process that started it.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use tradewind_fleet::State;

use crate::tiny::spec;
use crate::{Running, is_alive, kill, until_dead};

/// Not a test by itself: the parent that the test below kills.
#[tokio::test]
async fn be_a_parent() {
    if std::env::var("BE_A_PARENT").is_err() {
        return;
    }
    let running = Running::start(vec![spec("one", "ok"), spec("two", "stubborn")]);
    let one = running.until_state("one", State::Ready).await.pid.unwrap();
    let two = running.until_state("two", State::Ready).await.pid.unwrap();
    println!("\npids {one} {two}");
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_killed_parent_leaves_no_child_behind() {
    let mut parent = Command::new(std::env::current_exe().unwrap())
        .args(["orphans::be_a_parent", "--exact", "--nocapture"])
        .env("BE_A_PARENT", "yes")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(parent.stdout.take().unwrap()).lines();
    let line = lines.find_map(|line| line.unwrap().strip_prefix("pids ").map(str::to_owned)).unwrap();
    let pids: Vec<u32> = line.split(' ').map(|pid| pid.parse().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    kill(parent.id());
    parent.wait().unwrap();
    for pid in pids {
        until_dead(pid).await;
    }
}
