mod delivered;
mod prices;
mod reviews;
mod search;

use tradewind_events::{Event, EventType, Position, Recorded, Revision, StreamId, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::sql::Transaction;
use tradewind_service::{DomainEvent, Entity, Projection, Reader};

use super::*;
use crate::events::{Description, Opinion, ProductDelisted, ProductListed, ProductPriceChanged};
use crate::events::{ProductEvent, ReviewEvent, ReviewFoundHelpful, ReviewRevised, ReviewWritten};
use crate::product::Product;
use crate::review::Review;

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

    /// Something happens to a product; each event a second after the one before.
    fn see(&mut self, product: &str, event: impl Into<ProductEvent>) {
        self.apply::<Product>(product, &event.into());
    }

    /// Something happens to a review.
    fn hear(&mut self, review: &str, event: impl Into<ReviewEvent>) {
        self.apply::<Review>(review, &event.into());
    }

    fn apply<E: Entity>(&mut self, id: &str, event: &E::Event) {
        self.apply_raw(E::CATEGORY, id, event.event_type(), event.encode().unwrap());
    }

    fn apply_raw(&mut self, category: &str, id: &str, event_type: &str, data: Vec<u8>) {
        self.events += 1;
        let stream = StreamId::of(category, id).unwrap();
        let raw = Event {
            data: data.into(),
            ..Event::new(EventType::new(event_type).unwrap(), second(self.events), &()).unwrap()
        };
        let (position, revision) = (Position(self.events), Revision(self.events));
        let recorded = Recorded::assemble(stream.as_str(), &raw, position, revision, Timestamp::EPOCH);
        assert!(self.projection.query().matches(&recorded));
        let tx = self.database.transaction().unwrap();
        self.projection.apply(&Transaction::on_sqlite(&tx), &recorded).unwrap();
        tx.commit().unwrap();
    }
}

/// So many seconds after the epoch.
fn second(n: u64) -> Timestamp {
    Timestamp::from_micros(n as i64 * 1_000_000)
}

fn product(name: &str, department: &str, price_cents: u64) -> ProductListed {
    let description =
        Description { name: name.into(), department: department.into(), kind: name.into(), ..Description::default() };
    ProductListed { description, price_cents }
}

fn opinion(stars: u8) -> Opinion {
    Opinion { stars, title: format!("{stars} stars"), text: String::new() }
}

fn written(product: &str, customer: &str, stars: u8) -> ReviewWritten {
    ReviewWritten { product_id: product.into(), customer_id: customer.into(), opinion: opinion(stars) }
}

fn revised(product: &str, stars_before: u8, stars: u8) -> ReviewRevised {
    ReviewRevised { product_id: product.into(), opinion: opinion(stars), stars_before }
}

fn helped(review: &str, product: &str, customer: &str) -> ReviewFoundHelpful {
    ReviewFoundHelpful { review_id: review.into(), product_id: product.into(), customer_id: customer.into() }
}

#[test]
fn a_department_counts_what_it_has_on_sale() {
    let mut model = Model::new(Departments);
    model.see("1", product("Milk", "Grocery", 1));
    model.see("2", product("Bread", "Grocery", 1));
    model.see("3", product("Tulips", "Floral", 1));
    model.see("2", ProductPriceChanged { price_cents: 2 });
    let department = |name: &str, products| Department { name: name.into(), products };
    assert_eq!(Departments::all(&model.read()).unwrap(), [department("Grocery", 2), department("Floral", 1)]);
    model.see("3", ProductDelisted {});
    assert_eq!(Departments::all(&model.read()).unwrap(), [department("Grocery", 2)]);
}
