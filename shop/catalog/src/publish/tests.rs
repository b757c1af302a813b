use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Revision, Timestamp};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{Description, ProductDelisted, ProductListed, ProductPriceChanged};

fn told(event: impl Into<ProductEvent>) -> (String, Value) {
    let event = event.into();
    let raw = Event {
        data: event.encode().unwrap().into(),
        ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
    };
    let recorded = Recorded::assemble("product-1", &raw, Position(1), Revision(0), Timestamp::EPOCH);
    assert!(PublishCatalog.query().matches(&recorded));
    let contract = PublishCatalog.publish(&recorded).unwrap().unwrap();
    (contract.event_type.to_string(), serde_json::from_slice(&contract.data).unwrap())
}

#[test]
fn all_that_happens_to_a_product_is_told() {
    let description = Description { name: "Milk".into(), department: "Grocery".into(), ..Description::default() };
    assert_eq!(
        told(ProductListed { description, price_cents: 259 }),
        (
            "ProductListed".to_owned(),
            json!({"product_id": "1", "name": "Milk", "department": "Grocery", "price_cents": 259})
        )
    );
    assert_eq!(
        told(ProductPriceChanged { price_cents: 279 }),
        ("PriceChanged".to_owned(), json!({"product_id": "1", "price_cents": 279}))
    );
    assert_eq!(told(ProductDelisted {}), ("ProductDelisted".to_owned(), json!({"product_id": "1"})));
}
