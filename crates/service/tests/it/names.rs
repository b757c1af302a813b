use proptest::prelude::*;
use tradewind_events::Tag;
use tradewind_service::{Command, DomainEvent, tag};

use crate::account::{AccountEvent, Deposit, Opened};

proptest! {
    #[test]
    fn any_value_makes_a_tag_and_different_values_different_ones(a in ".{0,300}", b in ".{0,300}") {
        let (first, second) = (tag("owner", &a), tag("owner", &b));
        prop_assert!(first.as_str().len() <= Tag::BYTES_MAX);
        prop_assert_eq!(a == b, first == second);
    }
}

#[test]
fn a_plain_value_stays_readable() {
    assert_eq!(tag("product", 1_029_743).as_str(), "product:1029743");
    assert_eq!(tag("owner", "ann, jr.").as_str(), "owner:ann%2C%20jr.");
}

#[test]
fn an_event_knows_its_type_its_version_and_what_it_does_not_know() {
    let event = AccountEvent::from(Opened { owner: "ann".into() });
    assert_eq!((event.event_type(), event.schema_version()), ("Opened", 2));
    assert_eq!(AccountEvent::TYPES, ["Opened", "Deposited", "Withdrawn"]);
    let json = event.encode().unwrap();
    assert_eq!(AccountEvent::decode("Opened", &json).unwrap(), Some(event));
    assert_eq!(AccountEvent::decode("Blessed", b"{}").unwrap(), None);
    assert!(AccountEvent::decode("Opened", b"{}").is_err());
    assert_eq!(Deposit(1).name(), "Deposit");
}
