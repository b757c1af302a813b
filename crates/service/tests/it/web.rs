//! Services on real sockets, and a client for them.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request, StatusCode};
use futures_core::future::BoxFuture;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tradewind_events::{
    Append, AppendError, Appended, Clock, Direction, EventSource, EventStore, Page, Position, Query, ReadError,
    Revision, Snapshot, StreamId, StreamSlice, Subscription, SystemClock, Timestamp,
};
use tradewind_service::{Host, HostOptions, LeaseOptions, ServiceError, ServiceHandle, SharedDatabase};
use tradewind_testkit::memory_store::MemoryStore;
use tradewind_testkit::servers::{self, Postgres};

use crate::account::eventually;

pub(crate) fn host(store: &MemoryStore, folder: &Path) -> Host {
    host_at(store, folder, Arc::new(SystemClock))
}

pub(crate) fn host_at(store: &MemoryStore, folder: &Path, clock: Arc<dyn Clock>) -> Host {
    Host::new(options(folder), Arc::new(store.clone()), clock)
}

pub(crate) fn host_with(store: &MemoryStore, folder: &Path, change: impl FnOnce(&mut HostOptions)) -> Host {
    let mut options = options(folder);
    change(&mut options);
    Host::new(options, Arc::new(store.clone()), Arc::new(SystemClock))
}

/// Where read models are.
#[derive(Debug, Clone)]
pub(crate) enum Backend {
    Sqlite,
    /// At this URL.
    Postgres(String),
}

impl Backend {
    /// Tables of a test's own; none if PostgreSQL is to be left out.
    pub(crate) fn postgres() -> Option<Self> {
        (!servers::is_left_out("postgres")).then(|| Self::Postgres(Postgres::shared().fresh_url()))
    }

    pub(crate) fn host(&self, store: &MemoryStore, folder: &Path) -> Host {
        self.instance("only", store, folder)
    }

    /// One of several instances.
    pub(crate) fn instance(&self, name: &str, store: &MemoryStore, folder: &Path) -> Host {
        self.instance_at(name, store, folder, Arc::new(SystemClock))
    }

    pub(crate) fn instance_at(&self, name: &str, store: &MemoryStore, folder: &Path, clock: Arc<dyn Clock>) -> Host {
        let mut options = options(folder);
        if let Self::Postgres(url) = self {
            options.shared = Some(SharedDatabase::new(url, name, LeaseOptions::default()).unwrap());
            // The server is another process, which others use as well.
            options.query_wait_max = Duration::from_secs(5);
        }
        Host::new(options, Arc::new(store.clone()), clock)
    }
}

/// A test over read models in SQLite, and in PostgreSQL.
macro_rules! on_both {
    ($(#[$kind:meta] $name:ident($backend:ident) $body:block)+) => {$(
        mod $name {
            use super::*;

            async fn test($backend: Backend) $body

            #[$kind]
            async fn sqlite() {
                test(Backend::Sqlite).await;
            }

            #[$kind]
            async fn postgres() {
                if let Some(postgres) = Backend::postgres() {
                    test(postgres).await;
                }
            }
        }
    )+};
}
pub(crate) use on_both;

fn options(folder: &Path) -> HostOptions {
    let mut options = HostOptions::new("bank", "127.0.0.1:0".parse().unwrap(), folder);
    options.query_wait_max = Duration::from_secs(1);
    options.drain_max = Duration::from_secs(2);
    options
}

/// A service that runs.
pub(crate) struct Running {
    pub(crate) handle: ServiceHandle,
    stop: oneshot::Sender<()>,
    task: JoinHandle<Result<(), ServiceError>>,
    client: Client<HttpConnector, Body>,
}

/// An answer, read to its end.
pub(crate) struct Got {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Got {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

pub(crate) async fn start(host: Host) -> Running {
    let (service, handle) = host.bind().await.unwrap();
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(service.run(async {
        let _ = stopped.await;
    }));
    let client = Client::builder(TokioExecutor::new()).build_http();
    Running { handle, stop, task, client }
}

pub(crate) async fn start_ready(host: Host) -> Running {
    let running = start(host).await;
    eventually("readiness", async || running.handle.is_ready()).await;
    running
}

impl Running {
    pub(crate) async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let json = [("content-type", "application/json")];
        self.ask(method, path, &[&json[..], headers].concat(), body).await
    }

    /// A POST with this content type, or none.
    pub(crate) async fn send_as(&self, kind: &str, path: &str, body: &str) -> Got {
        let headers: &[_] = if kind.is_empty() { &[] } else { &[("content-type", kind)] };
        self.ask("POST", path, headers, body).await
    }

    /// With these headers and no others.
    pub(crate) async fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Got {
        let response = self.open(method, path, headers, body).await;
        let (parts, body) = response.into_parts();
        let bytes: Bytes = body.collect().await.unwrap().to_bytes();
        Got { status: parts.status, headers: parts.headers, text: String::from_utf8_lossy(&bytes).into_owned() }
    }

    pub(crate) async fn open(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> axum::http::Response<hyper::body::Incoming> {
        let uri = format!("http://{}{path}", self.handle.address());
        let mut request = Request::builder().method(method).uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.client.request(request.body(Body::from(body.to_owned())).unwrap()).await.unwrap()
    }

    /// Whatever these bytes ask for, on a connection of its own; what has come when nothing more does.
    pub(crate) async fn say(&self, bytes: &str) -> String {
        let mut stream = TcpStream::connect(self.handle.address()).await.unwrap();
        stream.write_all(bytes.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        let _ = tokio::time::timeout(Duration::from_secs(2), stream.read_to_end(&mut answer)).await;
        String::from_utf8_lossy(&answer).into_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> Got {
        self.send("GET", path, &[], "").await
    }

    /// Asks it to go down, and waits until it has.
    pub(crate) async fn stop(self) -> Result<(), ServiceError> {
        let _ = self.stop.send(());
        self.task.await.unwrap()
    }

    /// Ends it as a crash would: nothing is flushed.
    pub(crate) fn kill(self) {
        self.task.abort();
    }
}

/// A store in which another writer always comes first.
pub(crate) struct AlwaysBehind(pub(crate) MemoryStore);

impl EventSource for AlwaysBehind {
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
        self.0.read_stream(stream, from, direction, limit)
    }
    fn position_at(&self, moment: Timestamp) -> BoxFuture<'_, Result<Position, ReadError>> {
        self.0.position_at(moment)
    }
}

impl EventStore for AlwaysBehind {
    fn append(&self, append: Append) -> BoxFuture<'_, Result<Appended, AppendError>> {
        let part = &append.streams[0];
        let (stream, expected, actual) = (part.stream.clone(), part.expected, Some(Revision(99)));
        Box::pin(async move { Err(AppendError::WrongRevision { stream, expected, actual }) })
    }
    fn truncate(&self, stream: &StreamId, before: Revision) -> BoxFuture<'_, Result<(), AppendError>> {
        self.0.truncate(stream, before)
    }
    fn load_snapshot(&self, stream: &StreamId) -> BoxFuture<'_, Result<Option<Snapshot>, ReadError>> {
        self.0.load_snapshot(stream)
    }
    fn save_snapshot(&self, snapshot: Snapshot) -> BoxFuture<'_, Result<(), ReadError>> {
        self.0.save_snapshot(snapshot)
    }
}
