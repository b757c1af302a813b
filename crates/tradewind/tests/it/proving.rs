//! `tradewind prove`

use std::process::{Command, Stdio};

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

/// By what ways must be cut here: by the kernel, where root may make a network namespace.
///
/// # Panics
/// If root lacks a program for it, with the line that installs it.
fn network() -> Option<&'static str> {
    // SAFETY: it only asks.
    let is_root = unsafe { libc::geteuid() } == 0;
    if !is_root || is_left_out("network") {
        return None;
    }
    let succeeds = |arguments: &[&str]| {
        let mut trying = Command::new(arguments[0]);
        trying.args(&arguments[1..]).stdout(Stdio::null()).stderr(Stdio::null());
        trying.status().is_ok_and(|status| status.success())
    };
    let all = [["iptables", "--version"], ["ip", "-V"], ["unshare", "--version"]];
    let is_there = all.iter().all(|program| succeeds(program));
    assert!(
        is_there,
        "networks cannot be cut: `apt-get install -y --no-install-recommends iptables iproute2 util-linux`, or let \
         proxies stand for them with TRADEWIND_TEST_SKIP=network"
    );
    // In a container root may lack the right, which nothing that is installed gives.
    let may = succeeds(&["unshare", "--net", "--", "iptables", "-w", "5", "-S"]);
    may.then_some("packets that the kernel drops")
}

/// A few rounds of everything: processes killed, ways cut, servers killed where they are the proof's own.
fn messages_are_proven(broker: &str, store: &str, rounds: u64) {
    let network = network();
    let mut command = tradewind();
    let rounds_told = rounds.to_string();
    command.args(["prove", "messages", "--json", "--seed", "5"]);
    command.args(["--broker", broker, "--store", store, "--rounds", &rounds_told]);
    let output = command.output().unwrap();
    let told = format!("{}\n{}", String::from_utf8_lossy(&output.stdout), stderr_of(&output));
    assert!(output.status.success(), "{told}");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["rounds"], rounds, "{told}");
    assert!(network.is_none_or(|network| report["network"] == network), "{told}");
    // Each way can be cut, those to a server that tells its clients where it is as well.
    assert_eq!(report["notes"], Value::Array(Vec::new()), "{told}");
    for nothing in ["lost", "duplicated", "inversions", "foreign"] {
        assert_eq!(report[nothing], 0, "{nothing}: {told}");
    }
    let (events, effects) = (report["events"].as_u64().unwrap(), report["effects"].as_u64().unwrap());
    assert!(events > 100 * rounds && effects == 2 * events, "{told}");
    let faults = report["faults"].as_object().unwrap();
    assert!(faults.values().filter_map(Value::as_u64).sum::<u64>() >= rounds, "{told}");
}

fn is_left_out(server: &str) -> bool {
    std::env::var("TRADEWIND_TEST_SKIP").unwrap_or_default().split(',').any(|skip| skip.trim() == server)
}

#[test]
fn messages_are_proven_over_feeds() {
    messages_are_proven("feeds", "file:", 4);
}

#[test]
fn messages_are_proven_over_nats() {
    if !is_left_out("nats") {
        messages_are_proven("nats", "file:", 6);
    }
}

#[test]
fn messages_are_proven_over_rabbitmq_out_of_postgresql() {
    if !is_left_out("rabbitmq") && !is_left_out("postgres") {
        messages_are_proven("rabbitmq", "postgres:", 4);
    }
}

#[cfg(feature = "kafka")]
#[test]
fn messages_are_proven_over_kafka() {
    if !is_left_out("kafka") {
        messages_are_proven("kafka", "file:", 4);
    }
}

#[test]
fn a_broker_that_nobody_knows_is_told() {
    let output = tradewind().args(["prove", "messages", "--broker", "pigeons"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr_of(&output).contains("there are feeds, nats, rabbitmq, kafka"), "{}", stderr_of(&output));
}

/// Nothing was looked at, so nothing is left behind.
#[test]
fn a_broker_that_is_away_is_told_and_is_no_broken_promise() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = tradewind();
    command.args(["prove", "messages", "--broker", "nats://127.0.0.1:1", "--json", "--folder"]).arg(folder.path());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_of(&output).contains("the proof could not be run: the broker cannot be reached"));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&report["failures"], &report["folder"]), (&Value::Array(Vec::new()), &Value::Null));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}
