//! What is killed comes back, and what `up` started never outlives it.

use crate::service::described;
use crate::{Up, folder, get, send_signal, until, until_dead};

fn manifest() -> String {
    let routes = "[gateway.routes]\n\"/\" = \"one\"\n";
    format!("{routes}{}{}", described("one", "ok", ""), described("two", "ok", ""))
}

#[test]
fn a_killed_service_comes_back_behind_the_same_address() {
    let folder = folder(&manifest());
    let up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap();
    let mut pid = told["services"][0]["pid"].as_u64().unwrap();
    for _ in 0..3 {
        assert!(get(gateway, "/").ends_with("one"));
        send_signal(u32::try_from(pid).unwrap(), "-9");
        let fell = up.until("fell", |line| line["service"] == "one");
        assert_eq!(fell["reason"], "was killed (signal 9)");
        let ready = up.until("ready", |line| line["service"] == "one");
        assert_ne!(ready["pid"], pid);
        pid = ready["pid"].as_u64().unwrap();
    }
    assert!(get(gateway, "/").ends_with("one"));
}

#[test]
fn a_service_that_was_left_alone_while_it_was_down_is_asked_as_soon_as_it_is_ready() {
    let upstream = "[gateway.upstreams.one]\nunreachable_for = \"0s\"\n\
         breaker = { minimum = 5, first_open = \"300s\", longest_open = \"300s\" }\n";
    let one = described("one", "ok", "restart = { first_delay = \"3s\" }");
    let folder = folder(&format!("[gateway.routes]\n\"/\" = \"one\"\n{upstream}{one}"));
    let up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap();
    assert!(get(gateway, "/").ends_with("one"));
    send_signal(u32::try_from(told["services"][0]["pid"].as_u64().unwrap()).unwrap(), "-9");
    until(|| get(gateway, "/").contains("TW-3021"));
    up.until("ready", |line| line["service"] == "one");
    until(|| get(gateway, "/").ends_with("one"));
}

#[test]
fn a_killed_up_leaves_no_service_behind() {
    let folder = folder(&manifest());
    let mut up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    up.signal("-9");
    up.until_ended();
    for n in 0..2 {
        until_dead(told["services"][n]["pid"].as_u64().unwrap());
    }
    // Nothing of it is in the way of the next one: neither the lock nor a port.
    let again = Up::start(folder.path());
    let again = again.until("up", |_| true);
    assert_eq!(again["services"][0]["address"], told["services"][0]["address"]);
}

#[test]
fn a_service_that_keeps_falling_fails_alone() {
    let policy = "restart = { first_delay = \"10ms\", falls = 3 }";
    let folder = folder(&format!("{}{}", described("bad", "falls", policy), described("good", "ok", "")));
    let up = Up::start(folder.path());
    let failed = up.until("failed", |line| line["service"] == "bad");
    assert_eq!(failed["code"], "TW-4004");
    assert!(failed["last_lines"].as_array().unwrap().iter().any(|line| line == "bad cannot go on"), "{failed}");
    let told = up.until("up", |_| true);
    assert_eq!(told["services"][0]["state"], "failed");
    assert_eq!(told["services"][1]["state"], "ready");
}

#[test]
fn the_seed_says_for_whom_it_waits_and_runs_when_what_failed_comes_back() {
    let policy = "restart = { longest_delay = \"10ms\", falls = 1 }";
    let seed = "[seed]\nrun = ['sh', '-c', 'echo seeding']\n";
    let folder = folder(&format!("{}{}{seed}", described("bad", "falls-until", policy), described("good", "ok", "")));
    let up = Up::start(folder.path());
    let waiting = up.until("seed-waiting", |_| true);
    assert_eq!(waiting["services"], serde_json::json!(["bad"]));
    std::fs::write(folder.path().join("mended"), "yes").unwrap();
    up.until("ready", |line| line["service"] == "bad");
    assert_eq!(up.until("seeded", |_| true)["ok"], true);
}

#[test]
fn a_second_interrupt_ends_everything_at_once() {
    let folder = folder(&manifest());
    let mut up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let pid = told["services"][0]["pid"].as_u64().unwrap();
    // A stopped process does not hear SIGTERM, so draining it takes its whole time.
    send_signal(u32::try_from(pid).unwrap(), "-STOP");
    let begun = std::time::Instant::now();
    up.signal("-INT");
    up.until("draining", |line| line["service"] == "one");
    up.signal("-INT");
    assert!(up.until_ended().success());
    assert!(begun.elapsed() < std::time::Duration::from_secs(5), "{:?}", begun.elapsed());
    until_dead(pid);
}
