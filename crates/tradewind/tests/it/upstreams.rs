//! Services that somebody else runs: `up` with a gateway alone before them, changed while it runs.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::{Up, folder, get, stderr_of, tradewind, until, up_once};

/// A service that answers everything with its name, and keeps its connections; under `/tired` 503 every other time.
struct Named {
    port: u16,
    asked: Arc<AtomicUsize>,
}

impl Named {
    fn start(name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, asked) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&asked);
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let asked = Arc::clone(&counter);
                std::thread::spawn(move || serve(stream, name, &asked));
            }
        });
        Self { port, asked }
    }

    fn url(&self) -> String {
        format!("\"http://127.0.0.1:{}\"", self.port)
    }
}

fn serve(mut stream: TcpStream, name: &str, asked: &AtomicUsize) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        heard.extend_from_slice(&buffer[..read]);
        if !heard.ends_with(b"\r\n\r\n") {
            continue;
        }
        let number = asked.fetch_add(1, Ordering::SeqCst);
        let tired = heard.starts_with(b"GET /tired") && number.is_multiple_of(2);
        let status = if tired { "503 Service Unavailable" } else { "200 OK" };
        heard.clear();
        let length = name.len();
        if write!(stream, "HTTP/1.1 {status}\r\ncontent-length: {length}\r\n\r\n{name}").is_err() {
            return;
        }
    }
}

fn manifest(addresses: &[String], more: &str) -> String {
    let addresses = addresses.join(", ");
    format!("[gateway.routes]\n\"/\" = \"legacy\"\n[gateway.upstreams.legacy]\naddresses = [{addresses}]\n{more}\n")
}

#[test]
fn addresses_come_and_go_under_load_without_a_failed_request() {
    let [one, two, three] = ["one", "two", "three"].map(Named::start);
    let folder = folder(&manifest(&[one.url()], ""));
    let write = |text: String| {
        // As editors do it, so that no half of it is ever read.
        let (new, file) = (folder.path().join("new.toml"), folder.path().join("tradewind.toml"));
        std::fs::write(&new, text).unwrap();
        std::fs::rename(&new, &file).unwrap();
    };
    let mut up = Up::start(folder.path());
    let gateway = up.until_up();
    let (stop, answers) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(BTreeMap::<String, usize>::new())));
    let clients = (0..4).map(|_| {
        let (gateway, stop, answers) = (gateway.clone(), Arc::clone(&stop), Arc::clone(&answers));
        std::thread::spawn(move || {
            while !stop.load(Ordering::SeqCst) {
                let answer = get(&gateway, "/x");
                assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                let name = answer.rsplit("\r\n\r\n").next().unwrap_or_default().to_owned();
                *answers.lock().unwrap().entry(name).or_default() += 1;
                std::thread::sleep(Duration::from_millis(2));
            }
        })
    });
    let clients: Vec<_> = clients.collect();
    let told = |name: &str| answers.lock().unwrap().get(name).copied().unwrap_or(0);
    until(|| told("one") > 50);
    write(manifest(&[one.url(), two.url()], ""));
    until(|| told("two") > 50);
    write(manifest(&[two.url()], "slow_start = \"1s\"\nconnections = { idle_at_most = 1 }"));
    // In the time that it takes to be seen, it is still asked.
    until(|| {
        let before = one.asked.load(Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        one.asked.load(Ordering::SeqCst) == before
    });
    let by_name = format!("\"http://localhost:{}\"", three.port);
    write(manifest(&[by_name], "health = { path = \"/health\", every = \"100ms\" }"));
    until(|| told("three") > 50);
    stop.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().unwrap();
    }
    up.signal("-TERM");
    assert!(up.until_ended().success());
}

#[test]
fn how_a_service_is_called_follows_the_manifest_and_a_route_has_the_last_word() {
    let tired = Named::start("tired");
    let route = "[gateway.routes.\"/tired/once\"]\nto = \"legacy\"\nretries = { tries = 1 }";
    let folder = folder(&manifest(&[tired.url()], route));
    let up = Up::start(folder.path());
    let gateway = up.until_up();
    let all_well = |path: &str| (0..6).all(|_| get(&gateway, path).starts_with("HTTP/1.1 200"));
    assert!(all_well("/tired"), "it is tried again");
    assert!(!all_well("/tired/once"), "it is not");
    let more = format!("retries = false\n{}", route.replace("tries = 1", "tries = 2"));
    std::fs::write(folder.path().join("tradewind.toml"), manifest(&[tired.url()], &more)).unwrap();
    until(|| !all_well("/tired"));
    assert!(all_well("/tired/once"));
}

#[test]
fn each_request_is_logged_where_the_manifest_says() {
    let named = Named::start("named");
    let on_screen = folder(&manifest(&[named.url()], "[gateway.log]\naccess = \"json\""));
    let up = Up::start(on_screen.path());
    get(&up.until_up(), "/seen?token=secret");
    let line = up.until("log", |line| line["output"] == "stdout" && line["service"] == "gateway");
    let told: serde_json::Value = serde_json::from_str(line["text"].as_str().unwrap()).unwrap();
    assert_eq!((&told["path"], &told["service"]), (&"/seen".into(), &"legacy".into()));
    assert!(told.get("query").is_none());
    drop(up);

    let log = "[gateway.log]\naccess = { file = \"logs/access.log\", format = \"text\", query = true }";
    let in_file = folder(&manifest(&[named.url()], log));
    let mut up = Up::start(in_file.path());
    get(&up.until_up(), "/seen?x=1");
    up.signal("-TERM");
    assert!(up.until_ended().success());
    let told = std::fs::read_to_string(in_file.path().join("logs/access.log")).unwrap();
    assert!(told.contains(" GET /seen?x=1 200 5B "), "{told}");

    let wrong = folder(&manifest(&[named.url()], "[gateway.log]\naccess = \"tradewind.toml/access.log\""));
    let refused = up_once(wrong.path(), &["--port", "0"]);
    assert!(stderr_of(&refused).contains("the access log"), "{}", stderr_of(&refused));
}

/// What `explain --json` tells of a path's policies, and of how its service is called.
fn explained(manifest: &str, path: &str) -> (Vec<String>, Vec<String>) {
    let folder = folder(manifest);
    let told = tradewind().args(["gateway", "explain", path, "--json"]).current_dir(folder.path()).output().unwrap();
    let told: serde_json::Value =
        serde_json::from_slice(&told.stdout).unwrap_or_else(|_| panic!("{}", stderr_of(&told)));
    let lines = |key: &str| {
        let lines = told[key].as_array().cloned().unwrap_or_default();
        lines.iter().map(|line| line.as_str().unwrap().to_owned()).collect()
    };
    (lines("policies"), lines("upstream"))
}

#[test]
fn what_is_built_in_can_be_said_where_something_else_is_usual() {
    let once = "[gateway.policies]\nretries = false\n[gateway.upstreams.legacy]\naddresses = [\"127.0.0.1:9\"]\n\
         retries = true\n[gateway.routes.\"/x\"]\nto = \"legacy\"\ntry_timeout = \"1s\"\n";
    let (policies, _) = explained(once, "/x");
    let tries = |lines: &[String]| lines.iter().any(|line| line.starts_with("up to 2 tries"));
    assert!(tries(&policies), "the service says so: {policies:?}");

    let patient = "[gateway.policies]\ntry_timeout = \"5s\"\n[gateway.upstreams.legacy]\n\
         addresses = [\"127.0.0.1:9\"]\ntry_timeout = \"75s\"\n[gateway.routes]\n\"/\" = \"legacy\"\n\
         \"/x\" = { to = \"legacy\", try_timeout = \"5s\" }\n";
    let (policies, upstream) = explained(patient, "/x");
    assert!(policies.iter().any(|line| line.starts_with("a try within 5s")), "the route says so: {policies:?}");
    assert!(!upstream.iter().any(|line| line.starts_with("a try within")), "{upstream:?}");
    let (policies, upstream) = explained(patient, "/y");
    assert!(upstream.iter().any(|line| line.starts_with("a try within 75s")), "the service says so: {upstream:?}");
    assert!(!policies.iter().any(|line| line.starts_with("a try within")), "{policies:?}");
}

#[test]
fn a_service_that_others_run_can_be_named_above_its_addresses() {
    let named = "[gateway.policies]\npositions = \"legacy\"\n[gateway.upstreams.legacy]\n\
         addresses = [\"127.0.0.1:9\"]\n[gateway.routes]\n\"/\" = \"legacy\"\n";
    explained(named, "/x");
}
