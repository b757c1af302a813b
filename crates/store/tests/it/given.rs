//! What these tests begin with.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};
use tradewind_events::{
    Append, Event, EventId, EventStore, EventType, ExpectedRevision, Metadata, StreamId, Timestamp,
};
use tradewind_http::reading::ReadingOptions;
use tradewind_store::{ClientOptions, HttpStore, Server, ServerOptions};

/// A server in this process, which ends with this.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    pub(crate) task: JoinHandle<()>,
    pub(crate) shutdown: CancellationToken,
    _stop: DropGuard,
}

impl Served {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn client(&self) -> Arc<dyn EventStore> {
        Arc::new(HttpStore::new(&self.url(), quick()).unwrap())
    }
}

/// A client that gives up soon.
pub(crate) fn quick() -> ClientOptions {
    ClientOptions {
        retry_for: Duration::from_secs(2),
        pause_first: Duration::from_millis(5),
        pause_max: Duration::from_millis(50),
        ..ClientOptions::default()
    }
}

/// The usual options, but for how it is read.
pub(crate) fn reading(change: impl FnOnce(&mut ReadingOptions)) -> ServerOptions {
    let mut options = ServerOptions::default();
    change(&mut options.reading);
    options
}

pub(crate) async fn serve(store: Arc<dyn EventStore>) -> Served {
    serve_at("127.0.0.1:0".parse().unwrap(), store, ServerOptions::default()).await
}

pub(crate) async fn serve_at(address: SocketAddr, store: Arc<dyn EventStore>, options: ServerOptions) -> Served {
    let shutdown = options.shutdown.clone();
    let server = Server::bind(address, store, options).await.unwrap();
    let address = server.local_addr();
    Served { address, task: tokio::spawn(server.run()), _stop: shutdown.clone().drop_guard(), shutdown }
}

pub(crate) fn event(name: &str) -> Event {
    Event {
        id: EventId::new(),
        event_type: EventType::new(name).unwrap(),
        time: Timestamp::from_micros(1_490_955_630_000_000),
        tags: vec![],
        metadata: Metadata::default(),
        data: "{\"a\":1}".into(),
    }
}

pub(crate) fn to(stream: &str, events: Vec<Event>) -> Append {
    Append::to(StreamId::new(stream).unwrap(), ExpectedRevision::Any, events)
}

/// Appends `count` events to a stream, one by one.
pub(crate) async fn fill(store: &dyn EventStore, stream: &str, count: usize) {
    for n in 0..count {
        store.append(to(stream, vec![event(&format!("E{n}"))])).await.unwrap();
    }
}

/// An answer, whole.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// One request on a connection of its own.
pub(crate) async fn ask(method: &str, url: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = client.request(request.body(Full::from(body.to_owned())).unwrap()).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer { status: parts.status.as_u16(), headers: parts.headers, body: String::from_utf8(body.to_vec()).unwrap() }
}

pub(crate) async fn get(url: &str) -> Answer {
    ask("GET", url, &[], "").await
}
