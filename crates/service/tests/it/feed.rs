use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::json;
use tradewind_events::{
    Append, Event, EventId, EventSource, EventStore, EventType, ExpectedRevision, Metadata, Position, Query, QueryItem,
    ReadError, Recorded, StreamId, Timestamp,
};
use tradewind_service::{
    CommandOptions, Commands, Contract, Feed, Publish, PublishError, QueryContext, StartFrom, Upcasters, decode, tag,
};
use tradewind_testkit::memory_store::MemoryStore;

use crate::account::{AccountEvent, Balances, Deposit, Open, Withdraw, commands, eventually, nobody};
use crate::web::{Running, host, host_with, start_ready};

/// Others are told who has opened an account and what was put in, but not what was taken out.
struct Told;

impl Publish for Told {
    fn query(&self) -> Query {
        Query::category("account")
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        Ok(match decode::<AccountEvent>(event)? {
            Some(AccountEvent::Opened(opened)) => {
                let contract = Contract::new("bank.account-opened", &json!({ "customer": opened.owner }))?;
                Some(contract.tagged([tag("customer", &opened.owner)]))
            }
            Some(AccountEvent::Deposited(deposited)) if deposited.cents == 13 => {
                return Err(PublishError::Other("thirteen cannot be told".to_owned()));
            }
            Some(AccountEvent::Deposited(_)) => Some(Contract::new("bank.money-in", &json!({}))?),
            Some(AccountEvent::Withdrawn(_)) | None => None,
        })
    }
}

async fn bank() -> (MemoryStore, Commands, Running, tempfile::TempDir) {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host(&store, folder.path());
    host.publish(Told);
    let commands = host.commands();
    commands.handle("1", &Open::by("ann"), &nobody()).await.unwrap();
    commands.handle("1", &Deposit(5), &nobody()).await.unwrap();
    commands.handle("1", &Withdraw(5), &nobody()).await.unwrap();
    commands.handle("2", &Open::by("bob"), &nobody()).await.unwrap();
    (store, commands, start_ready(host).await, folder)
}

fn positions(page: &serde_json::Value) -> Vec<u64> {
    page["events"].as_array().unwrap().iter().map(|event| event["position"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn a_feed_tells_contracts_and_not_what_is_nobody_elses_business() {
    let (_store, _commands, running, _folder) = bank().await;
    let page = running.get("/feed/events").await;
    let json = page.json();
    assert_eq!((positions(&json), json["through"].as_u64(), json["head"].as_u64()), (vec![1, 2, 4], Some(4), Some(4)));
    let first = &json["events"][0];
    assert_eq!(first["type"], "bank.account-opened");
    assert_eq!((&first["data"], &first["subject"]), (&json!({"customer": "ann"}), &json!("account-1")));
    assert_eq!((&first["source"], &first["specversion"]), (&json!("/bank"), &json!("1.0")));
    assert_eq!(page.header("tradewind-position"), "4");

    let some = running.get("/feed/events?tags=customer:bob").await.json();
    assert_eq!(positions(&some), [4]);
    let some = running.get("/feed/events?types=bank.money-in&after=1").await.json();
    assert_eq!(positions(&some), [2]);
    let some = running.get("/feed/events?after=1&limit=1").await.json();
    assert_eq!((positions(&some), some["through"].as_u64()), (vec![2], Some(2)));
    assert_eq!(running.get("/feed/head").await.json(), json!({"position": 4}));
    let stream = running.get("/feed/streams/account-1").await.json();
    assert_eq!((positions(&stream), &stream["last"], &stream["end"]), (vec![1, 2], &json!(2), &json!(true)));
    let at = running.get("/feed/position-at?time=2000-01-01T00:00:00Z").await.json();
    assert_eq!(at, json!({"position": 0}));
    let bad = running.get("/feed/events?after=x").await;
    assert_eq!((bad.status.as_u16(), bad.json()["code"].as_str()), (400, Some("TW-1011")));
}

#[tokio::test]
async fn a_long_poll_is_answered_as_soon_as_something_happens_and_else_when_its_time_is_over() {
    let (_store, commands, running, _folder) = bank().await;
    let started = Instant::now();
    let empty = running.get("/feed/events?after=4&wait=0.2").await.json();
    assert!(positions(&empty).is_empty() && started.elapsed() >= Duration::from_millis(200));
    let soon = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        commands.handle("1", &Deposit(7), &nobody()).await.unwrap();
    });
    let started = Instant::now();
    let found = running.get("/feed/events?after=4&wait=30").await.json();
    assert_eq!(positions(&found), [5]);
    assert!(started.elapsed() < Duration::from_secs(5));
    soon.await.unwrap();
}

#[tokio::test]
async fn a_live_feed_tells_the_past_that_it_has_caught_up_and_then_what_happens() {
    let (_store, commands, running, _folder) = bank().await;
    let response = running.open("GET", "/feed/events/live", &[("last-event-id", "1")], "").await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut body = response.into_body();
    let mut text = String::new();
    let mut read_until = async |text: &mut String, what: &str| {
        while !text.contains(what) {
            let frame = tokio::time::timeout(Duration::from_secs(5), body.frame()).await.expect(what);
            text.push_str(std::str::from_utf8(frame.unwrap().unwrap().data_ref().unwrap()).unwrap());
        }
    };
    read_until(&mut text, "event: caught-up").await;
    assert!(!text.contains("id: 1\n") && text.contains("id: 2\n") && text.contains("{\"through\":4}"), "{text}");
    text.clear();
    commands.handle("2", &Deposit(1), &nobody()).await.unwrap();
    read_until(&mut text, "bank.money-in").await;
    // It ends when the service goes down, and does not hold it up.
    let started = Instant::now();
    running.stop().await.unwrap();
    assert!(started.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn an_atom_feed_has_archive_pages_that_never_change() {
    let (_store, commands, running, _folder) = bank().await;
    for _ in 0..250 {
        commands.handle("3", &Deposit(1), &nobody()).await.unwrap();
    }
    let newest = running.get("/feed/atom/all").await;
    assert!(
        newest.text.contains("rel=\"prev-archive\" type=\"application/atom+xml\" href=\"all/2\"/>"),
        "{}",
        newest.text
    );
    assert_eq!(newest.text.matches("<entry>").count(), 54);
    let archive = running.get("/feed/atom/account/1").await;
    assert!(archive.text.contains("<fh:archive/>") && archive.text.contains("href=\"../account\""));
    assert_eq!(archive.text.matches("<entry>").count(), 99, "one of the first hundred is not told");
    assert!(archive.header("cache-control").contains("immutable"));
    commands.handle("3", &Deposit(1), &nobody()).await.unwrap();
    let tag = archive.header("etag");
    let again = running.send("GET", "/feed/atom/account/1", &[("if-none-match", tag)], "").await;
    assert_eq!(again.status.as_u16(), 304);
    for not_full in ["3", "0", "x"] {
        assert_eq!(running.get(&format!("/feed/atom/all/{not_full}")).await.json()["code"], "TW-2003");
    }
}

#[tokio::test]
async fn a_feed_stops_before_what_it_cannot_tell_and_says_so() {
    let (store, commands, running, _folder) = bank().await;
    commands.handle("1", &Deposit(13), &nobody()).await.unwrap();
    commands.handle("1", &Deposit(1), &nobody()).await.unwrap();
    let page = running.get("/feed/events?after=2").await.json();
    assert_eq!((positions(&page), page["through"].as_u64()), (vec![4], Some(4)));
    let behind = running.get("/feed/events?after=4").await;
    assert_eq!((behind.status.as_u16(), behind.json()["code"].as_str()), (500, Some("TW-1010")));
    let feed = Feed::new(Arc::new(store), Arc::new(Told), Upcasters::default());
    let mut deliveries = feed.subscribe(Position(4), Query::all()).await.unwrap();
    assert!(deliveries.next().await.unwrap().is_err());
}

#[tokio::test]
async fn a_live_feed_that_cannot_tell_an_event_tells_what_is_before_it_then_why_and_then_nothing() {
    let (store, commands, running, _folder) = bank().await;
    // All in one delivery: what can be told, what cannot, and more of what can.
    commands.handle("1", &Deposit(13), &nobody()).await.unwrap();
    commands.handle("1", &Deposit(1), &nobody()).await.unwrap();
    let feed = Feed::new(Arc::new(store), Arc::new(Told), Upcasters::default());
    let mut deliveries = feed.subscribe(Position::START, Query::all()).await.unwrap();
    let before = deliveries.next().await.unwrap().unwrap();
    assert_eq!((before.events.len(), before.through, before.caught_up), (3, Position(4), false));
    let why = deliveries.next().await.unwrap();
    assert!(matches!(why, Err(ReadError::Damaged { .. })), "{why:?}");
    assert!(deliveries.next().await.is_none(), "it goes on behind what it could not tell");

    let live = running.get("/feed/events/live").await.text;
    assert!(live.contains("id: 4\n") && live.contains("event: problem\n") && live.contains("TW-1010"), "{live}");
    assert!(!live.contains("id: 5\n") && !live.contains("id: 6\n") && !live.contains("caught-up"), "{live}");
}

/// The same as [`Told`], but it reads no more than it is asked for.
struct Narrow;

impl Publish for Narrow {
    fn query(&self) -> Query {
        Told.query()
    }

    fn query_for(&self, wanted: &Query) -> Query {
        let asks_for_opened = |item: &QueryItem| item.types.iter().all(|told| told.as_str() == "bank.account-opened");
        match wanted.items.as_slice() {
            [item] if !item.types.is_empty() && asks_for_opened(item) => {
                let types = vec![EventType::new("Opened").unwrap()];
                Query { items: vec![QueryItem { types, ..QueryItem::default() }] }
            }
            _ => self.query(),
        }
    }

    fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
        Told.publish(event)
    }
}

#[tokio::test]
async fn what_a_reader_does_not_ask_for_is_not_even_read_if_the_publisher_can_tell() {
    let (store, commands, _running, _folder) = bank().await;
    // Whoever reads this one is told that it cannot be told.
    commands.handle("1", &Deposit(13), &nobody()).await.unwrap();
    commands.handle("3", &Open::by("cid"), &nobody()).await.unwrap();
    let feed = Feed::new(Arc::new(store), Arc::new(Narrow), Upcasters::default());
    let opened = Query::types([EventType::new("bank.account-opened").unwrap()]);
    let positions = |events: &[Recorded]| events.iter().map(|event| event.position().0).collect::<Vec<_>>();
    let page = feed.read(Position::START, &opened, 100).await.unwrap();
    assert_eq!((positions(&page.events), page.through), (vec![1, 4, 6], Position(6)));
    let mut deliveries = feed.subscribe(Position::START, opened).await.unwrap();
    let delivery = deliveries.next().await.unwrap().unwrap();
    assert_eq!((positions(&delivery.events), delivery.through), (vec![1, 4, 6], Position(6)));
    assert!(feed.read(Position(4), &Query::all(), 100).await.is_err());
}

#[tokio::test]
async fn what_a_feed_says_over_http_is_what_any_store_says() {
    let (store, _commands, running, _folder) = bank().await;
    let document = running.get("/openapi.json").await.json();
    for path in ["/feed/events", "/feed/events/live", "/feed/head", "/feed/streams/{stream}", "/feed/atom/{category}"] {
        assert!(document["paths"][path]["get"].is_object(), "{path} is not described");
    }
    let head = running.get("/feed/head").await;
    assert_eq!(head.header("tradewind-position"), "4");
    let at = running.get("/feed/position-at?time=2999-01-01T00:00:00Z").await;
    assert_eq!(at.header("tradewind-position"), "4");
    // An extension whose name is taken does not write that member again; data that is no JSON is not dropped.
    struct Odd;
    impl Publish for Odd {
        fn query(&self) -> Query {
            Query::all()
        }
        fn publish(&self, _: &Recorded) -> Result<Option<Contract>, PublishError> {
            let event_type = EventType::new("odd")?;
            Ok(Some(Contract {
                event_type,
                tags: Vec::new(),
                schema_version: 0,
                data: (&b"\xff"[..]).into(),
                deliver_after: None,
            }))
        }
    }
    let extensions = [("id".to_owned(), "mine".to_owned()), ("position".to_owned(), "7".to_owned())];
    let event = Event {
        id: EventId::new(),
        event_type: EventType::new("Odd").unwrap(),
        time: Timestamp::EPOCH,
        tags: Vec::new(),
        metadata: Metadata { extensions: extensions.into(), ..Metadata::default() },
        data: "1".into(),
    };
    let id = event.id;
    store.append(Append::to(StreamId::new("odd-1").unwrap(), ExpectedRevision::Any, vec![event])).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut odd = host(&store, folder.path());
    odd.publish(Odd);
    let running = start_ready(odd).await;
    let text = running.get("/feed/events?after=4").await.text;
    assert_eq!((text.matches("\"id\":").count(), text.matches("\"position\":").count()), (1, 1), "{text}");
    assert!(text.contains(&format!("\"id\":\"{id}\"")) && text.contains("\"data_base64\":\"/w==\""), "{text}");
    // A page that has just become full leaves a newest one that is empty, and no older than what is in it.
    let weak = format!("W/{}", running.get("/feed/atom/odd").await.header("etag"));
    assert_eq!(running.send("GET", "/feed/atom/odd", &[("if-none-match", &weak)], "").await.status.as_u16(), 304);
    assert!(running.get("/feed/atom/a%2Fb").await.text.contains("href=\"a%2Fb\""));
    assert_eq!(running.get("/feed/events?limit=0").await.status.as_u16(), 400);
}

#[tokio::test]
async fn live_feeds_are_no_more_than_may_be() {
    let (store, folder) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let mut host = host_with(&store, folder.path(), |options| options.live_max = 1);
    host.publish(Told);
    let running = start_ready(host).await;
    let first = running.open("GET", "/feed/events/live", &[], "").await;
    let second = running.get("/feed/events/live").await;
    assert_eq!((second.status.as_u16(), second.json()["code"].as_str()), (503, Some("TW-1007")));
    drop(first);
}

#[tokio::test]
async fn another_service_keeps_a_local_copy_from_the_feed() {
    let (theirs, ours) = (MemoryStore::new(), MemoryStore::new());
    struct AsBefore;
    impl Publish for AsBefore {
        fn query(&self) -> Query {
            Query::category("account")
        }
        fn publish(&self, event: &Recorded) -> Result<Option<Contract>, PublishError> {
            Ok(Some(Contract {
                event_type: EventType::new(event.event_type())?,
                tags: Vec::new(),
                schema_version: 0,
                data: event.data_bytes(),
                deliver_after: None,
            }))
        }
    }
    let feed = Feed::new(Arc::new(theirs.clone()), Arc::new(AsBefore), Upcasters::default());
    let folder = tempfile::tempdir().unwrap();
    let mut host = host(&ours, folder.path());
    let copy = host.projection_over(Arc::new(feed), StartFrom::Beginning, Balances::default()).unwrap();
    let _running = start_ready(host).await;
    let there = commands(&theirs, CommandOptions::default());
    let done = there.handle("1", &Deposit(5), &nobody()).await.unwrap();
    let after = QueryContext { after: Some(done.position), as_of: None };
    assert_eq!(copy.query(&after, crate::projections::total).await.unwrap().value, (5, 1));
    eventually("its lag", async || copy.position() == done.position).await;
    assert!(ours.everything().is_empty());
}
