//! `tradewind store …` on folders and URLs.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Output, Stdio};

use serde_json::Value;

use crate::{send_signal, stderr_of, tradewind};

fn store(folder: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = tradewind();
    command.arg("store").args(arguments).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

/// Runs a command that must succeed; its standard output.
fn done(folder: &Path, arguments: &[&str]) -> String {
    let output = store(folder, arguments, "");
    assert!(output.status.success(), "{arguments:?}: {}", stderr_of(&output));
    String::from_utf8(output.stdout).unwrap()
}

fn note(folder: &Path, store_name: &str, stream: &str, number: u32) {
    let data = format!("{{\"n\":{number}}}");
    done(folder, &["append", store_name, "--stream", stream, "--type", "NoteTaken", "--data", &data]);
}

fn numbers(lines: &str) -> Vec<u64> {
    lines.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["data"]["n"].as_u64().unwrap()).collect()
}

struct Served {
    child: Child,
    url: String,
}

impl Served {
    fn start(folder: &Path, store_name: &str) -> Self {
        let mut command = tradewind();
        command.args(["store", "serve", store_name, "--listen", "127.0.0.1:0"]).current_dir(folder);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let url = line.trim().rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("http://"), "{line}");
        Self { child, url }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_is_appended_is_read_counted_and_found_sound() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for number in 1..=3 {
        note(folder, "data", "note-1", number);
    }
    note(folder, "data", "memo-1", 4);
    assert_eq!(numbers(&done(folder, &["read", "data"])), [1, 2, 3, 4]);
    assert_eq!(numbers(&done(folder, &["read", "data", "--category", "memo"])), [4]);
    assert_eq!(numbers(&done(folder, &["read", "file:data", "--stream", "note-1", "--backward"])), [3, 2, 1]);
    assert_eq!(numbers(&done(folder, &["read", "data", "--after", "1", "--limit", "2"])), [2, 3]);
    let stat: Value = serde_json::from_str(&done(folder, &["stat", "data", "--json"])).unwrap();
    assert_eq!((&stat["store"]["events"], &stat["store"]["streams"]), (&4.into(), &2.into()));
    assert!(done(folder, &["verify", "data"]).starts_with("4 events in "));
}

#[test]
fn an_expected_revision_that_is_wrong_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    note(folder.path(), "data", "note-1", 1);
    let arguments = ["append", "data", "--stream", "note-1", "--type", "T", "--data", "{}", "--expected", "none"];
    let refused = store(folder.path(), &arguments, "");
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr_of(&refused).starts_with("error[TW-1001]: "), "{}", stderr_of(&refused));
    assert_eq!(numbers(&done(folder.path(), &["read", "data"])), [1]);
}

#[test]
fn an_export_is_imported_once_however_often_it_is_tried() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for number in 1..=3 {
        note(folder, "old", "note-1", number);
    }
    done(folder, &["export", "old", "--output", "events.ndjson"]);
    assert_eq!(done(folder, &["import", "new", "events.ndjson"]), "3 events imported, 0 were there already\n");
    assert_eq!(done(folder, &["import", "new", "events.ndjson"]), "0 events imported, 3 were there already\n");
    assert_eq!(done(folder, &["export", "new"]).replace("file:new", "file:old").lines().count(), 3);
    let malformed = store(folder, &["import", "new"], "{\"no\":\"event\"}\n");
    assert!(stderr_of(&malformed).starts_with("error[TW-1014]: line 1: "), "{}", stderr_of(&malformed));
}

#[test]
fn a_served_store_is_used_by_its_url_and_its_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let mut served = Served::start(folder, "data");
    note(folder, &served.url, "note-1", 7);
    assert_eq!(numbers(&done(folder, &["read", &served.url])), [7]);
    let refused = store(folder, &["read", "data"], "");
    let told = stderr_of(&refused);
    assert!(told.starts_with("error[TW-1012]: ") && told.contains(&served.child.id().to_string()), "{told}");
    send_signal(served.child.id(), "-TERM");
    assert!(served.child.wait().unwrap().success());
    assert_eq!(numbers(&done(folder, &["read", "data"])), [7]);
}

#[test]
fn whoever_tails_a_folder_is_told_that_nothing_can_come_and_a_url_is_tailed_live() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    note(folder, "data", "note-1", 1);
    let mut command = tradewind();
    command.args(["store", "tail", "data"]).current_dir(folder).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut tailing = command.spawn().unwrap();
    let told = BufReader::new(tailing.stderr.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(told, "warning: nobody else can append to data while this has it open");
    tailing.kill().unwrap();
    tailing.wait().unwrap();

    // As the README has it.
    let served = Served::start(folder, "data");
    let mut command = tradewind();
    command.args(["store", "tail", &served.url, "--after", "1"]).current_dir(folder);
    let mut tailing = command.stdout(Stdio::piped()).spawn().unwrap();
    note(folder, &served.url, "note-1", 2);
    let line = BufReader::new(tailing.stdout.take().unwrap()).lines().next().unwrap().unwrap();
    assert_eq!(numbers(&line), [2]);
    tailing.kill().unwrap();
    tailing.wait().unwrap();
}

#[test]
fn a_mistyped_folder_does_not_become_a_store() {
    let folder = tempfile::tempdir().unwrap();
    for command in ["read", "stat", "verify", "export", "tail", "reclaim"] {
        let refused = store(folder.path(), &[command, "no-such-folder"], "");
        assert!(stderr_of(&refused).starts_with("error[TW-1013]: "), "{command}: {}", stderr_of(&refused));
        assert!(!folder.path().join("no-such-folder").exists(), "{command} made it");
    }
}

#[test]
fn damage_is_named_with_its_place_and_fails_the_verification() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    for number in 1..=3 {
        note(folder, "data", "note-1", number);
    }
    let mut logs: Vec<_> = std::fs::read_dir(folder.join("data")).unwrap().map(|file| file.unwrap().path()).collect();
    logs.retain(|path| path.extension().is_some_and(|extension| extension == "log"));
    logs.sort();
    let mut bytes = std::fs::read(&logs[0]).unwrap();
    let at = bytes.windows(7).position(|window| window == b"{\"n\":1}").unwrap();
    bytes[at] ^= 1;
    std::fs::write(&logs[0], bytes).unwrap();
    let verified = store(folder, &["verify", "data"], "");
    assert_eq!(verified.status.code(), Some(1));
    let said = String::from_utf8_lossy(&verified.stdout).into_owned();
    assert!(said.contains("LOSS: ") && said.contains(" at offset "), "{said}");
    assert!(stderr_of(&verified).starts_with("error[TW-1010]: "), "{}", stderr_of(&verified));
    let opened = store(folder, &["read", "data"], "");
    assert!(stderr_of(&opened).starts_with("error[TW-1010]: "), "{}", stderr_of(&opened));
}

#[test]
fn a_folder_moves_and_says_where_to() {
    let place = tempfile::tempdir().unwrap();
    let folder = place.path();
    for number in 0..5 {
        note(folder, "old", &format!("note-{}", number % 2), number);
    }
    let before = done(folder, &["read", "old"]).replace("file:old", "");
    let told: Value = serde_json::from_str(&done(folder, &["move", "old", "new", "--json"])).unwrap();
    assert_eq!((told["events"].as_u64(), told["thereBefore"].as_u64()), (Some(5), Some(0)), "{told}");
    assert!(told["stoppedMs"].as_f64().is_some_and(|waited| waited >= 0.0), "{told}");
    assert_eq!(done(folder, &["read", "new"]).replace("file:new", ""), before);
    let gone = store(folder, &["read", "old"], "");
    let said = stderr_of(&gone);
    assert!(!gone.status.success() && said.contains("TW-1017") && said.contains("/new"), "{said}");
    for (arguments, code) in [
        (["move", "nothing", "elsewhere"], "TW-1013"),
        (["move", "new", "./new"], "TW-1018"),
        (["move", "new", "http://127.0.0.1:7100"], "TW-1018"),
        (["move", "old", "elsewhere"], "TW-1017"),
    ] {
        let refused = store(folder, &arguments, "");
        assert!(!refused.status.success() && stderr_of(&refused).contains(code), "{}", stderr_of(&refused));
    }
    note(folder, "new", "note-1", 5);
    std::fs::remove_file(folder.join("old/moved-to")).unwrap();
    assert_eq!(numbers(&done(folder, &["read", "old"])), [0, 1, 2, 3, 4]);
}
