//! `tradewind prove`

use std::process::Stdio;

use serde_json::Value;

use crate::{send_signal, stderr_of, tradewind, until};

#[test]
fn the_store_is_proven_on_simulated_disks_and_by_killing_this_program() {
    let output = tradewind().args(["prove", "store", "--rounds", "5", "--kills", "2", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["simulated_rounds"], &report["kill_rounds"]), (&5.into(), &2.into()));
    assert_eq!(report["failures"], Value::Array(Vec::new()));
}

#[test]
fn a_folder_that_is_not_there_is_told_at_once_and_is_no_broken_promise() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tradewind();
    let output = command.args(["prove", "store", "--folder", "nope"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = stderr_of(&output);
    assert!(told.starts_with("error: the proof could not be run: nope: "), "{told}");
    assert!(!String::from_utf8_lossy(&output.stdout).contains("not kept"));
}

#[test]
fn an_interrupted_proof_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tradewind();
    command.args(["prove", "store", "--rounds", "0", "--kills", "1000000", "--json", "--folder"]).arg(folder.path());
    let child = command.stdout(Stdio::piped()).spawn().unwrap();
    let entries = || std::fs::read_dir(folder.path()).unwrap().count();
    until(|| entries() > 0);
    send_signal(child.id(), "-INT");
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["failures"], Value::Array(Vec::new()));
    assert_eq!(entries(), 0);
}
