use tradewind_events::{Event, EventType, Position, Recorded, Revision, StreamId, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::sql::Transaction;
use tradewind_service::{DomainEvent, Projection, Reader};

use super::*;
use crate::events::{CustomerEvent, CustomerMoved, CustomerRegistered, CustomerRenamed};

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

    fn see(&mut self, customer: &str, at: &str, event: impl Into<CustomerEvent>) {
        let (event, at): (CustomerEvent, Timestamp) = (event.into(), at.parse().unwrap());
        let stream = StreamId::of("customer", customer).unwrap();
        let raw = Event {
            data: event.encode().unwrap().into(),
            ..Event::new(EventType::new(event.event_type()).unwrap(), at, &()).unwrap()
        };
        self.events += 1;
        let recorded = Recorded::assemble(stream.as_str(), &raw, Position(self.events), Revision(0), at);
        let tx = self.database.transaction().unwrap();
        self.projection.apply(&Transaction::on_sqlite(&tx), &recorded).unwrap();
        tx.commit().unwrap();
    }
}

const JANUARY: &str = "2017-01-01T00:00:00Z";
const MARCH: &str = "2017-03-01T00:00:00Z";
const JUNE: &str = "2017-06-01T00:00:00Z";

fn home(street: &str) -> Address {
    Address {
        street: street.into(),
        city: "Fairhaven".into(),
        region: "OH".into(),
        postal_code: "45011".into(),
        country: "United States".into(),
    }
}

fn registered(name: &str) -> CustomerRegistered {
    CustomerRegistered { since: Timestamp::EPOCH, name: name.into(), address: home("Old Street 1") }
}

fn moved(street: &str) -> CustomerMoved {
    CustomerMoved { since: Timestamp::EPOCH, address: home(street) }
}

fn renamed(name: &str) -> CustomerRenamed {
    CustomerRenamed { since: Timestamp::EPOCH, name: name.into() }
}

#[test]
fn the_directory_has_everybody_as_of_now() {
    let mut model = Model::new(Directory);
    model.see("7", JANUARY, registered("Zoë"));
    model.see("7", MARCH, moved("New Street 2"));
    model.see("7", JUNE, renamed("Zoë L."));
    let zoe = Directory::get(&model.read(), "7").unwrap().unwrap();
    assert_eq!((zoe.name.as_str(), zoe.address.street.as_str()), ("Zoë L.", "New Street 2"));
    assert_eq!((zoe.registered_at.to_string().as_str(), zoe.address_since.to_string().as_str()), (JANUARY, MARCH));
    assert_eq!(Directory::get(&model.read(), "8").unwrap(), None);
}

#[test]
fn what_is_told_late_of_the_past_does_not_become_the_present() {
    let mut model = Model::new(Directory);
    model.see("7", JANUARY, registered("Zoë"));
    model.see("7", JUNE, moved("New Street 2"));
    model.see("7", MARCH, moved("Between 3"));
    model.see("7", JUNE, renamed("Zoë L."));
    model.see("7", MARCH, renamed("Zoë B."));
    let zoe = Directory::get(&model.read(), "7").unwrap().unwrap();
    assert_eq!((zoe.name.as_str(), zoe.address.street.as_str()), ("Zoë L.", "New Street 2"));
}

#[test]
fn the_directory_is_read_page_by_page_in_the_order_of_names() {
    let mut model = Model::new(Directory);
    for (id, name) in [("1", "Cem"), ("2", "Ann"), ("3", "Ann"), ("4.a", "Bo"), ("5", "Dee")] {
        model.see(id, JANUARY, registered(name));
    }
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = Directory::page(&model.read(), after.as_ref(), 2).unwrap();
        seen.extend(page.items.into_iter().map(|customer| customer.id));
        let Some(next) = page.next else { break };
        after = Some(Cursor::parse(&next).unwrap());
    }
    assert_eq!(seen, ["2", "3", "4.a", "1", "5"]);
    for nonsense in ["", "x.y", "99.short", "1.ö"] {
        assert_eq!(Cursor::parse(nonsense), None, "{nonsense}");
    }
}

#[test]
fn each_address_holds_from_its_own_time_until_the_next_whenever_it_was_told() {
    let mut model = Model::new(AddressHistory);
    model.see("7", JANUARY, registered("Zoë"));
    model.see("7", JUNE, moved("New Street 2"));
    model.see("7", MARCH, moved("Mistyped 3"));
    model.see("7", MARCH, moved("Between 3"));
    model.see("8", MARCH, registered("Ann"));
    model.see("7", JUNE, renamed("Zoë L."));
    let held: Vec<(String, String, Option<String>)> = AddressHistory::of(&model.read(), "7")
        .unwrap()
        .into_iter()
        .map(|held| (held.address.street, held.since.to_string(), held.until.map(|until| until.to_string())))
        .collect();
    let expected = |street: &str, since: &str, until: Option<&str>| {
        (street.to_owned(), since.to_owned(), until.map(str::to_owned))
    };
    assert_eq!(
        held,
        [
            expected("Old Street 1", JANUARY, Some(MARCH)),
            expected("Between 3", MARCH, Some(JUNE)),
            expected("New Street 2", JUNE, None),
        ]
    );
    assert_eq!(AddressHistory::of(&model.read(), "9").unwrap(), []);
}
