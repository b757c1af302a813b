//! Events that older versions wrote, kept as files, are read by today's code.

use std::path::Path;

use serde_json::{Value, json};
use tradewind_events::{Append, CloudEvent, Event, EventStore, ExpectedRevision, StreamId, Timestamp};
use tradewind_service::{CommandOptions, Commands, Entities, Upcasters};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{Account, Balances, Deposit, clock, nobody};
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
    let entities = Entities::new(store.clone(), upcasters.clone());
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
    let model = host.projection(Balances::default()).unwrap();
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
