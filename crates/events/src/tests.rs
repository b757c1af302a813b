use super::*;

fn event(json: &str) -> Event {
    Event {
        id: EventId::new(),
        event_type: EventType::new("OrderPlaced").unwrap(),
        time: "2017-03-31T10:20:30.000001Z".parse().unwrap(),
        tags: vec![Tag::new("product:7").unwrap(), Tag::new("customer:9").unwrap()],
        metadata: Metadata { actor: Some("ann".into()), schema_version: 2, ..Metadata::default() },
        data: json.to_owned().into(),
    }
}

fn recorded(event: &Event) -> Recorded {
    Recorded::assemble("order-42-x", event, Position(7), Revision(3), Timestamp::EPOCH)
}

#[test]
fn a_recorded_event_gives_back_what_was_put_in() {
    let event = event(r#"{"total":12}"#);
    let recorded = recorded(&event);
    assert_eq!(recorded.category(), "order");
    assert_eq!(recorded.entity_id(), "42-x");
    assert_eq!(recorded.tags().collect::<Vec<_>>(), ["product:7", "customer:9"]);
    assert_eq!(recorded.to_event().unwrap(), event);
}

#[test]
fn a_cloud_event_survives_the_wire() {
    let event = event(r#"{"total":12}"#);
    let json = serde_json::to_string(&CloudEvent::of(&recorded(&event), "/ordering")).unwrap();
    let back: CloudEvent = serde_json::from_str(&json).unwrap();
    assert_eq!(back.position, Some(Position(7)));
    let (stream, same) = back.into_event(Timestamp::EPOCH).unwrap();
    assert_eq!(stream.as_str(), "order-42-x");
    assert_eq!(same, event);
}

#[test]
fn names_that_would_break_something_are_refused() {
    for bad in ["", "-1", "a b", "a\n", &"x".repeat(201)] {
        assert!(StreamId::new(bad).is_err(), "{bad:?}");
    }
    assert!(Tag::new("a,b").is_err());
    assert!(StreamId::new("order-a-b").is_ok());
}

#[test]
fn a_query_asks_for_any_item_and_for_all_of_each() {
    let event = recorded(&event("{}"));
    let tag = |name: &str| Tag::new(name).unwrap();
    assert!(Query::all().matches(&event));
    assert!(Query::category("order").matches(&event));
    assert!(!Query::category("ord").matches(&event));
    assert!(Query::tags([tag("product:7"), tag("customer:9")]).matches(&event));
    assert!(!Query::tags([tag("product:7"), tag("customer:8")]).matches(&event));
    assert!(Query::category("x").or(Query::tags([tag("product:7")])).matches(&event));
}

#[test]
fn expected_revisions_hold_or_do_not() {
    assert!(ExpectedRevision::None.holds(None));
    assert!(!ExpectedRevision::None.holds(Some(Revision::FIRST)));
    assert!(ExpectedRevision::Exists.holds(Some(Revision(4))));
    assert!(!ExpectedRevision::Exactly(Revision(3)).holds(Some(Revision(4))));
}

#[test]
fn derived_ids_repeat_with_their_cause_only() {
    assert_eq!(EventId::derived("cmd", 0), EventId::derived("cmd", 0));
    assert_ne!(EventId::derived("cmd", 0), EventId::derived("cmd", 1));
}

#[test]
fn every_error_code_has_a_page() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    for code in ErrorCode::ALL {
        let page = format!("{folder}/{code}.md");
        assert!(std::path::Path::new(&page).exists(), "{page} is missing");
    }
}
