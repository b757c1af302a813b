use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Revision, Timestamp};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{ReservationFulfilled, ReservationMade, ReservationRefused, ReservationReleased, Wanted};

fn told(event: impl Into<ReservationEvent>) -> Option<(String, Value)> {
    let event = event.into();
    let raw = Event {
        data: event.encode().unwrap().into(),
        ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
    };
    let recorded = Recorded::assemble("reservation-a", &raw, Position(1), Revision(0), Timestamp::EPOCH);
    assert!(PublishInventory.query().matches(&recorded));
    let contract = PublishInventory.publish(&recorded).unwrap()?;
    Some((contract.event_type.to_string(), serde_json::from_slice(&contract.data).unwrap()))
}

#[test]
fn the_answer_to_an_order_is_told_and_what_comes_of_it_is_not() {
    let wanted = Wanted { product_id: "1".into(), name: "Milk".into(), quantity: 3 };
    let made = told(ReservationMade { goods: vec![wanted.clone()] });
    assert_eq!(made, Some(("GoodsReserved".to_owned(), json!({"order_id": "a"}))));
    let short = json!([{"product_id": "1", "name": "Milk", "wanted": 3, "available": 2}]);
    let refused = told(ReservationRefused { short: vec![TooFew { wanted, available: 2 }] });
    assert_eq!(refused, Some(("GoodsUnavailable".to_owned(), json!({"order_id": "a", "short": short}))));
    assert_eq!(told(ReservationReleased {}), None);
    assert_eq!(told(ReservationFulfilled {}), None);
}
