use std::time::Duration;

use tokio::time::Instant;

use crate::backoff::{Falls, Verdict};
use crate::output::{CUT_MARK, LINE_BYTES_MAX, Lines};
use crate::{
    CommandTemplate, OrderError, RestartPolicy, ServiceName, ServiceSpec, TemplateError, Values, build_steps,
    start_order,
};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn service(text: &str, after: &[&str]) -> ServiceSpec {
    let mut spec = ServiceSpec::new(name(text), CommandTemplate::parse("run it").unwrap());
    spec.after = after.iter().map(|text| name(text)).collect();
    spec
}

#[test]
fn a_name_fits_a_folder_and_a_host() {
    for good in ["catalog", "a", "order-history-2"] {
        assert!(ServiceName::new(good).is_ok(), "{good}");
    }
    for bad in ["", "Catalog", "2nd", "-a", "a/b", "a b", "..", &"a".repeat(41)] {
        assert!(ServiceName::new(bad).is_err(), "{bad}");
    }
}

#[test]
fn places_are_filled_and_quotes_keep_words_together() {
    let command = CommandTemplate::parse(
        "run --at {listen} -p {port} 'two words' --up=c={upstream:catalog} {{x}} {broker} {store} {service}.{instance} \
         {read_models}",
    )
    .unwrap();
    let values = Values {
        listen: Some("127.0.0.1:7101".parse().unwrap()),
        broker: Some("nats://127.0.0.1:4222".to_owned()),
        store: Some("file:/data/events".to_owned()),
        service: Some(name("ordering")),
        instance: Some(2),
        read_models: Some("file:".to_owned()),
        upstreams: [(name("catalog"), "http://127.0.0.1:7102".to_owned())].into(),
        ..Values::default()
    };
    let expected = [
        "run",
        "--at",
        "127.0.0.1:7101",
        "-p",
        "7101",
        "two words",
        "--up=c=http://127.0.0.1:7102",
        "{x}",
        "nats://127.0.0.1:4222",
        "file:/data/events",
        "ordering.2",
        "file:",
    ];
    assert_eq!(command.fill(&values).unwrap(), expected);
    assert_eq!(command.fill(&Values::default()), Err(TemplateError::NoValue("{listen}".to_owned())));
}

#[test]
fn a_malformed_command_says_what_is_wrong() {
    let error = |text: &str| CommandTemplate::parse(text).unwrap_err();
    assert_eq!(error("run {lisen}"), TemplateError::Unknown("lisen".to_owned()));
    assert_eq!(error("run {listen"), TemplateError::Unbalanced);
    assert_eq!(error("run }"), TemplateError::Unbalanced);
    assert_eq!(error("run 'it"), TemplateError::Quote);
    assert_eq!(error("  "), TemplateError::Empty);
    assert!(matches!(error("run {upstream:No}"), TemplateError::Name(_)));
}

#[test]
fn a_service_starts_behind_those_that_it_waits_for_and_otherwise_as_listed() {
    let specs = [service("d", &["c", "a"]), service("b", &[]), service("c", &["a"]), service("a", &[])];
    assert_eq!(start_order(&specs).unwrap(), [1, 3, 2, 0]);
}

#[test]
fn services_that_wait_for_each_other_are_named() {
    let specs = [service("x", &["a"]), service("a", &["b"]), service("b", &["a"])];
    assert_eq!(start_order(&specs), Err(OrderError::Cycle(vec![name("a"), name("b"), name("a")])));
    let unknown = OrderError::Unknown { service: name("x"), unknown: name("y") };
    assert_eq!(start_order(&[service("x", &["y"])]), Err(unknown));
    assert_eq!(start_order(&[service("x", &[]), service("x", &[])]), Err(OrderError::Duplicate(name("x"))));
}

#[test]
fn equal_builds_run_once() {
    let words = |text: &str| Some(text.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let mut specs = [service("a", &[]), service("b", &[]), service("c", &[]), service("d", &[])];
    specs[0].build = words("cargo build");
    specs[1].build = words("npm ci");
    specs[3].build = words("cargo build");
    let steps = build_steps(&specs);
    assert_eq!(steps.len(), 2);
    assert_eq!(steps[0].services, [name("a"), name("d")]);
}

#[test]
fn waits_double_with_jitter_and_too_many_falls_give_up() {
    let policy = RestartPolicy { falls_max: 5, ..RestartPolicy::default() };
    let mut falls = Falls::new(policy, 7);
    let now = Instant::now();
    for expected in [100, 200, 400, 800] {
        let Verdict::Again(delay) = falls.fell(now, true) else { panic!("gave up too early") };
        let (least, most) = (Duration::from_millis(expected / 2), Duration::from_millis(expected));
        assert!(least <= delay && delay <= most, "{delay:?} is not between {least:?} and {most:?}");
    }
    assert_eq!(falls.fell(now, true), Verdict::GiveUp);
    // Once the window has passed, the old falls do not count any more.
    assert!(matches!(falls.fell(now + policy.window, true), Verdict::Again(delay) if delay <= policy.delay_first));
}

#[test]
fn falls_of_a_service_that_is_never_ready_count_in_a_row_however_long_each_takes() {
    let policy = RestartPolicy { falls_max: 3, ..RestartPolicy::default() };
    let mut falls = Falls::new(policy, 7);
    let now = Instant::now();
    assert!(matches!(falls.fell(now, false), Verdict::Again(_)));
    assert!(matches!(falls.fell(now + policy.window, false), Verdict::Again(_)));
    // It was ready in between, so that the row begins anew.
    assert!(matches!(falls.fell(now + policy.window * 2, true), Verdict::Again(_)));
    assert!(matches!(falls.fell(now + policy.window * 3, false), Verdict::Again(_)));
    assert!(matches!(falls.fell(now + policy.window * 4, false), Verdict::Again(_)));
    assert_eq!(falls.fell(now + policy.window * 5, false), Verdict::GiveUp);
}

#[tokio::test]
async fn lines_are_cut_with_a_mark_and_the_rest_is_dropped() {
    let long = "x".repeat(LINE_BYTES_MAX + 10_000);
    let text = format!("first\r\n\n{long}\nlast without an end");
    let mut lines = Lines::of(text.as_bytes());
    let mut all = Vec::new();
    while let Some(line) = lines.next().await {
        all.push(line);
    }
    assert_eq!(all.len(), 4);
    assert_eq!((all[0].as_str(), all[1].as_str(), all[3].as_str()), ("first", "", "last without an end"));
    assert_eq!(all[2], format!("{}{CUT_MARK}", "x".repeat(LINE_BYTES_MAX)));
}
