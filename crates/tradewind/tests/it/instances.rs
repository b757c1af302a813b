//! A service as several processes behind one address.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::service::described;
use crate::{Up, folder, get, send_signal, until};

fn manifest(more: &str) -> String {
    format!(
        "[gateway.routes]\n\"/\" = \"many\"\n{}{}\n[seed]\nrun = ['sh', '-c', 'echo reached at {{upstream:many}}']\n",
        described("many", "numbered", more),
        described("behind", "ok", "after = [\"many\"]"),
    )
}

/// The last word of what an address answers.
fn who_answers(address: &str) -> String {
    let answer = get(address, "/x");
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    answer.rsplit_once("\r\n\r\n").unwrap().1.to_owned()
}

fn all_who_answer(address: &str) -> BTreeSet<String> {
    (0..60).map(|_| who_answers(address)).collect()
}

/// Waits until these have answered and no others. Which one is asked depends on how fast each has been, so that on a busy
/// machine one may be left out for a while.
fn until_all_answer(address: &str, all: &BTreeSet<String>) {
    until(|| all_who_answer(address) == *all);
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// Where those are told to ask who follow the service.
fn upstream(up: &Up) -> String {
    let line = up.until("log", |line| line["service"] == "seed" && line["text"].as_str().unwrap().contains("reached"));
    line["text"].as_str().unwrap().strip_prefix("reached at http://").unwrap().to_owned()
}

#[test]
fn all_instances_answer_and_while_one_is_killed_the_others_do() {
    let folder = folder(&manifest("instances = 3"));
    let up = Up::start(folder.path());
    let told = up.until("up", |_| true);
    let gateway = told["gateway"].as_str().unwrap().strip_prefix("http://").unwrap();
    let upstream = upstream(&up);
    let instances: Vec<&Value> =
        told["services"].as_array().unwrap().iter().filter(|status| status["service"] == "many").collect();
    assert_eq!(instances.iter().map(|it| it["instance"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2, 3]);
    for folder in [".tradewind/many", ".tradewind/many.2", ".tradewind/many.3"].map(|it| folder.path().join(it)) {
        assert!(folder.is_dir(), "{folder:?}");
    }
    let all = names(&["many.1", "many.2", "many.3"]);
    for address in [gateway, &upstream] {
        until_all_answer(address, &all);
    }

    for status in &instances {
        let (number, pid) = (status["instance"].as_u64().unwrap(), status["pid"].as_u64().unwrap());
        send_signal(u32::try_from(pid).unwrap(), "-KILL");
        let killed = Instant::now();
        // Told or not yet: nobody notices.
        while killed.elapsed() < Duration::from_millis(100) {
            who_answers(gateway);
            who_answers(&upstream);
        }
        up.until("fell", |line| line["service"] == "many" && line["instance"] == number);
        up.until("ready", |line| line["service"] == "many" && line["instance"] == number);
        until_all_answer(gateway, &all);
    }

    up.signal("-INT");
    for _ in 0..3 {
        up.until("stopped", |line| line["service"] == "many" && line["killed"] == false);
    }
    up.until("down", |_| true);
}

#[test]
fn how_many_there_are_is_said_by_the_manifest_or_its_profile_or_the_command_line() {
    let profile = "[profiles.wide]\ninstances = { many = 2 }\n";
    let folder = folder(&format!("{}{profile}", manifest("")));
    for (arguments, all) in [
        (&[][..], &["many.1"][..]),
        (&["--profile", "wide"], &["many.1", "many.2"]),
        (&["--profile", "wide", "--scale", "many=3", "--scale", "behind=2"], &["many.1", "many.2", "many.3"]),
        (&["--scale", "many=1"], &["many.1"]),
    ] {
        let mut up = Up::start_with(folder.path(), arguments);
        let gateway = up.until_up();
        until_all_answer(&gateway, &names(all));
        up.signal("-INT");
        assert!(up.until_ended().success());
    }
}
