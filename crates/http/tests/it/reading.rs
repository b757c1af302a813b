//! What the reading routes say of sources that do not do what is asked in one go.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use futures_core::future::BoxFuture;
use http::Request;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tradewind_events::{
    Append, Direction, Event, EventId, EventSource, EventStore, EventType, ExpectedRevision, Metadata, Page, Position,
    Query, ReadError, Revision, StreamId, StreamSlice, Subscription, Timestamp,
};
use tradewind_http::reading::{Description, PATHS, ReadingOptions, described, router};
use tradewind_http::{Limits, Server};
use tradewind_testkit::memory_store::MemoryStore;

/// A source that gives at most two events of a stream at once, as the log does when they are large.
struct ShortOfBreath(MemoryStore);

impl EventSource for ShortOfBreath {
    fn head(&self) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.0.head()
    }
    fn read(&self, after: Position, query: &Query, limit: usize) -> BoxFuture<'_, Result<Page, ReadError>> {
        self.0.read(after, query, limit)
    }
    fn subscribe(&self, after: Position, query: Query) -> BoxFuture<'_, Result<Subscription, ReadError>> {
        self.0.subscribe(after, query)
    }
    fn read_stream(
        &self,
        stream: &StreamId,
        from: Revision,
        direction: Direction,
        limit: usize,
    ) -> BoxFuture<'_, Result<StreamSlice, ReadError>> {
        self.0.read_stream(stream, from, direction, limit.min(2))
    }
    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.0.position_at(moment)
    }
}

pub(crate) async fn serve(source: Arc<dyn EventSource>) -> String {
    let shutdown = CancellationToken::new();
    let routes = router(source, "/atom", ReadingOptions::default(), shutdown.clone());
    let server = Server::bind("127.0.0.1:0".parse().unwrap(), Limits::default()).await.unwrap();
    let url = format!("http://{}", server.local_addr());
    tokio::spawn(server.run(move |_| TowerToHyperService::new(routes.clone()), shutdown, Duration::from_secs(1)));
    url
}

pub(crate) struct Got {
    pub(crate) position: Option<u64>,
    pub(crate) json: Value,
}

pub(crate) async fn get_text(url: &str) -> String {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let response = client.request(Request::get(url).body(Body::empty()).unwrap()).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

pub(crate) async fn get(url: &str) -> Got {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let response = client.request(Request::get(url).body(Body::empty()).unwrap()).await.unwrap();
    let position = response.headers().get("tradewind-position").map(|it| it.to_str().unwrap().parse().unwrap());
    let body = response.into_body().collect().await.unwrap().to_bytes();
    Got { position, json: serde_json::from_slice(&body).unwrap_or_default() }
}

pub(crate) async fn filled(events: usize) -> MemoryStore {
    let store = MemoryStore::new();
    for n in 0..events {
        let event = Event {
            id: EventId::derived("reading", n),
            event_type: EventType::new("A").unwrap(),
            time: Timestamp::EPOCH,
            tags: Vec::new(),
            metadata: Metadata::default(),
            data: "null".into(),
        };
        let append = Append::to(StreamId::new("order-1").unwrap(), ExpectedRevision::Any, vec![event]);
        store.append(append).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_stream_that_comes_in_parts_says_that_there_is_more_from_either_end() {
    let url = serve(Arc::new(ShortOfBreath(filled(5).await))).await;
    for direction in ["forward", "backward"] {
        let (mut revisions, mut from) = (Vec::new(), String::new());
        loop {
            let slice = get(&format!("{url}/streams/order-1?direction={direction}{from}")).await.json;
            let events = slice["events"].as_array().unwrap();
            revisions.extend(events.iter().map(|event| event["revision"].as_u64().unwrap()));
            if slice["end"] == json!(true) {
                break;
            }
            let last = *revisions.last().unwrap();
            from = format!("&from={}", if direction == "forward" { last + 1 } else { last - 1 });
        }
        if direction == "backward" {
            revisions.reverse();
        }
        assert_eq!(revisions, [0, 1, 2, 3, 4], "{direction}");
    }
}

#[tokio::test]
async fn every_answer_tells_the_position_that_it_reflects() {
    let url = serve(Arc::new(filled(3).await)).await;
    for path in [
        "/events",
        "/head",
        "/position-at?time=2999-01-01T00:00:00Z",
        "/streams/order-1",
        "/streams/none-1",
        "/atom/all",
    ] {
        assert_eq!(get(&format!("{url}{path}")).await.position, Some(3), "{path}");
    }
    let url = serve(Arc::new(filled(130).await)).await;
    assert_eq!(get(&format!("{url}/atom/all/1")).await.position, Some(100));
}

#[test]
fn the_description_names_every_route_and_only_schemas_that_are_there() {
    let Description { paths, schemas } = described("/feed", "/atom");
    let mut served: Vec<_> = PATHS.iter().map(|path| format!("/feed{path}")).collect();
    served.extend(["/feed/atom/{category}".to_owned(), "/feed/atom/{category}/{page}".to_owned()]);
    let mut told: Vec<_> = paths.keys().cloned().collect();
    told.sort_unstable();
    served.sort_unstable();
    assert_eq!(told, served);
    let text = serde_json::to_string(&(paths, &schemas)).unwrap();
    for reference in text.split("#/components/schemas/").skip(1) {
        assert!(schemas.contains_key(reference.split('"').next().unwrap()), "{reference:.40}");
    }
}
