use std::collections::BTreeSet;

use tokio::task::Id;
use tradewind_events::{Event, EventId, EventType, Metadata, Position, Recorded, Revision, Tag, Timestamp};

use tradewind_fleet::ServiceName;
use tradewind_gateway::{Gateway, Options, Plan};

use super::{Purging, tags_of};
use crate::manifest::Followed;

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

#[tokio::test]
async fn who_is_followed_is_followed_on_and_anew_for_another_cache() {
    let nowhere = "127.0.0.1:0".parse().unwrap();
    let gateway = Gateway::bind(Options::new(nowhere), Plan::default()).await.unwrap();
    let addresses = ["catalog", "ordering"].map(|name| (ServiceName::new(name).unwrap(), nowhere));
    let mut purging = Purging::new(addresses.into(), gateway.handle());
    let mut followed = Followed { services: ["catalog".to_owned()].into(), ..Followed::default() };
    let mut follow = |followed: &Followed| -> Vec<Id> {
        purging.follow(followed);
        purging.under_way.values().map(|follower| follower.as_ref().id()).collect()
    };
    let first = follow(&followed);
    assert_eq!(first.len(), 1);
    assert_eq!(follow(&followed), first, "it goes on");
    followed.cache.bytes_max /= 2;
    let anew = follow(&followed);
    assert!(anew.len() == 1 && anew != first, "the other cache knows nothing of what has been purged");
    assert_eq!(follow(&followed), anew);
    followed.kinds = Some(["product".to_owned()].into());
    assert_ne!(follow(&followed), anew, "other tags count");
}
