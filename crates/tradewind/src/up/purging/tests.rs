use std::collections::BTreeSet;

use tradewind_events::{Event, EventId, EventType, Metadata, Position, Recorded, Revision, Tag, Timestamp};

use super::tags_of;

fn event(stream: &str, tags: &[&str]) -> Recorded {
    let told = Event {
        id: EventId::new(),
        event_type: EventType::new("Something").unwrap(),
        time: Timestamp::EPOCH,
        tags: tags.iter().map(|tag| Tag::new(*tag).unwrap()).collect(),
        metadata: Metadata::default(),
        data: "{}".into(),
    };
    Recorded::assemble(stream, &told, Position(1), Revision(0), Timestamp::EPOCH)
}

#[test]
fn an_event_purges_its_entity_and_what_it_is_tagged_with() {
    let review = event("review-r1", &["product:7"]);
    assert_eq!(tags_of(&review, None), ["product", "product:7", "review", "review:r1"]);
    let kinds = BTreeSet::from(["product".to_owned()]);
    assert_eq!(tags_of(&review, Some(&kinds)), ["product", "product:7"], "of what no answer carries nothing is kept");
    assert_eq!(tags_of(&event("order-1-2", &[]), None), ["order", "order:1-2"]);
    assert!(tags_of(&event("order-1", &[]), Some(&kinds)).is_empty());
}
