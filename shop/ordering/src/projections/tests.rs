use tradewind_events::{Event, EventType, Position, Recorded, Revision, StreamId, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::sql::Transaction;
use tradewind_service::{DomainEvent, Projection, Reader};

use super::*;
use crate::events::{
    OrderApproved, OrderCancelled, OrderCreated, OrderEvent, OrderLine, OrderPaid, OrderPaymentFailed, OrderShipped,
};

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

    fn see(&mut self, order: &str, at: &str, event: impl Into<OrderEvent>) {
        let event = event.into();
        self.see_raw(&format!("order-{order}"), event.event_type(), at, &event.encode().unwrap());
    }
}

const NEW_YEAR: &str = "2017-01-01T11:00:00Z";
const DAY_AFTER: &str = "2017-01-02T09:00:00Z";

fn created(customer: &str, quantity: u32) -> OrderCreated {
    let line = |product: &str, department: &str, quantity, unit_price_cents| OrderLine {
        product_id: product.into(),
        name: format!("Product {product}"),
        department: department.into(),
        quantity,
        unit_price_cents,
    };
    let lines = vec![line("1", "Grocery", quantity, 200), line("2", "Floral", 1, 500)];
    let total_cents = lines.iter().map(OrderLine::total_cents).sum();
    OrderCreated { customer_id: customer.into(), lines, total_cents }
}

fn paid() -> OrderPaid {
    OrderPaid { reference: "standin-1".into() }
}

fn cancelled() -> OrderCancelled {
    OrderCancelled { reason: "changed my mind".into() }
}

#[test]
fn an_order_shows_its_lines_and_its_timeline() {
    let mut model = Model::new(OrderDetail);
    model.see("a", NEW_YEAR, created("7", 2));
    model.see("a", NEW_YEAR, OrderApproved {});
    model.see("a", DAY_AFTER, paid());
    let order = OrderDetail::get(&model.read(), "a").unwrap().unwrap();
    assert_eq!((order.status.as_str(), order.total_cents, order.customer_id.as_str()), ("paid", 900, "7"));
    assert_eq!(order.placed_at.to_string(), NEW_YEAR);
    assert_eq!(order.lines[0].line_total_cents, 400);
    let events: Vec<&str> = order.timeline.iter().map(|entry| entry.event.as_str()).collect();
    assert_eq!(events, ["OrderCreated", "OrderApproved", "OrderPaid"]);
    assert_eq!(order.timeline[2].note.as_deref(), Some("payment standin-1"));
    assert_eq!(order.timeline[2].at.to_string(), DAY_AFTER);
    assert_eq!(OrderDetail::get(&model.read(), "b").unwrap(), None);
}

#[test]
fn a_history_is_read_page_by_page_from_the_newest() {
    let mut model = Model::new(OrderHistory);
    for (id, at) in [("a", NEW_YEAR), ("b", DAY_AFTER), ("c", DAY_AFTER), ("d", "2017-01-02T09:00:00.5Z")] {
        model.see(id, at, created("7", 1));
    }
    model.see("x", NEW_YEAR, created("8", 1));
    model.see("a", DAY_AFTER, cancelled());
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = OrderHistory::of(&model.read(), "7", after, 2).unwrap();
        seen.extend(page.items);
        let Some(next) = page.next else { break };
        after = Some(Cursor::parse(&next).unwrap());
    }
    let ids: Vec<&str> = seen.iter().map(|order| order.id.as_str()).collect();
    assert_eq!(ids, ["d", "c", "b", "a"]);
    assert_eq!((seen[3].status.as_str(), seen[3].line_count), ("cancelled", 2));
    assert_eq!(Cursor::parse("nonsense"), None);
}

#[test]
fn a_day_counts_the_paid_orders_that_were_placed_on_it() {
    let mut model = Model::new(SalesByDay);
    model.see("a", NEW_YEAR, created("7", 2));
    model.see("b", NEW_YEAR, created("7", 1));
    model.see("c", DAY_AFTER, created("8", 1));
    assert_eq!(SalesByDay::between(&model.read(), &Days::default()).unwrap(), [], "nothing is paid yet");
    model.see("a", DAY_AFTER, paid());
    model.see("c", DAY_AFTER, paid());
    model.see("b", DAY_AFTER, OrderPaymentFailed { reason: "declined".into(), attempts: 1 });
    let day = |key: &str, units, sales_cents| Sales { key: key.into(), orders: 1, units, sales_cents };
    let both = [day("2017-01-01", 3, 900), day("2017-01-02", 2, 700)];
    assert_eq!(SalesByDay::between(&model.read(), &Days::default()).unwrap(), both);
    let from = Days { from: Some("2017-01-02".into()), to: None };
    assert_eq!(SalesByDay::between(&model.read(), &from).unwrap(), both[1..]);
    let to = Days { from: None, to: Some("2017-01-01".into()) };
    assert_eq!(SalesByDay::between(&model.read(), &to).unwrap(), both[..1]);
}

#[test]
fn the_products_that_sell_for_most_come_first_by_the_months_of_their_orders() {
    let mut model = Model::new(SalesByProduct);
    for (order, at, quantity) in [("a", NEW_YEAR, 2), ("b", NEW_YEAR, 1), ("c", "2017-02-28T23:59:59Z", 4)] {
        model.see(order, at, created("7", quantity));
        model.see(order, at, paid());
    }
    model.see("b", DAY_AFTER, cancelled());
    let best = |from: Option<&str>, to: Option<&str>, limit| {
        let months = Months { from: from.map(Into::into), to: to.map(Into::into) };
        SalesByProduct::best(&model.read(), &months, limit).unwrap()
    };
    let sold = |key: &str, orders, units, sales_cents| Sales { key: key.into(), orders, units, sales_cents };
    assert_eq!(best(None, None, 10), [sold("1", 2, 6, 1200), sold("2", 2, 2, 1000)]);
    assert_eq!(best(None, None, 1), [sold("1", 2, 6, 1200)]);
    assert_eq!(best(None, Some("2017-01"), 10), [sold("2", 1, 1, 500), sold("1", 1, 2, 400)]);
    assert_eq!(best(Some("2017-02"), None, 10), [sold("1", 1, 4, 800), sold("2", 1, 1, 500)]);
}

#[test]
fn an_order_cancelled_after_it_was_paid_is_taken_back_and_one_cancelled_before_is_not() {
    let mut days = Model::new(SalesByDay);
    let mut departments = Model::new(SalesByDepartment);
    for (order, pays) in [("a", true), ("b", true), ("c", false)] {
        days.see(order, NEW_YEAR, created("7", 1));
        departments.see(order, NEW_YEAR, created("7", 1));
        if pays {
            days.see(order, NEW_YEAR, paid());
            departments.see(order, NEW_YEAR, paid());
        }
    }
    for order in ["a", "c"] {
        days.see(order, DAY_AFTER, cancelled());
        departments.see(order, DAY_AFTER, cancelled());
    }
    days.see("b", DAY_AFTER, OrderShipped {});
    let of_days = SalesByDay::between(&days.read(), &Days::default()).unwrap();
    assert_eq!(of_days, [Sales { key: "2017-01-01".into(), orders: 1, units: 2, sales_cents: 700 }]);
    let of_departments = SalesByDepartment::between(&departments.read(), &Days::default()).unwrap();
    assert_eq!(
        of_departments,
        [
            Sales { key: "Floral".into(), orders: 1, units: 1, sales_cents: 500 },
            Sales { key: "Grocery".into(), orders: 1, units: 1, sales_cents: 200 },
        ]
    );
}

#[test]
fn a_department_sums_over_the_days_that_are_asked_for() {
    let mut model = Model::new(SalesByDepartment);
    for (order, at) in [("a", NEW_YEAR), ("b", DAY_AFTER)] {
        model.see(order, at, created("7", 4));
        model.see(order, at, paid());
    }
    let all = SalesByDepartment::between(&model.read(), &Days::default()).unwrap();
    assert_eq!(all[0], Sales { key: "Grocery".into(), orders: 2, units: 8, sales_cents: 1_600 });
    assert_eq!(all[1], Sales { key: "Floral".into(), orders: 2, units: 2, sales_cents: 1_000 });
    let days = Days { from: Some("2017-01-02".into()), to: Some("2017-01-02".into()) };
    let one = SalesByDepartment::between(&model.read(), &days).unwrap();
    assert_eq!(one[0], Sales { key: "Grocery".into(), orders: 1, units: 4, sales_cents: 800 });
}

#[test]
fn prices_are_those_that_the_catalog_told_last() {
    let mut model = Model::new(ProductPrices);
    let mut told = |event_type: &str, data: &str| model.see_raw("product-1", event_type, NEW_YEAR, data.as_bytes());
    told("ProductListed", r#"{"product_id":"1","name":"Milk","department":"Grocery","price_cents":259}"#);
    told("PriceChanged", r#"{"product_id":"1","price_cents":279}"#);
    told("ProductPraised", r#"{"stars":5}"#);
    let milk = PricedProduct { name: "Milk".into(), department: "Grocery".into(), price_cents: 279 };
    assert_eq!(ProductPrices::get(&model.read(), "1").unwrap(), Some(milk));
    model.see_raw("product-1", "ProductDelisted", NEW_YEAR, br#"{"product_id":"1"}"#);
    assert_eq!(ProductPrices::get(&model.read(), "1").unwrap(), None);
}
