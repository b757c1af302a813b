//! Starting: in health order, each with its folder and port.

use std::net::TcpListener;
use std::time::Duration;

use tradewind_fleet::{CommandTemplate, Fleet, FleetError, FleetEvent, State, who_listens_on};

use crate::tiny::{spec, spec_after};
use crate::{Running, options, order_of, taken_port};

#[tokio::test]
async fn services_start_in_health_order_each_with_its_own_folder() {
    let specs =
        vec![spec_after("third", "ok", &["second"]), spec_after("second", "ok", &["first"]), spec("first", "slow")];
    let running = Running::start(specs);
    let mut events = running.handle.events();
    tokio::time::timeout(Duration::from_secs(30), running.handle.settled()).await.unwrap();
    for name in ["first", "second", "third"] {
        assert_eq!(running.status(name).state, State::Ready);
        assert!(running.folder.path().join("data").join(name).join("was-here").exists());
    }
    let started = |event: &FleetEvent| matches!(event, FleetEvent::Started { .. } | FleetEvent::Ready { .. });
    let order = order_of(&mut events, started);
    assert_eq!(order, ["first", "first", "second", "second", "third", "third"]);
    running.stop().await;
}

#[tokio::test]
async fn both_outputs_are_heard_line_by_line() {
    let running = Running::start(vec![spec("one", "ok")]);
    let mut events = running.handle.events();
    running.until_state("one", State::Ready).await;
    let mut heard = Vec::new();
    while let Ok(Ok(event)) = tokio::time::timeout(Duration::from_millis(300), events.recv()).await {
        if let FleetEvent::Log(line) = event {
            heard.push((line.output, line.text));
        }
    }
    assert!(heard.contains(&(tradewind_fleet::Output::Stdout, "tiny in mode ok".to_owned())), "{heard:?}");
    assert!(heard.contains(&(tradewind_fleet::Output::Stderr, "a word on standard error".to_owned())), "{heard:?}");
    running.stop().await;
}

#[tokio::test]
async fn a_port_in_use_is_refused_and_its_holder_named() {
    let (_listener, port) = taken_port();
    let mut one = spec("one", "ok");
    one.port = Some(port);
    let folder = tempfile::tempdir().unwrap();
    let Err(error) = Fleet::new(options(folder.path()), vec![one]) else { panic!("it was taken") };
    assert_eq!(error.code().to_string(), "TW-4002");
    let FleetError::PortInUse { holder: Some(holder), .. } = error else { panic!("{error}") };
    assert_eq!(holder.pid, std::process::id());
}

#[test]
fn only_who_is_in_the_way_is_named() {
    let other = TcpListener::bind("127.0.0.2:0").unwrap();
    let port = other.local_addr().unwrap().port();
    let holder = |address: &str| who_listens_on(format!("{address}:{port}").parse().unwrap()).map(|holder| holder.pid);
    assert_eq!(holder("127.0.0.1"), None);
    assert_eq!(holder("127.0.0.2"), Some(std::process::id()));
    assert_eq!(holder("0.0.0.0"), Some(std::process::id()));
    drop(other);
    if let Ok(_everywhere) = TcpListener::bind(format!("[::]:{port}")) {
        assert_eq!(holder("127.0.0.1"), Some(std::process::id()));
        assert_eq!(holder("[::1]"), Some(std::process::id()));
    }
}

#[tokio::test]
async fn the_same_folder_finds_the_same_ports_again() {
    let folder = tempfile::tempdir().unwrap();
    let ports = |count: usize| {
        let specs = (0..count).map(|n| spec(&format!("s{n}"), "ok")).collect();
        Fleet::new(options(folder.path()), specs).unwrap().handle().addresses()
    };
    assert_eq!(ports(3), ports(3));
    assert!(ports(3).values().all(|address| (20_000..32_000).contains(&address.port())));
}

#[tokio::test]
async fn a_program_that_is_not_there_fails_at_once_and_others_go_on() {
    let mut missing = spec("missing", "ok");
    missing.run = CommandTemplate::parse("/no/such/program").unwrap();
    let running = Running::start(vec![missing, spec("other", "ok"), spec_after("behind", "ok", &["missing"])]);
    let failed = running.until_state("missing", State::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("/no/such/program cannot be started: there is no such program"));
    running.until_state("other", State::Ready).await;
    tokio::time::timeout(Duration::from_secs(10), running.handle.settled()).await.unwrap();
    let behind = running.status("behind");
    assert_eq!((behind.state, behind.reason.as_deref()), (State::Waiting, Some("waits for missing, which failed")));
    running.stop().await;
}

#[tokio::test]
async fn a_service_that_never_gets_ready_is_ended_and_says_so() {
    let mut never = spec("never", "never");
    never.ready_within = Duration::from_millis(500);
    never.restart.falls_max = 1;
    let running = Running::start(vec![never]);
    let failed = running.until_state("never", State::Failed).await;
    assert_eq!(failed.reason.as_deref(), Some("did not answer 200 on /health/ready within 0.5 s"));
    running.stop().await;
}

#[tokio::test]
async fn a_service_that_never_gets_ready_is_given_up_though_its_falls_lie_further_apart_than_the_window() {
    let mut never = spec("never", "never");
    never.ready_within = Duration::from_millis(300);
    never.restart.window = Duration::from_millis(100);
    never.restart.delay_first = Duration::from_millis(1);
    never.restart.falls_max = 3;
    let running = Running::start(vec![never]);
    let failed = running.until_state("never", State::Failed).await;
    assert_eq!(failed.restarts, 2);
    tokio::time::timeout(Duration::from_secs(5), running.handle.settled()).await.unwrap();
    running.stop().await;
}
