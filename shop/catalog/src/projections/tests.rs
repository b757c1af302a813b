use proptest::prelude::*;
use tradewind_events::{Event, EventType, Position, Recorded, Revision, StreamId, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::{DomainEvent, Projection, Reader};

use super::*;
use crate::events::{Description, ProductDelisted, ProductEvent, ProductListed, ProductPriceChanged};

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

    fn see(&mut self, product: &str, event: impl Into<ProductEvent>) {
        let event = event.into();
        let stream = StreamId::of("product", product).unwrap();
        let raw = Event {
            data: event.encode().unwrap().into(),
            ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
        };
        self.events += 1;
        let recorded = Recorded::assemble(stream.as_str(), &raw, Position(self.events), Revision(0), Timestamp::EPOCH);
        let tx = self.database.transaction().unwrap();
        self.projection.apply(&tx, &recorded).unwrap();
        tx.commit().unwrap();
    }
}

fn product(name: &str, department: &str, price_cents: u64) -> ProductListed {
    let description =
        Description { name: name.into(), department: department.into(), kind: name.into(), ..Description::default() };
    ProductListed { description, price_cents }
}

fn shelf() -> Model<ProductSearch> {
    let mut shelf = Model::new(ProductSearch);
    shelf.see("1", product("Fluid Milk White Only, 1 gal", "Grocery", 259));
    shelf.see("2", product("Milk Chocolate Bars", "Drugs & General Merchandise", 99));
    shelf.see("3", product("Crème Brûlée", "Pastry", 499));
    shelf.see("4", product("Chocolate Milk, 1 pt", "Grocery", 129));
    shelf
}

fn ids(shelf: &Model<ProductSearch>, words: &str) -> Vec<String> {
    let search = Search { words: words.into(), limit: 10, ..Search::default() };
    let found = ProductSearch::find(&shelf.read(), &search).unwrap();
    assert_eq!(found.total, found.items.len() as u64);
    let mut ids: Vec<String> = found.items.into_iter().map(|item| item.id).collect();
    ids.sort();
    ids
}

#[test]
fn all_words_must_match_and_the_last_may_be_unfinished() {
    let shelf = shelf();
    assert_eq!(ids(&shelf, "milk"), ["1", "2", "4"]);
    assert_eq!(ids(&shelf, "milk choc"), ["2", "4"]);
    assert_eq!(ids(&shelf, "choc milk"), [""; 0], "only the last word may be unfinished");
    assert_eq!(ids(&shelf, "MILK white"), ["1"]);
    assert_eq!(ids(&shelf, "creme brulee"), ["3"], "accents need not be typed");
    assert_eq!(ids(&shelf, "bar"), ["2"], "nor plurals");
}

#[test]
fn without_words_everything_is_found_by_name() {
    let shelf = shelf();
    let found = ProductSearch::find(&shelf.read(), &Search { limit: 2, offset: 1, ..Search::default() }).unwrap();
    assert_eq!(found.total, 4);
    assert_eq!(found.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["3", "1"]);
}

#[test]
fn signs_without_a_word_find_nothing() {
    assert_eq!(ids(&shelf(), "\"*()"), [""; 0]);
}

#[test]
fn a_department_narrows_the_search() {
    let shelf = shelf();
    let department = Some("Grocery".to_owned());
    let search = Search { words: "chocolate".into(), department, limit: 10, offset: 0 };
    let found = ProductSearch::find(&shelf.read(), &search).unwrap();
    assert_eq!((found.total, found.items[0].id.as_str()), (1, "4"));
    let found = ProductSearch::find(&shelf.read(), &Search { words: String::new(), ..search }).unwrap();
    assert_eq!(found.total, 2);
}

#[test]
fn a_word_in_the_name_counts_more_than_one_elsewhere() {
    let mut shelf = Model::new(ProductSearch);
    let mut sauce = product("Tomato Sauce", "Grocery", 100);
    sauce.description.department = "Pasta".into();
    shelf.see("1", sauce);
    shelf.see("2", product("Pasta", "Grocery", 100));
    let search = Search { words: "pasta".into(), limit: 10, ..Search::default() };
    let found = ProductSearch::find(&shelf.read(), &search).unwrap();
    assert_eq!(found.items.iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["2", "1"]);
}

#[test]
fn what_is_taken_off_is_not_found_until_it_comes_back() {
    let mut shelf = shelf();
    shelf.see("1", ProductDelisted {});
    assert_eq!(ids(&shelf, "white"), [""; 0]);
    assert_eq!(ProductSearch::get(&shelf.read(), "1").unwrap(), None);
    shelf.see("1", product("Oat Drink White", "Grocery", 199));
    assert_eq!(ids(&shelf, "white"), ["1"]);
    assert_eq!(ids(&shelf, "fluid"), [""; 0], "it came back under another name");
    assert_eq!(ProductSearch::get(&shelf.read(), "1").unwrap().unwrap().price_cents, 199);
}

#[test]
fn a_new_price_shows() {
    let mut shelf = shelf();
    shelf.see("4", ProductPriceChanged { price_cents: 149 });
    assert_eq!(ProductSearch::get(&shelf.read(), "4").unwrap().unwrap().price_cents, 149);
}

proptest! {
    #[test]
    fn whatever_is_typed_is_a_search_and_never_an_error(words in "\\PC{0,60}|[\"*():^+\\- a-zNOTAND]{0,40}") {
        thread_local!(static SHELF: Model<ProductSearch> = shelf());
        SHELF.with(|shelf| {
            let search = Search { words, limit: 10, ..Search::default() };
            prop_assert!(ProductSearch::find(&shelf.read(), &search).is_ok());
            Ok(())
        })?;
    }
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
