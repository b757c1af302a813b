use serde_json::{Value, json};
use tradewind_events::{Event, EventType, Position, Recorded, Revision, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::sql::Transaction;
use tradewind_service::{Projection, Reader};

use super::*;
use crate::graph::Change;

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

    fn hear(&mut self, stream: &str, event_type: &str, data: &Value) {
        let at: Timestamp = "2017-03-01T00:00:00Z".parse().unwrap();
        let event = Event::new(EventType::new(event_type).unwrap(), at, data).unwrap();
        self.events += 1;
        let recorded = Recorded::assemble(stream, &event, Position(self.events), Revision(0), at);
        assert!(self.projection.query().matches(&recorded), "{event_type}");
        let tx = self.database.transaction().unwrap();
        self.projection.apply(&Transaction::on_sqlite(&tx), &recorded).unwrap();
        tx.commit().unwrap();
    }

    fn changes(&self, changes: impl Fn(&Reader<'_>, Position, &mut dyn FnMut(Change)), since: u64) -> Vec<Change> {
        let mut all = Vec::new();
        changes(&self.read(), Position(since), &mut |change| all.push(change));
        all
    }
}

fn placed(model: &mut Model<Baskets>, order: &str, products: &[&str]) {
    let line = |id: &&str| json!({"product_id": id, "name": "n", "quantity": 1, "unit_price_cents": 1});
    let lines: Vec<_> = products.iter().map(line).collect();
    let data = json!({"order_id": order, "customer_id": "7", "lines": lines, "total_cents": 1});
    model.hear(&format!("order-{order}"), "OrderPlaced", &data);
}

#[test]
fn an_order_is_a_basket_with_each_product_once_until_it_is_called_off() {
    let mut model = Model::new(Baskets);
    let all = |read: &Reader<'_>, since, tell: &mut dyn FnMut(Change)| Baskets::changes(read, since, tell).unwrap();
    placed(&mut model, "a", &["2", "1", "2"]);
    placed(&mut model, "b", &["3"]);
    let (first, second) = (
        Change::Bought { basket: 1, products: vec!["1".into(), "2".into()] },
        Change::Bought { basket: 2, products: vec!["3".into()] },
    );
    assert_eq!(model.changes(all, 0), [first, second.clone()]);
    assert_eq!(model.changes(all, 1), std::slice::from_ref(&second));
    let off = json!({"order_id": "a", "because": "cancelled", "note": ""});
    model.hear("order-a", "OrderCalledOff", &off);
    assert_eq!(model.changes(all, 2), [Change::TakenBack { basket: 1 }]);
    assert_eq!(model.changes(all, 0), [Change::TakenBack { basket: 1 }, second]);
}

#[test]
fn a_product_is_shown_with_its_price_of_now_while_it_is_for_sale() {
    let mut model = Model::new(Products);
    let all = |read: &Reader<'_>, since, tell: &mut dyn FnMut(Change)| Products::changes(read, since, tell).unwrap();
    let milk = json!({"product_id": "1", "name": "Milk", "department": "Dairy", "price_cents": 259});
    model.hear("product-1", "ProductListed", &milk);
    model.hear("product-1", "PriceChanged", &json!({"product_id": "1", "price_cents": 199}));
    let shown = Products::get(&model.read(), "1").unwrap().unwrap();
    assert_eq!((shown.name.as_str(), shown.price_cents), ("Milk", 199));
    let listed = Change::Listed { product: "1".into(), department: "Dairy".into() };
    assert_eq!(model.changes(all, 0), std::slice::from_ref(&listed));
    assert_eq!(model.changes(all, 1), [], "a price changes nothing of the graph");
    model.hear("product-1", "ProductDelisted", &json!({"product_id": "1"}));
    assert_eq!(Products::get(&model.read(), "1").unwrap(), None);
    assert_eq!(model.changes(all, 1), [Change::Delisted { product: "1".into() }]);
    model.hear("product-1", "ProductListed", &milk);
    assert_eq!(model.changes(all, 3), [listed]);
}

#[test]
fn each_making_of_a_read_model_is_another() {
    let (one, other) = (Model::new(Baskets), Model::new(Baskets));
    assert_ne!(making(&one.read()).unwrap(), making(&other.read()).unwrap());
    assert_eq!(making(&one.read()).unwrap(), making(&one.read()).unwrap());
}
