//! Processes that are killed while they append, on a real disk.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::Arc;

use tradewind_log::{DiskStorage, Log, OpenError};
use tradewind_prove::store::session::options;
use tradewind_prove::store::{Options, child, run};

use crate::number;

/// Set for the process that is to be killed: this same program, of which it runs one test.
const CHILD: &str = "TRADEWIND_KILLED_CHILD";

fn command() -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "kill::the_process_that_is_killed", "--nocapture", "--quiet"]).env(CHILD, "1");
    command
}

#[test]
fn what_a_killed_process_was_told_to_be_durable_is_there() {
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
fn a_second_process_is_told_who_has_the_log() {
    let folder = tempfile::tempdir().unwrap();
    let mut child = command().stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let start = child::Assignment { folder: folder.path().to_path_buf(), seed: 1, start: 0, segment_bytes: 64 << 10 };
    writeln!(child.stdin.as_mut().unwrap(), "{start}").unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let told = |line: String| matches!(child::Said::parse(&line), Some(child::Said::Acknowledged { .. }));
    assert!(lines.any(|line| told(line.unwrap())), "the first process does not write");

    let before = std::fs::metadata(folder.path().join("segment-0000000000.log")).unwrap().len();
    let refusal = Log::open_folder(folder.path(), options(64 << 10)).err().unwrap();
    assert!(matches!(refusal, OpenError::Locked { .. }), "{refusal}");
    assert!(refusal.to_string().contains(&child.id().to_string()), "{refusal} does not name {}", child.id());
    let storage = DiskStorage::new(folder.path()).unwrap();
    assert!(matches!(tradewind_log::verify(&storage, |_, _| {}), Err(OpenError::Locked { .. })));
    assert_eq!(std::fs::metadata(folder.path().join("segment-0000000000.log")).unwrap().len(), before);

    child.kill().unwrap();
    child.wait().unwrap();
    let log = Log::open_folder(folder.path(), options(64 << 10)).unwrap();
    assert!(log.head() > 0);
}

#[test]
fn the_process_that_is_killed() {
    if std::env::var_os(CHILD).is_some() {
        child::main().unwrap();
    }
}
