//! An origin, a cache before it, and a clock that only the test moves.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use prometheus_client::encoding::text::encode;
use prometheus_client::registry::Registry;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tradewind_events::{Clock, ManualClock, Position, Timestamp};
use tradewind_gateway::cache::{
    Asked, Cache, CacheOptions, CachePolicy, ContentCoding, Fetch, FetchError, FetchedBody, Fetching, Key, Reused,
    Unanswered,
};

use crate::Headers;

/// A request that the origin has got.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    /// From 0.
    pub(crate) number: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: HeaderMap,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
}

/// What the origin answers.
#[derive(Clone)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<Bytes>,
    /// Without a length, and in pieces, each of which waits for the gate as well.
    streams: bool,
    /// So many pieces, and the head, do not wait for it.
    open: Option<usize>,
    gate: Option<Arc<Semaphore>>,
    breaks: bool,
}

impl Reply {
    pub(crate) fn ok(body: &str, headers: Headers<'_>) -> Self {
        Self::status(200, body, headers)
    }

    pub(crate) fn status(status: u16, body: &str, headers: Headers<'_>) -> Self {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let body = vec![Bytes::copy_from_slice(body.as_bytes())];
        Self { status, headers, body, streams: false, open: None, gate: None, breaks: false }
    }

    /// The connection ends without an answer.
    pub(crate) fn none() -> Self {
        Self { breaks: true, ..Self::ok("", &[]) }
    }

    /// Answers when the gate lets it through.
    pub(crate) fn behind(mut self, gate: &Arc<Semaphore>) -> Self {
        self.gate = Some(Arc::clone(gate));
        self
    }

    pub(crate) fn streaming(mut self, pieces: &[&str]) -> Self {
        self.body = pieces.iter().map(|piece| Bytes::copy_from_slice(piece.as_bytes())).collect();
        self.streams = true;
        self
    }

    /// The head and so many pieces come at once.
    pub(crate) fn opening(mut self, pieces: usize) -> Self {
        self.open = Some(pieces);
        self
    }
}

pub(crate) struct World {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) cache: Cache,
    pub(crate) policy: CachePolicy,
    pub(crate) parameters: Vec<(String, String)>,
    /// Whose own answers are asked for.
    pub(crate) whose: Option<&'static str>,
    /// What answers may be packed with, for clients that name it.
    pub(crate) codings: Vec<&'static dyn ContentCoding>,
    /// How stale an answer may be at most.
    pub(crate) stale_max: Option<Duration>,
    /// How long a request may take.
    pub(crate) within: Option<Duration>,
    seen: Arc<Mutex<Vec<Seen>>>,
    fetch: Arc<dyn Fetch>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Got {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
    /// The body as it came, which may be no text.
    pub(crate) bytes: Bytes,
    pub(crate) reused: Option<Reused>,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn did(&self) -> &str {
        self.header("cache-status")
    }

    pub(crate) fn is_hit(&self) -> bool {
        self.did().starts_with("tradewind; hit")
    }
}

/// Where the clock begins: 2023-11-14T22:13:20Z.
const BEGIN_S: i64 = 1_700_000_000;

/// A date in headers, so many seconds after the beginning.
pub(crate) fn date(after_s: i64) -> String {
    let seconds = u64::try_from(BEGIN_S + after_s).unwrap();
    httpdate::fmt_http_date(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds))
}

impl World {
    pub(crate) async fn new(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::with(CacheOptions::default(), script).await
    }

    pub(crate) async fn with(options: CacheOptions, script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let address = origin(Arc::clone(&seen), Arc::new(script)).await;
        let clock = Arc::new(ManualClock::at(Timestamp::from_micros(BEGIN_S * 1_000_000)));
        let cache = Cache::new(options, Arc::clone(&clock) as Arc<dyn Clock>);
        let policy = CachePolicy::new("test", "origin");
        let (parameters, codings) = (Vec::new(), Vec::new());
        let (whose, stale_max, within) = (None, None, None);
        Self { clock, cache, policy, parameters, whose, codings, stale_max, within, seen, fetch: fetch(address) }
    }

    /// An origin that always answers the same.
    pub(crate) async fn answering(headers: Headers<'_>) -> Self {
        let reply = Reply::ok("body", headers);
        Self::new(move |_| reply.clone()).await
    }

    pub(crate) fn later(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    /// How many requests the origin has got.
    pub(crate) fn asked(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// Waits until the origin has got so many requests.
    pub(crate) async fn until_asked(&self, times: usize) {
        let asked = async {
            while self.asked() < times {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), asked).await.expect("the origin was not asked");
    }

    /// Waits until this holds.
    pub(crate) async fn until(&self, holds: impl Fn(&Self) -> bool) {
        let held = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), held).await.expect("it never came to that");
    }

    pub(crate) async fn get(&self, headers: Headers<'_>) -> Got {
        self.ask("GET", "/", headers).await
    }

    pub(crate) async fn ask(&self, method: &str, path: &str, headers: Headers<'_>) -> Got {
        self.try_ask(method, path, headers).await.unwrap()
    }

    pub(crate) async fn try_ask(&self, method: &str, path: &str, headers: Headers<'_>) -> Result<Got, Unanswered> {
        read(self.head(method, path, headers).await?).await.map_err(|error| panic!("{error}"))
    }

    /// A request that is nobody's own.
    pub(crate) async fn ask_of_all(&self, method: &str, path: &str) -> Got {
        read(self.begin(&self.policy, None, method, path, &[]).await.unwrap()).await.unwrap()
    }

    /// A request under another rule.
    pub(crate) async fn get_under(&self, policy: &CachePolicy) -> Got {
        read(self.begin(policy, self.whose, "GET", "/", &[]).await.unwrap()).await.unwrap()
    }

    /// The answer, of whose body nothing has been read.
    pub(crate) async fn head(
        &self,
        method: &str,
        path: &str,
        headers: Headers<'_>,
    ) -> Result<Response<tradewind_gateway::cache::CacheBody>, Unanswered> {
        self.begin(&self.policy, self.whose, method, path, headers).await
    }

    async fn begin(
        &self,
        policy: &CachePolicy,
        whose: Option<&str>,
        method: &str,
        path: &str,
        headers: Headers<'_>,
    ) -> Result<Response<tradewind_gateway::cache::CacheBody>, Unanswered> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let after = head.headers.get("tradewind-after").map(|after| Position(after.to_str().unwrap().parse().unwrap()));
        let accepted = head.headers.get("accept-encoding").map_or("", |value| value.to_str().unwrap());
        let coding = self.codings.iter().find(|coding| accepted.contains(coding.name())).copied();
        let key = Key::of_one("test", whose, "shop.example", path);
        let (parameters, until) = (self.parameters.clone(), self.within.map(|within| Instant::now() + within));
        let asked = Asked { key, head, after, parameters, coding, stale_max: self.stale_max, until };
        let policy = Arc::new(policy.clone());
        let serving = self.cache.serve(&policy, asked, Arc::clone(&self.fetch));
        tokio::time::timeout(Duration::from_secs(20), serving).await.expect("no answer came")
    }
}

/// What the cache counts.
pub(crate) fn text(world: &World) -> impl Fn() -> String + use<> {
    let mut registry = Registry::default();
    world.cache.register(&mut registry);
    move || {
        let mut text = String::new();
        encode(&mut text, &registry).unwrap();
        text
    }
}

/// Reads an answer to its end.
pub(crate) async fn read(
    response: Response<tradewind_gateway::cache::CacheBody>,
) -> Result<Got, tradewind_gateway::cache::BodyError> {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await?.to_bytes();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    let reused = parts.extensions.get::<Reused>().copied();
    Ok(Got { status: parts.status.as_u16(), headers: parts.headers, body, bytes, reused })
}

fn fetch(address: SocketAddr) -> Arc<dyn Fetch> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    Arc::new(move |mut head: http::request::Parts| -> Fetching {
        let client = client.clone();
        head.uri = format!("http://{address}{}", head.uri).parse().unwrap();
        Box::pin(async move {
            let answer = client.request(Request::from_parts(head, Full::default())).await.map_err(FetchError::new)?;
            Ok(answer.map(|body| FetchedBody::new(body.map_err(Into::into))))
        })
    })
}

type Script = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

async fn origin(seen: Arc<Mutex<Vec<Seen>>>, script: Script) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (seen, script) = (Arc::clone(&seen), Arc::clone(&script));
            let service = service_fn(move |request| answer(request, Arc::clone(&seen), Arc::clone(&script)));
            let mut server = hyper::server::conn::http1::Builder::new();
            // Its clock is not the test's.
            server.auto_date_header(false);
            tokio::spawn(server.serve_connection(TokioIo::new(stream), service));
        }
    });
    address
}

#[derive(Debug, thiserror::Error)]
#[error("the origin breaks off")]
struct Breaks;

type Streamed = http_body_util::combinators::BoxBody<Bytes, Infallible>;

async fn answer(
    request: Request<Incoming>,
    all: Arc<Mutex<Vec<Seen>>>,
    script: Script,
) -> Result<Response<Streamed>, Breaks> {
    let seen = {
        let mut all = all.lock().unwrap();
        let (method, path) = (request.method().to_string(), request.uri().to_string());
        let seen = Seen { number: all.len(), method, path, headers: request.headers().clone() };
        all.push(seen.clone());
        seen
    };
    let reply = script(&seen);
    let pass = async |gate: &Option<Arc<Semaphore>>| {
        if let Some(gate) = gate {
            gate.acquire().await.unwrap().forget();
        }
    };
    if reply.open.is_none() {
        pass(&reply.gate).await;
    }
    if reply.breaks {
        return Err(Breaks);
    }
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).unwrap());
    for (name, value) in &reply.headers {
        response = response.header(name, value);
    }
    if !reply.streams {
        return Ok(response.body(Full::new(reply.body.concat().into()).boxed()).unwrap());
    }
    let (pieces, mut coming) = mpsc::channel(1);
    tokio::spawn(async move {
        for (number, piece) in reply.body.into_iter().enumerate() {
            if reply.open.is_none_or(|open| number >= open) {
                pass(&reply.gate).await;
            }
            if pieces.send(Ok(Frame::data(piece))).await.is_err() {
                return;
            }
        }
    });
    let stream = futures_util::stream::poll_fn(move |context| coming.poll_recv(context));
    Ok(response.body(BodyExt::boxed(StreamBody::new(stream))).unwrap())
}
