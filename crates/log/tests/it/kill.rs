//! Processes that are killed while they append, on a real disk.

use std::process::Command;
use std::sync::Arc;

use tradewind_prove::store::{Options, child, run};

use crate::number;

/// Set for the process that is to be killed: this same program, of which it runs one test.
const CHILD: &str = "TRADEWIND_KILLED_CHILD";

#[test]
fn what_a_killed_process_was_told_to_be_durable_is_there() {
    let program = std::env::current_exe().unwrap();
    let command = move || {
        let mut command = Command::new(&program);
        command.args(["--exact", "kill::the_process_that_is_killed", "--nocapture", "--quiet"]).env(CHILD, "1");
        command
    };
    let options = Options {
        rounds: 0,
        kills: number("TRADEWIND_KILLS", 200),
        seed: number("TRADEWIND_SEED", 1),
        folder: None,
        child: Some(Arc::new(command)),
    };
    let report = run(&options, |_| {});
    println!("{report}");
    assert!(report.is_proven(), "{report}");
    assert_eq!(report.kill_rounds, options.kills);
}

#[test]
fn the_process_that_is_killed() {
    if std::env::var_os(CHILD).is_some() {
        child::main().unwrap();
    }
}
