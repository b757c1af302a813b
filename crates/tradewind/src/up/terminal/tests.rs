use tradewind_events::{Clock, SystemClock};
use tradewind_fleet::{CommandTemplate, FleetEvent, Instance, LogLine, Output, ServiceName, ServiceSpec};

use super::*;

fn one() -> Instance {
    Instance::only(ServiceName::new("one").unwrap())
}

fn log(text: &str) -> News {
    News::Fleet(FleetEvent::Log(LogLine {
        at: SystemClock.now(),
        instance: one(),
        output: Output::Stdout,
        text: text.to_owned(),
    }))
}

fn fell() -> News {
    News::Fleet(FleetEvent::Fell { at: SystemClock.now(), instance: one(), pid: None, reason: "exited".to_owned() })
}

fn starting() -> Terminal {
    let mut terminal = Terminal::new(false);
    terminal.show(&News::Starting { services: Vec::new() });
    terminal
}

#[test]
fn lines_wait_for_the_table() {
    let mut terminal = starting();
    assert_eq!(terminal.show(&log("listening")), "");
    let up = News::Up { gateway: "http://127.0.0.1:1".to_owned(), pid: 1, open: Vec::new(), services: Vec::new() };
    let shown = terminal.show(&up);
    assert!(shown.find("SERVICE").unwrap() < shown.find("listening").unwrap(), "{shown}");
    assert!(terminal.show(&log("more")).contains("more"));
}

#[test]
fn a_fall_shows_what_was_said_before_it_and_lines_wait_no_longer() {
    let mut terminal = starting();
    terminal.show(&log("the disk is missing"));
    let shown = terminal.show(&fell());
    assert!(shown.find("the disk is missing").unwrap() < shown.find("exited").unwrap(), "{shown}");
    assert!(terminal.show(&log("again")).contains("again"));
}

#[test]
fn stopping_before_the_table_loses_no_line() {
    let mut terminal = starting();
    terminal.show(&log("waiting for a lock"));
    let shown = terminal.show(&News::Stopping);
    assert!(shown.find("waiting for a lock").unwrap() < shown.find("stopping").unwrap(), "{shown}");
}

#[test]
fn falling_again_for_the_same_reason_is_no_news_once_given_up() {
    let mut terminal = starting();
    let failed = || {
        News::Fleet(FleetEvent::Failed {
            at: SystemClock.now(),
            instance: one(),
            code: ErrorCode::SERVICE_FAILED,
            reason: "exited".to_owned(),
            last_lines: vec!["cannot go on".to_owned()],
            retry_ms: 10_000,
        })
    };
    assert!(terminal.show(&fell()).contains("exited"));
    let shown = terminal.show(&failed());
    assert!(shown.contains("error[TW-4004]: given up, and tried again every 10.0 s"), "{shown}");
    assert!(shown.contains("cannot go on"), "{shown}");
    assert_eq!(terminal.show(&fell()) + &terminal.show(&failed()), "");
}

#[test]
fn instances_are_told_apart_by_their_number_where_there_are_several() {
    let mut spec = ServiceSpec::new(ServiceName::new("many").unwrap(), CommandTemplate::parse("run").unwrap());
    spec.instances = 2;
    let mut terminal = Terminal::new(false);
    let shown: Vec<String> = Instance::all_of(&spec)
        .chain([one()])
        .map(|instance| terminal.show(&News::Fleet(FleetEvent::Draining { at: SystemClock.now(), instance })))
        .collect();
    assert_eq!(shown, ["many.1  │ draining\n", "many.2  │ draining\n", "one     │ draining\n"]);
}
