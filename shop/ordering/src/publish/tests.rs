use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Revision, Timestamp};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{
    OrderApproved, OrderCancelled, OrderDelivered, OrderLine, OrderPaid, OrderPaymentFailed, OrderPrepared,
    OrderRejected, OrderShipped,
};

fn recorded(event: &OrderEvent) -> Recorded {
    let raw = Event {
        data: event.encode().unwrap().into(),
        tags: event.tags(),
        ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
    };
    Recorded::assemble("order-a", &raw, Position(1), Revision(0), Timestamp::EPOCH)
}

fn published(event: impl Into<OrderEvent>) -> Option<Contract> {
    let recorded = recorded(&event.into());
    assert!(PublishOrdering.query().matches(&recorded));
    PublishOrdering.publish(&recorded).unwrap()
}

fn told(event: impl Into<OrderEvent>) -> (String, Value) {
    let contract = published(event).unwrap();
    (contract.event_type.to_string(), serde_json::from_slice(&contract.data).unwrap())
}

#[test]
fn a_placed_order_is_told_with_all_that_others_need_of_it() {
    let line = OrderLine {
        product_id: "1".into(),
        name: "Milk".into(),
        department: "Grocery".into(),
        quantity: 2,
        unit_price_cents: 259,
    };
    let created = OrderCreated { customer_id: "7".into(), lines: vec![line], total_cents: 518 };
    let contract = published(created.clone()).unwrap();
    assert_eq!(contract.tags, [tag("customer", "7")]);
    assert_eq!(
        told(created).1,
        json!({"order_id": "a", "customer_id": "7", "total_cents": 518, "lines": [
            {"product_id": "1", "name": "Milk", "quantity": 2, "unit_price_cents": 259}]})
    );
}

#[test]
fn later_stages_name_the_order_only() {
    let name = json!({"order_id": "a"});
    assert_eq!(told(OrderPaid { reference: "secret".into() }), ("OrderPaid".to_owned(), name.clone()));
    assert_eq!(told(OrderShipped {}), ("OrderShipped".to_owned(), name.clone()));
    assert_eq!(told(OrderDelivered {}), ("OrderDelivered".to_owned(), name));
}

#[test]
fn every_early_end_is_told_as_one_kind_of_event() {
    let called_off =
        |because: &str| ("OrderCalledOff".to_owned(), json!({"order_id": "a", "because": because, "note": "n"}));
    assert_eq!(told(OrderRejected { reason: "n".into() }), called_off("rejected"));
    assert_eq!(told(OrderPaymentFailed { reason: "n".into(), attempts: 2 }), called_off("payment-failed"));
    assert_eq!(told(OrderCancelled { reason: "n".into() }), called_off("cancelled"));
}

#[test]
fn whoever_asks_for_some_of_what_is_told_finds_all_of_it() {
    let created = || OrderCreated { customer_id: "7".into(), lines: Vec::new(), total_cents: 0 };
    let (reference, reason) = (String::new(), String::new());
    let all: [OrderEvent; 9] = [
        created().into(),
        OrderApproved {}.into(),
        OrderPaid { reference }.into(),
        OrderPrepared {}.into(),
        OrderShipped {}.into(),
        OrderDelivered {}.into(),
        OrderRejected { reason: reason.clone() }.into(),
        OrderPaymentFailed { reason: reason.clone(), attempts: 1 }.into(),
        OrderCancelled { reason }.into(),
    ];
    assert_eq!(all.each_ref().map(DomainEvent::event_type), OrderEvent::TYPES);
    for (asked, _) in shop_contracts::ordering::TYPES {
        let wanted = Query::types([EventType::new(*asked).unwrap()]);
        let read = PublishOrdering.query_for(&wanted);
        for event in &all {
            let told = published(event.clone()).is_some_and(|told| told.event_type.as_str() == *asked);
            assert_eq!(read.matches(&recorded(event)), told, "{event:?} for {asked}");
        }
    }
    // Those of a customer are found by the tag that they were recorded with.
    let wanted = Query::tags(published(created()).unwrap().tags);
    assert!(PublishOrdering.query_for(&wanted).matches(&recorded(&created().into())));
    let another = Query::tags([tag("customer", "8")]);
    assert!(!PublishOrdering.query_for(&another).matches(&recorded(&created().into())));
    assert_eq!(PublishOrdering.query_for(&Query::all()), PublishOrdering.query());
}

#[test]
fn what_happens_inside_stays_inside() {
    assert!(published(OrderApproved {}).is_none());
    assert!(published(OrderPrepared {}).is_none());
}
