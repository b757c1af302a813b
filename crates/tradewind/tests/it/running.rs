//! Starting, serving, seeding and stopping.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use crate::service::described;
use crate::{Up, folder, get, is_alive, until, until_dead, up_once};

fn two_services() -> String {
    format!(
        "[gateway.routes]\n\"/api/back\" = \"back\"\n\"/\" = \"front\"\n[gateway.open]\n\"the page\" = \"/\"\n{}{}",
        described("back", "ok", "build = \"sh -c 'echo once >> built'\""),
        described("front", "ok", "build = \"sh -c 'echo once >> built'\"\nafter = [\"back\"]"),
    )
}

#[test]
fn one_address_serves_all_services_and_an_interrupt_ends_all() {
    let folder = folder(&two_services());
    let mut up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap();
    assert!(get(gateway, "/api/back/x").ends_with("back"));
    assert!(get(gateway, "/index.html").ends_with("front"));
    assert_eq!(told["open"][0]["url"], format!("http://{gateway}/"));
    let pids: Vec<u64> = (0..2).map(|n| told["services"][n]["pid"].as_u64().unwrap()).collect();
    assert!(pids.iter().all(|pid| is_alive(*pid)));
    for name in ["back", "front"] {
        assert!(folder.path().join(".tradewind").join(name).is_dir());
    }

    up.signal("-INT");
    up.until("stopped", |line| line["service"] == "front" && line["killed"] == false);
    up.until("stopped", |line| line["service"] == "back");
    up.until("down", |_| true);
    assert!(up.until_ended().success());
    assert!(!pids.iter().any(|pid| is_alive(*pid)));
}

#[test]
fn equal_builds_run_once_and_not_at_all_when_told_so() {
    let folder = folder(&two_services());
    let up = Up::start(folder.path());
    up.until_up();
    let built = || std::fs::read_to_string(folder.path().join("built")).unwrap();
    assert_eq!(built(), "once\n");
    up.signal("-INT");
    up.until("down", |_| true);
    drop(up);
    Up::start_with(folder.path(), &["--no-build"]).until_up();
    assert_eq!(built(), "once\n");
}

#[test]
fn the_seed_runs_when_all_are_ready_and_knows_the_gateway() {
    let seed = "[seed]\nrun = ['sh', '-c', 'echo seeding {gateway}']\n";
    let folder = folder(&format!("{}{seed}", two_services()));
    let up = Up::start(folder.path());
    let gateway = up.until_up();
    up.until("log", |line| line["service"] == "seed" && line["text"] == format!("seeding http://{gateway}"));
    let seeded = up.until("seeded", |_| true);
    assert_eq!(seeded["ok"], true);
}

#[test]
fn a_seed_that_fails_is_tried_again_and_the_services_stay() {
    let seed = "[seed]\nrun = ['sh', '-c', 'echo try >> tries; test $(wc -l < tries) -ge 2']\n";
    let folder = folder(&format!("{}{seed}", two_services()));
    let up = Up::start(folder.path());
    assert_eq!(up.until("seeded", |_| true)["ok"], true);
    assert_eq!(std::fs::read_to_string(folder.path().join("tries")).unwrap(), "try\ntry\n");
}

#[test]
fn an_interrupt_during_the_build_ends_it_and_what_it_started() {
    let build = "build = ['sh', '-c', 'echo pid $$; sleep 60']";
    let folder = folder(&described("one", "ok", build));
    let mut up = Up::start(folder.path());
    let line = up.until("log", |line| line["service"] == "build");
    let pid: u64 = line["text"].as_str().unwrap().strip_prefix("pid ").unwrap().parse().unwrap();
    up.signal("-TERM");
    assert!(up.until_ended().success());
    until_dead(pid);
}

#[test]
fn a_person_sees_a_table_then_logs_without_colours_in_a_pipe() {
    let folder = folder(&two_services());
    let mut command = crate::tradewind();
    command.args(["up", "--port", "0"]).current_dir(folder.path()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut text = String::new();
    // Its log lines come behind the table.
    while !["back begins", "front begins"].iter().all(|line| text.contains(line)) {
        let line = lines.next().unwrap_or_else(|| panic!("{text}")).unwrap();
        text.push_str(&line);
        text.push('\n');
    }
    crate::send_signal(child.id(), "-INT");
    for line in lines {
        text.push_str(&line.unwrap());
        text.push('\n');
    }
    assert!(child.wait().unwrap().success());
    let table = text.find("SERVICE   STATE   PID").unwrap_or_else(|| panic!("{text}"));
    assert!(text[table..].contains("front     ready"), "{text}");
    assert!(text.find("back begins").unwrap() > table, "{text}");
    assert!(text.contains("the page   http://127.0.0.1:") && text.ends_with("all stopped\n"), "{text}");
    assert!(!text.contains('\x1b'), "{text}");
}

#[test]
fn one_interrupt_ends_all_even_if_nobody_reads_what_is_told() {
    for json in [&["--json"][..], &[]] {
        let folder = folder(&described("one", "chatty", ""));
        let mut command = crate::tradewind();
        command.args(["up", "--port", "0"]).args(json).current_dir(folder.path());
        // Taken and never read from: the pipe is soon full, and stays so.
        let (unread, writer) = std::io::pipe().unwrap();
        let child = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
        let mut up = Up { child, lines: std::sync::mpsc::sync_channel(1).1 };
        drop(command);
        until(|| folder.path().join("chatted").exists());
        up.signal("-INT");
        assert!(up.until_ended().success());
        drop(unread);
    }
}

#[test]
fn a_second_up_in_the_same_folder_is_told_of_the_first() {
    let folder = folder(&two_services());
    let up = Up::start(folder.path());
    let gateway = up.until_up();
    let second = up_once(folder.path(), &["--port", "0"]);
    assert_eq!(second.status.code(), Some(1));
    let told = crate::stderr_of(&second);
    assert!(told.starts_with("error[TW-4005]: another `tradewind up` (process "), "{told}");
    assert!(told.contains(&format!("at http://{gateway}")) && told.contains("help: "), "{told}");
}
