use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Recorded, Revision, StreamId, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::sql::Transaction;
use tradewind_service::{DomainEvent, Projection, Reader};

use super::*;
use crate::events::{
    AwaitedOrder, AwaitedWithdrawn, CreditNoteEvent, CreditNoteIssued, CustomerArrived, DebtorEvent, InvoiceAwaited,
    InvoiceEvent, InvoiceIssued,
};
use crate::layouts::tests::{credit_note, invoice};

/// A read model in memory, and how many events it has seen.
struct Model<P> {
    projection: P,
    database: Connection,
    events: u64,
}

impl<P: Projection> Model<P> {
    fn new(projection: P) -> Self {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(projection.schema()).unwrap();
        Self { projection, database, events: 0 }
    }

    fn read(&self) -> Reader<'_> {
        Reader::new(&self.database, Position(self.events))
    }

    fn hear(&mut self, stream: &str, event_type: &str, at: &str, data: &Value) {
        self.see_raw(stream, event_type, at, &serde_json::to_vec(data).unwrap());
    }

    fn see_raw(&mut self, stream: &str, event_type: &str, at: &str, data: &[u8]) {
        let at: Timestamp = at.parse().unwrap();
        let stream = StreamId::new(stream).unwrap();
        let raw =
            Event { data: data.to_vec().into(), ..Event::new(EventType::new(event_type).unwrap(), at, &()).unwrap() };
        let revision = Revision(self.events);
        self.events += 1;
        let recorded = Recorded::assemble(stream.as_str(), &raw, Position(self.events), revision, at);
        let tx = self.database.transaction().unwrap();
        self.projection.apply(&Transaction::on_sqlite(&tx), &recorded).unwrap();
        tx.commit().unwrap();
    }

    fn see(&mut self, stream: &str, event: &impl DomainEvent) {
        self.see_raw(stream, event.event_type(), MARCH, &event.encode().unwrap());
    }
}

const JANUARY: &str = "2017-01-01T00:00:00Z";
const MARCH: &str = "2017-03-01T00:00:00Z";
const JUNE: &str = "2017-06-01T00:00:00Z";

fn address(street: &str) -> Value {
    json!({"street": street, "city": "Fairhaven", "region": "OH", "postal_code": "45011", "country": "United States"})
}

fn zoe() -> Model<CustomerCopies> {
    let mut copies = Model::new(CustomerCopies);
    let moved = |street: &str| json!({"customer_id": "7", "address": address(street)});
    let registered = json!({"customer_id": "7", "name": "Zoë", "address": address("Old Street 1")});
    copies.hear("customer-7", "CustomerRegistered", JANUARY, &registered);
    copies.hear("customer-7", "CustomerMoved", JUNE, &moved("New Street 2"));
    copies.hear("customer-7", "CustomerMoved", MARCH, &moved("Between 3"));
    copies.hear("customer-7", "CustomerRenamed", JUNE, &json!({"customer_id": "7", "name": "Zoë L."}));
    copies.hear("customer-7", "CustomerHasABirthday", JUNE, &json!({}));
    copies
}

#[test]
fn a_customer_is_who_they_were_then_whenever_that_was_told() {
    let copies = zoe();
    let then = |moment: &str| {
        let found = CustomerCopies::at(&copies.read(), "7", moment.parse().unwrap()).unwrap().unwrap();
        (found.name, found.street)
    };
    let expected = |name: &str, street: &str| (name.to_owned(), street.to_owned());
    assert_eq!(then("2017-02-28T23:59:59Z"), expected("Zoë", "Old Street 1"));
    assert_eq!(then(MARCH), expected("Zoë", "Between 3"));
    assert_eq!(then("2017-05-31T23:59:59Z"), expected("Zoë", "Between 3"));
    assert_eq!(then("2020-01-01T00:00:00Z"), expected("Zoë L.", "New Street 2"));
}

#[test]
fn who_ordered_before_registering_is_who_they_said_they_were() {
    let found = CustomerCopies::at(&zoe().read(), "7", "2016-12-31T00:00:00Z".parse().unwrap()).unwrap().unwrap();
    assert_eq!((found.name.as_str(), found.street.as_str()), ("Zoë", "Old Street 1"));
}

#[test]
fn who_never_registered_is_nobody() {
    assert_eq!(CustomerCopies::at(&zoe().read(), "8", Timestamp::EPOCH).unwrap(), None);
}

#[test]
fn an_order_is_copied_with_its_prices_and_the_time_of_its_payment() {
    let mut copies = Model::new(OrderCopies);
    let line = json!({"product_id": "1", "name": "Milk", "quantity": 2, "unit_price_cents": 259});
    let placed = json!({"order_id": "a", "customer_id": "7", "lines": [line], "total_cents": 518});
    copies.hear("order-a", "OrderPlaced", MARCH, &placed);
    let order = OrderCopies::get(&copies.read(), "a").unwrap().unwrap();
    assert_eq!((order.customer_id.as_str(), order.total_cents, order.paid_at), ("7", 518, None));
    assert_eq!((order.lines[0].total_cents, order.lines[0].name.as_str()), (518, "Milk"));
    copies.hear("order-a", "OrderPaid", JUNE, &json!({"order_id": "a"}));
    copies.hear("order-a", "OrderShipped", JUNE, &json!({"order_id": "a"}));
    let order = OrderCopies::get(&copies.read(), "a").unwrap().unwrap();
    assert_eq!((order.placed_at.to_string().as_str(), order.paid_at), (MARCH, Some(JUNE.parse().unwrap())));
    assert_eq!(OrderCopies::get(&copies.read(), "b").unwrap(), None);
}

fn issued(number: &str, order: &str, day: &str) -> InvoiceEvent {
    let dated = crate::day::Day::of(format!("{day}T00:00:00Z").parse().unwrap());
    InvoiceIssued { number: number.into(), order_id: order.into(), dated, ..invoice(1) }.into()
}

#[test]
fn documents_are_found_by_number_order_and_customer() {
    let mut documents = Model::new(Documents);
    documents.see("invoices-2017", &issued("INV-2017-000001", "a", "2017-03-31"));
    documents.see("invoices-2017", &issued("INV-2017-000002", "b", "2017-03-30"));
    documents.see("invoices-2018", &issued("INV-2018-000001", "c", "2018-01-01"));
    let note = CreditNoteIssued { invoice: "INV-2017-000002".into(), order_id: "b".into(), ..credit_note(1) };
    documents.see("creditnotes-2017", &CreditNoteEvent::from(note));
    let read = documents.read();

    let first = Documents::numbered(&read, "INV-2017-000001").unwrap().unwrap();
    assert_eq!((first.kind, first.credit_note, first.stream.as_str()), (Kind::Invoice, None, "invoices-2017"));
    let credited = Documents::of_order(&read, "b").unwrap().unwrap();
    assert_eq!((credited.number.as_str(), credited.revision), ("INV-2017-000002", Revision(1)));
    assert_eq!(credited.credit_note.as_deref(), Some("CN-2017-000007"));
    let note = Documents::numbered(&read, "CN-2017-000007").unwrap().unwrap();
    assert_eq!((note.kind, note.invoice.as_deref()), (Kind::CreditNote, Some("INV-2017-000002")));
    assert_eq!(Documents::of_order(&read, "z").unwrap(), None);

    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = Documents::of_customer(&read, "1467", after, 2).unwrap();
        seen.extend(page.items.into_iter().map(|filed| filed.number));
        let Some(next) = page.next else { break };
        after = Some(Cursor::parse(&next).unwrap());
    }
    assert_eq!(seen, ["INV-2018-000001", "CN-2017-000007", "INV-2017-000001", "INV-2017-000002"]);
    assert_eq!(Cursor::parse("nonsense"), None);
}

#[test]
fn what_waits_is_listed_until_its_customer_comes_or_it_is_called_off() {
    let mut model = Model::new(Awaited);
    let order = |id: &str| AwaitedOrder { id: id.into(), told_at: Position(7) };
    let waits = |id: &str| DebtorEvent::from(InvoiceAwaited { customer_id: "7".into(), order: order(id) });
    for id in ["a", "b", "c"] {
        model.see("debtor-7", &waits(id));
    }
    let page = Awaited::page(&model.read(), "", 2).unwrap();
    assert_eq!((page.total, page.next.as_deref(), page.items[0].order_id.as_str()), (3, Some("b"), "a"));
    assert_eq!(Awaited::page(&model.read(), "b", 2).unwrap().items[0].order_id, "c");
    model.see("debtor-7", &DebtorEvent::from(AwaitedWithdrawn { order_id: "a".into() }));
    let orders = vec![order("b"), order("c")];
    model.see("debtor-7", &DebtorEvent::from(CustomerArrived { customer_id: "7".into(), orders }));
    assert_eq!(Awaited::page(&model.read(), "", 2).unwrap().total, 0);
}
