use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Revision, Timestamp};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{CustomerMoved, CustomerRegistered, CustomerRenamed};

fn told(event: impl Into<CustomerEvent>) -> (String, Value) {
    let event = event.into();
    let raw = Event {
        data: event.encode().unwrap().into(),
        ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
    };
    let recorded = Recorded::assemble("customer-7", &raw, Position(1), Revision(0), Timestamp::EPOCH);
    assert!(PublishCustomers.query().matches(&recorded));
    let contract = PublishCustomers.publish(&recorded).unwrap().unwrap();
    (contract.event_type.to_string(), serde_json::from_slice(&contract.data).unwrap())
}

#[test]
fn all_that_happens_to_a_customer_is_told() {
    let since = Timestamp::EPOCH;
    let address = Address {
        street: "Main Road 9".into(),
        city: "Fairhaven".into(),
        region: "OH".into(),
        postal_code: "45011".into(),
        country: "United States".into(),
    };
    let there = json!({"street": "Main Road 9", "city": "Fairhaven", "region": "OH", "postal_code": "45011",
        "country": "United States"});
    assert_eq!(
        told(CustomerRegistered { since, name: "Zoë".into(), address: address.clone() }),
        ("CustomerRegistered".to_owned(), json!({"customer_id": "7", "name": "Zoë", "address": there}))
    );
    assert_eq!(
        told(CustomerMoved { since, address }),
        ("CustomerMoved".to_owned(), json!({"customer_id": "7", "address": there}))
    );
    assert_eq!(
        told(CustomerRenamed { since, name: "Ann".into() }),
        ("CustomerRenamed".to_owned(), json!({"customer_id": "7", "name": "Ann"}))
    );
}
