use tradewind_events::{Event, EventType, Position, Recorded, Revision, Timestamp};
use tradewind_service::rusqlite::Connection;
use tradewind_service::sql::Transaction;
use tradewind_service::{DomainEvent, Projection, Reader};

use super::*;
use crate::events::{GoodsLeft, GoodsPutBack, GoodsReceived, GoodsSetAside, GoodsWrittenOff, StockEvent, StockOpened};

struct Model {
    database: Connection,
    events: u64,
}

impl Model {
    fn new() -> Self {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(StockLevels.schema()).unwrap();
        Self { database, events: 0 }
    }

    fn read(&self) -> Reader<'_> {
        Reader::new(&self.database, Position(self.events))
    }

    fn see(&mut self, product: &str, event: impl Into<StockEvent>) {
        let event = event.into();
        let raw = Event {
            data: event.encode().unwrap().into(),
            ..Event::new(EventType::new(event.event_type()).unwrap(), Timestamp::EPOCH, &()).unwrap()
        };
        self.events += 1;
        let (stream, position) = (format!("stock-{product}"), Position(self.events));
        let recorded = Recorded::assemble(&stream, &raw, position, Revision(0), Timestamp::EPOCH);
        let tx = self.database.transaction().unwrap();
        StockLevels.apply(&Transaction::on_sqlite(&tx), &recorded).unwrap();
        tx.commit().unwrap();
    }

    fn level(&self, product: &str) -> Option<(u64, u64, u64)> {
        let level = StockLevels::get(&self.read(), product).unwrap()?;
        Some((level.on_hand, level.set_aside, level.available))
    }
}

#[test]
fn what_is_there_and_what_can_be_had_are_two_things() {
    let mut model = Model::new();
    let order = || "a".to_owned();
    assert_eq!(model.level("1"), None);
    model.see("1", StockOpened { quantity: 5 });
    model.see("1", GoodsReceived { quantity: 3, note: String::new() });
    model.see("1", GoodsSetAside { order_id: order(), quantity: 4 });
    assert_eq!(model.level("1"), Some((8, 4, 4)));
    model.see("1", GoodsPutBack { order_id: order(), quantity: 4 });
    assert_eq!(model.level("1"), Some((8, 0, 8)));
    model.see("1", GoodsSetAside { order_id: order(), quantity: 6 });
    model.see("1", GoodsLeft { order_id: order(), quantity: 6 });
    model.see("1", GoodsWrittenOff { quantity: 1, reason: String::new() });
    assert_eq!(model.level("1"), Some((1, 0, 1)));
}

#[test]
fn the_scarcest_come_first_page_by_page() {
    let mut model = Model::new();
    for (product, quantity) in [("a", 3), ("b", 0), ("c", 30), ("d", 3)] {
        model.see(product, StockOpened { quantity });
    }
    let first = StockLevels::below(&model.read(), 10, None, 2).unwrap();
    let ids = |page: &LevelsPage| page.items.iter().map(|level| level.product_id.clone()).collect::<Vec<_>>();
    assert_eq!(ids(&first), ["b", "a"]);
    let cursor = Cursor::parse(&first.next.unwrap());
    let rest = StockLevels::below(&model.read(), 10, cursor.as_ref(), 2).unwrap();
    assert_eq!((ids(&rest), rest.next), (vec!["d".to_owned()], None));
    assert_eq!(Cursor::parse("nonsense"), None);
}
