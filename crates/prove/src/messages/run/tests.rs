//! What is proven must be able to fail: followers with a flaw are found.

use std::process::Command;
use std::sync::Arc;

use super::*;
use crate::messages::child::{Flaw, main_with};
use crate::messages::{BrokerChoice, Means, StoreChoice};

/// Tells a process of this binary that it is a child, and what is wrong with it.
const FLAW: &str = "TRADEWIND_TEST_FLAW";

/// Not a test of its own: what a child runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_child() {
    let flaw = match std::env::var(FLAW).as_deref() {
        Ok("none") => Flaw::None,
        Ok("forgets") => Flaw::Forgets,
        Ok("repeats") => Flaw::Repeats,
        Ok("swaps") => Flaw::Swaps,
        _ => return,
    };
    main_with(flaw).await.unwrap();
}

async fn prove_with(flaw: &'static str) -> Report {
    let folder = tempfile::tempdir().unwrap();
    let options = Options {
        broker: BrokerChoice::Feeds,
        store: StoreChoice::Files,
        means: Means::Proxies,
        rounds: 1,
        seed: 4,
        folder: Some(folder.path().to_owned()),
        child: Arc::new(move || {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--exact", "messages::run::tests::a_child", "--nocapture", "--test-threads=1"]);
            command.env(FLAW, flaw);
            command
        }),
    };
    let report = run_until(&options, &CancellationToken::new(), &mut |_| {}).await;
    assert_eq!(report.hindered, None, "{report}");
    assert!(report.events > 50, "{report}");
    // What went wrong is kept to look at, and only then.
    assert_eq!(report.folder.is_some(), std::fs::read_dir(folder.path()).unwrap().next().is_some());
    report
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_keep_their_word_are_found_to() {
    let report = prove_with("none").await;
    assert!(report.is_proven() && report.rounds == 1, "{report}");
    assert_eq!(report.effects, 2 * report.events, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_forget_are_found() {
    let report = prove_with("forgets").await;
    assert!(!report.is_proven() && report.lost > 0, "{report}");
    assert_eq!((report.duplicated, report.inversions), (0, 0), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_repeat_are_found() {
    let report = prove_with("repeats").await;
    assert!(!report.is_proven() && report.duplicated > 0, "{report}");
    assert_eq!((report.lost, report.inversions), (0, 0), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn followers_that_mix_up_the_order_are_found() {
    let report = prove_with("swaps").await;
    assert!(!report.is_proven() && report.inversions > 0, "{report}");
    assert_eq!((report.lost, report.duplicated), (0, 0), "{report}");
}
