//! Events that older versions wrote, kept as files, are read by today's code.

use std::path::Path;

use serde_json::{Value, json};
use tradewind_events::{
    Append, AppendCondition, CloudEvent, Event, EventStore, EventType, ExpectedRevision, Position, Query, Recorded,
    StreamId, Timestamp,
};
use tradewind_service::sql::Transaction;
use tradewind_service::{
    AsOf, Command, CommandError, CommandOptions, Commands, Entities, ProjectionError, QueryContext, Reader, Rejection,
    Upcasters,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, AccountEvent, Balances, Deposit, Deposited, clock, nobody};
use crate::projections::now;
use crate::web::{host, start_ready};

/// What has changed since: `Opened` called the owner `name`, and once split it in two; `Deposited` was called
/// `MoneyPutIn` and counted in euros.
fn add_steps(upcasters: &Upcasters) {
    upcasters.step("Opened", 1, |mut data| {
        let name = data["name"].take();
        if !name.is_string() {
            return Err("name is no text".to_owned());
        }
        Ok(json!({ "owner": name }))
    });
    upcasters.step("MoneyPutIn", 1, |data| {
        let euros = data["euros"].as_i64().ok_or("euros is no number")?;
        Ok(json!({ "cents": euros * 100 }))
    });
    upcasters.renamed("MoneyPutIn", "Deposited").unwrap();
}

/// The events of a golden file: CloudEvents, one a line.
fn old_events(file: &str) -> Vec<(StreamId, Event)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old-events").join(file);
    let text = std::fs::read_to_string(path).unwrap();
    let parse = |line| serde_json::from_str::<CloudEvent>(line).unwrap().into_event(Timestamp::EPOCH).unwrap();
    text.lines().map(parse).collect()
}

async fn store_with(file: &str) -> MemoryStore {
    let store = MemoryStore::new();
    for (stream, event) in old_events(file) {
        store.append(Append::to(stream, ExpectedRevision::Any, vec![event])).await.unwrap();
    }
    store
}

#[tokio::test]
async fn entities_read_events_of_the_first_version_and_pass_over_types_they_do_not_know() {
    let store = store_with("account-1.jsonl").await;
    let upcasters = Upcasters::default();
    add_steps(&upcasters);
    let store: std::sync::Arc<dyn EventStore> = std::sync::Arc::new(store);
    let entities = Entities::new(store.clone(), clock(), upcasters.clone());
    let account = entities.load::<Account>("1").await.unwrap();
    let expected = Account { owner: Some("ann".into()), balance_cents: 512, changes: 3 };
    assert_eq!(account.state, expected);
    // A command goes on from there.
    let commands = Commands::new(store, clock(), upcasters, CommandOptions::default());
    commands.handle("1", &Deposit(1), &nobody()).await.unwrap();
    assert_eq!(entities.load::<Account>("1").await.unwrap().state.balance_cents, 513);
}

#[tokio::test]
async fn projections_read_them_as_well() {
    let (store, folder) = (store_with("account-1.jsonl").await, tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    add_steps(host.upcasters());
    let model = host.projection(Balances::default()).unwrap();
    let _running = start_ready(host).await;
    assert_eq!(now(&model).await, (512, 3));
}

#[tokio::test]
async fn an_old_event_that_no_step_can_read_is_named_and_stops_what_reads_it() {
    let (store, folder) = (store_with("account-broken.jsonl").await, tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    add_steps(host.upcasters());
    let model = host.projection(Balances { parks: false, ..Balances::default() }).unwrap();
    let error = host.entities().load::<Account>("1").await.unwrap_err();
    assert!(error.to_string().contains("Opened of version 1"), "{error}");
    let running = start_ready(host).await;
    let stopped = running.handle.followers().remove(0).stopped.unwrap();
    assert_eq!((stopped.position.0, stopped.event_type.as_str()), (2, "Opened"));
    assert_eq!(now(&model).await, (100, 1), "what comes before it is there");
}

#[test]
fn steps_apply_in_order_from_the_version_that_was_written() {
    let upcasters = Upcasters::default();
    for from in 1..=3 {
        upcasters.step("Deposited", from, move |mut data: Value| {
            data["steps"].as_array_mut().ok_or("no list")?.push(from.into());
            Ok(data)
        });
    }
    for (written, expected) in [(0, json!([1, 2, 3])), (1, json!([1, 2, 3])), (3, json!([3])), (4, json!([]))] {
        let kind = tradewind_events::EventType::new("Deposited").unwrap();
        let mut event = Event::new(kind, Timestamp::EPOCH, &json!({"steps": []})).unwrap();
        event.metadata.schema_version = written;
        let place = (tradewind_events::Position(1), tradewind_events::Revision(0));
        let old = tradewind_events::Recorded::assemble("account-1", &event, place.0, place.1, Timestamp::EPOCH);
        let today = upcasters.upcast(old).unwrap();
        assert_eq!(today.parse::<Value>().unwrap()["steps"], expected, "of version {written}");
        assert_eq!(today.metadata().unwrap().schema_version, 4);
    }
}

/// What a projection of the new name is given.
struct Amounts;

impl tradewind_service::Projection for Amounts {
    fn name(&self) -> &'static str {
        "amounts"
    }
    fn version(&self) -> u32 {
        1
    }
    fn schema(&self) -> &'static str {
        "CREATE TABLE amount (cents INTEGER NOT NULL)"
    }
    fn query(&self) -> Query {
        Query::types([EventType::new("Deposited").unwrap()])
    }
    fn apply(&self, tx: &Transaction<'_>, event: &Recorded) -> Result<(), ProjectionError> {
        let deposited: Deposited = event.parse()?;
        tx.execute("INSERT INTO amount VALUES (?1)", [deposited.cents])?;
        Ok(())
    }
}

fn amounts(reader: &Reader<'_>) -> tradewind_service::sql::Result<Vec<i64>> {
    reader.all("SELECT cents FROM amount ORDER BY rowid", [], |row| row.get(0))
}

#[tokio::test]
async fn what_asks_for_events_by_their_new_name_is_given_those_of_the_old_one() {
    let (store, folder) = (store_with("account-1.jsonl").await, tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    let model = host.projection(Amounts).unwrap();
    // Also if it is renamed twice, and told after the projection was made.
    add_steps(host.upcasters());
    host.upcasters().renamed("PutIn", "MoneyPutIn").unwrap();
    let commands = host.commands();
    commands.handle("1", &Deposit(1), &nobody()).await.unwrap();
    let _running = start_ready(host).await;
    let ask = |as_of| QueryContext { after: None, as_of };
    let all = model.query(&ask(None), amounts).await.unwrap().value;
    assert_eq!((all.iter().sum::<i64>(), all.last()), (513, Some(&1)));
    let past = model.query(&ask(Some(AsOf::Position(Position(store.everything().len() as u64 - 1)))), amounts).await;
    assert_eq!(past.unwrap().value, all[..all.len() - 1]);
}

#[tokio::test]
async fn a_condition_on_the_new_name_sees_events_of_the_old_one() {
    struct FirstDeposit;
    impl Command for FirstDeposit {
        type Entity = Account;
        fn decide(&self, _: &Account, _: Timestamp) -> Result<Vec<AccountEvent>, Rejection> {
            Ok(vec![Deposited { cents: 1 }.into()])
        }
        fn condition(&self) -> Option<AppendCondition> {
            let fail_if = Query::types([EventType::new("Deposited").unwrap()]);
            Some(AppendCondition { fail_if, after: Position::START })
        }
    }
    let upcasters = Upcasters::default();
    add_steps(&upcasters);
    let store = MemoryStore::new();
    for (stream, event) in old_events("account-1.jsonl").into_iter().take(2) {
        store.append(Append::to(stream, ExpectedRevision::Any, vec![event])).await.unwrap();
    }
    let commands = Commands::new(std::sync::Arc::new(store), clock(), upcasters, CommandOptions::default());
    let refused = commands.handle("2", &FirstDeposit, &nobody()).await;
    assert!(matches!(refused, Err(CommandError::ConditionFailed { .. })), "{refused:?}");
}

#[test]
fn an_event_with_a_new_name_goes_on_with_that_names_steps() {
    let upcasters = Upcasters::default();
    let add = |what: &'static str| {
        move |mut data: Value| {
            data["steps"].as_array_mut().ok_or("no list")?.push(what.into());
            Ok(data)
        }
    };
    upcasters.step("A", 1, add("a1"));
    upcasters.renamed("A", "B").unwrap();
    upcasters.step("B", 1, add("b1"));
    upcasters.step("B", 2, add("b2"));
    upcasters.renamed("B", "C").unwrap();
    let read = |kind: &str, version: u16| {
        let mut event = Event::new(EventType::new(kind).unwrap(), Timestamp::EPOCH, &json!({"steps": []})).unwrap();
        event.metadata.schema_version = version;
        let place = (Position(1), tradewind_events::Revision(0));
        let old = Recorded::assemble("account-1", &event, place.0, place.1, Timestamp::EPOCH);
        let today = upcasters.upcast(old).unwrap();
        (today.event_type().to_owned(), today.parse::<Value>().unwrap()["steps"].clone())
    };
    assert_eq!(read("A", 1), ("C".to_owned(), json!(["a1", "b1", "b2"])));
    assert_eq!(read("A", 2), ("C".to_owned(), json!(["b1", "b2"])));
    assert_eq!(read("B", 2), ("C".to_owned(), json!(["b2"])));
    assert_eq!(read("C", 0), ("C".to_owned(), json!([])));
    // Names that go in a circle come to an end.
    upcasters.renamed("C", "A").unwrap();
    assert!(read("A", 1).1.as_array().unwrap().len() < 10);
}
