use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Revision, Timestamp};
use tradewind_service::DomainEvent;

use super::*;
use crate::events::{AwaitedOrder, CustomerArrived, DebtorEvent};
use crate::layouts::tests::{credit_note, invoice};

fn recorded(stream: &str, event: &impl DomainEvent) -> Recorded {
    let raw = Event {
        data: event.encode().unwrap().into(),
        ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
    };
    Recorded::assemble(stream, &raw, Position(1), Revision(0), Timestamp::EPOCH)
}

fn told(stream: &str, event: &impl DomainEvent) -> (String, Value) {
    let recorded = recorded(stream, event);
    assert!(PublishInvoicing.query().matches(&recorded));
    let contract = PublishInvoicing.publish(&recorded).unwrap().unwrap();
    assert_eq!(contract.tags, [tag("order", invoice(1).order_id), tag("customer", "1467")]);
    (contract.event_type.to_string(), serde_json::from_slice(&contract.data).unwrap())
}

#[test]
fn a_document_is_told_by_number_order_customer_and_amount() {
    let order = invoice(1).order_id;
    assert_eq!(
        told("invoices-2017", &InvoiceEvent::from(invoice(1))),
        (
            "InvoiceIssued".to_owned(),
            json!({"number": "INV-2017-000123", "dated": "2017-03-31", "order_id": order, "customer_id": "1467",
                "total_cents": 128_613})
        )
    );
    assert_eq!(
        told("creditnotes-2017", &CreditNoteEvent::from(credit_note(1))),
        (
            "CreditNoteIssued".to_owned(),
            json!({"number": "CN-2017-000007", "dated": "2017-04-01", "invoice": "INV-2017-000123",
                "order_id": order, "customer_id": "1467", "total_cents": 128_613})
        )
    );
}

#[test]
fn who_is_waited_for_stays_inside() {
    let order = AwaitedOrder { id: "a".into(), told_at: Position(7) };
    let arrived = DebtorEvent::from(CustomerArrived { customer_id: "7".into(), orders: vec![order] });
    assert!(!PublishInvoicing.query().matches(&recorded("debtor-7", &arrived)));
}
