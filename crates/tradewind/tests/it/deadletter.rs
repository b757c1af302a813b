//! `tradewind deadletter` against a service that has parked something.

use std::net::{Ipv4Addr, SocketAddr};
use std::process::{Output, Stdio};
use std::sync::Arc;

use futures_core::future::BoxFuture;
use serde_json::Value;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;
use tradewind_events::{
    Append, Event, EventStore, EventType, ExpectedRevision, Query, Recorded, StreamId, SystemClock, Timestamp,
};
use tradewind_service::{Host, HostOptions, Issuer, Reaction, ReactionError, ServiceHandle};
use tradewind_store::OpenOptions;

use crate::{stderr_of, tradewind, until};

/// Cannot handle what weighs too much.
struct Weigh;

impl Reaction for Weigh {
    fn name(&self) -> &'static str {
        "weigh-parcels"
    }

    fn query(&self) -> Query {
        Query::category("parcel")
    }

    fn react<'a>(&'a self, event: &'a Recorded, _issuer: &'a Issuer) -> BoxFuture<'a, Result<(), ReactionError>> {
        Box::pin(async move {
            let said: Value = event.parse()?;
            match said["grams"].as_u64() {
                Some(0..=1_000) => Ok(()),
                Some(_) => Err(ReactionError::Poison("it is too heavy".to_owned())),
                None => Err(ReactionError::Unreadable("missing field `grams`".to_owned())),
            }
        })
    }
}

/// A service at work in this process.
struct Running {
    runtime: Runtime,
    store: Arc<dyn EventStore>,
    handle: ServiceHandle,
    stop: CancellationToken,
    _folder: tempfile::TempDir,
}

impl Running {
    fn start() -> Self {
        let (runtime, folder) = (Runtime::new().unwrap(), tempfile::tempdir().unwrap());
        let stop = CancellationToken::new();
        let (store, handle) = runtime.block_on(async {
            let url = format!("file:{}", folder.path().join("events").display());
            let store = tradewind_store::open(&url, OpenOptions::default()).await.unwrap();
            let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            let options = HostOptions::new("parcels", listen, folder.path());
            let mut host = Host::new(options, store.clone(), Arc::new(SystemClock));
            host.reaction(Weigh).unwrap();
            let (service, handle) = host.bind().await.unwrap();
            tokio::spawn(service.run(stop.clone().cancelled_owned()));
            (store, handle)
        });
        Self { runtime, store, handle, stop, _folder: folder }
    }

    fn record(&self, parcel: &str, data: &Value) {
        let event = Event::new(EventType::new("ParcelWeighed").unwrap(), Timestamp::EPOCH, data).unwrap();
        let append = Append::to(StreamId::of("parcel", parcel).unwrap(), ExpectedRevision::Any, vec![event]);
        self.runtime.block_on(self.store.append(append)).unwrap();
    }

    fn parked(&self) -> u64 {
        self.handle.followers()[0].aside.parked.keys
    }

    fn ask(&self, verb: &str, line: &str) -> Output {
        let mut command = tradewind();
        command.args(["deadletter", verb, &format!("http://{}", self.handle.address())]);
        command.args(line.split_whitespace()).stdin(Stdio::null()).output().unwrap()
    }

    fn json(&self, verb: &str, line: &str) -> Value {
        let output = self.ask(verb, &format!("{line} --json"));
        assert!(output.status.success(), "{}", stderr_of(&output));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

#[test]
fn what_is_parked_is_listed_shown_mended_and_met_again_or_given_up() {
    let running = Running::start();
    let grams = |grams: u64| serde_json::json!({ "grams": grams });
    for (parcel, said) in [("a", grams(5_000)), ("a", grams(1)), ("b", serde_json::json!({})), ("c", grams(2))] {
        running.record(parcel, &said);
    }
    until(|| running.parked() == 2);

    let keys = running.json("list", "");
    assert_eq!((&keys["items"][0]["key"], &keys["items"][1]["failure"]), (&"parcel-a".into(), &"unreadable".into()));
    let told = running.ask("list", "--failure poison");
    let told = String::from_utf8_lossy(&told.stdout).into_owned();
    assert!(told.starts_with("weigh-parcels parcel-a: parked poison, 2 events from position 1, 1 attempts"), "{told}");
    assert!(told.contains("it is too heavy") && !told.contains("parcel-b"), "{told}");

    let dry = running.json("redrive", "--all --dry-run");
    assert_eq!((&dry["keys"], &dry["events"], running.parked()), (&2.into(), &3.into(), 2));
    let a = "--follower weigh-parcels --key parcel-a";
    let fixed = running.ask("fix", &format!("{a} --position 1 --data {{\"grams\":500}} --actor ann"));
    assert!(fixed.status.success(), "{}", stderr_of(&fixed));
    assert_eq!(running.json("show", a)["queue"][0]["fixed"]["grams"], 500);
    assert_eq!(running.json("redrive", a)["events"], 2);
    until(|| running.parked() == 1);
    let dropped = running.ask("drop", "--failure unreadable");
    assert!(String::from_utf8_lossy(&dropped.stdout).starts_with("dropped 1 events of 1 keys"));
    until(|| running.parked() == 0);
    assert_eq!(String::from_utf8_lossy(&running.ask("list", "").stdout), "no key is parked\n");
}

#[test]
fn what_cannot_be_asked_is_refused_with_a_code() {
    let running = Running::start();
    for (verb, line, status, code) in [
        ("show", "--follower weigh-parcels --key parcel-z", 1, "error[TW-2003]: "),
        ("show", "--follower nobody --key parcel-z", 1, "error[TW-2003]: "),
        ("list", "--state lost", 1, "error[TW-2002]: "),
        ("redrive", "", 2, "--all"),
        ("redrive", "--all --failure poison", 2, "cannot be used with"),
        ("redrive", "--key parcel-a", 2, "--follower"),
    ] {
        let output = running.ask(verb, line);
        let told = stderr_of(&output);
        assert_eq!(output.status.code(), Some(status), "{verb} {line}: {told}");
        assert!(told.contains(code), "{verb} {line}: {told}");
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (url, code) in [(format!("http://{free}"), "TW-2023"), ("ftp://shop".to_owned(), "TW-2002")] {
        let output = tradewind().args(["deadletter", "list", &url]).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr_of(&output).starts_with(&format!("error[{code}]: ")), "{}", stderr_of(&output));
    }
}
