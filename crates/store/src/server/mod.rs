//! The store over HTTP: a router over any event store, and the reading half of it over any source.

mod append;
mod atom;
mod batch;
mod events;
mod feed;
mod live;
mod openapi;
mod params;
mod problem;
mod serve;
mod snapshots;
mod streams;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Clock, EventSource, EventStore, SystemClock};

pub use problem::Failure;
pub use serve::{ServeError, Server};

/// How the store is served. Everything has a limit.
#[derive(Clone)]
pub struct ServerOptions {
    /// The `source` of the CloudEvents: a URI reference that names this store or service.
    pub source: String,
    /// The most bytes of a request's body.
    pub body_bytes_max: usize,
    /// The most appends in one batch.
    pub batch_appends_max: usize,
    /// The most events in one answer; who asks for more gets as many, and goes on from there.
    pub page_events_max: usize,
    /// How many events an answer has when the request does not say.
    pub page_events_default: usize,
    /// The longest time that a long poll waits.
    pub wait_max: Duration,
    /// How long a live stream is silent before it tells that it lives.
    pub heartbeat: Duration,
    /// The most live streams and waiting long polls at once.
    pub live_max: usize,
    /// How long the store may take to answer anything else.
    pub answer_within: Duration,
    /// The most connections at once; more wait to be accepted. Only [`Server`] goes by it.
    pub connections_max: usize,
    /// How long a client may take nothing of what it has been sent, before its connection is dropped: a live stream
    /// that nobody reads must not stay for ever. On Linux; elsewhere the system decides. Only [`Server`] goes by it.
    pub stalled_max: Duration,
    /// How long requests on their way have when the server drains. Only [`Server`] goes by it.
    pub drain_within: Duration,
    /// When events without a time happened.
    pub clock: Arc<dyn Clock>,
    /// Cancelled when the server drains: live streams end, long polls answer.
    pub shutdown: CancellationToken,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            source: "/".to_owned(),
            body_bytes_max: 32 << 20,
            batch_appends_max: 1_024,
            page_events_max: 4_096,
            page_events_default: 100,
            wait_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            live_max: 10_000,
            answer_within: Duration::from_secs(30),
            connections_max: 16_384,
            stalled_max: Duration::from_secs(120),
            drain_within: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
            shutdown: CancellationToken::new(),
        }
    }
}

/// What the reading routes share.
struct Reading {
    events: Arc<dyn EventSource>,
    options: ServerOptions,
    live: Arc<Semaphore>,
}

impl Reading {
    fn new(events: Arc<dyn EventSource>, options: ServerOptions) -> Arc<Self> {
        let live = Arc::new(Semaphore::new(options.live_max));
        Arc::new(Self { events, options, live })
    }
}

/// What the writing routes share.
struct Writing {
    store: Arc<dyn EventStore>,
    options: ServerOptions,
}

/// All routes of an event store. They name each other by relative references, so that the router may be nested
/// under any prefix.
pub fn router(store: Arc<dyn EventStore>, options: ServerOptions) -> Router {
    let reading = Reading::new(Arc::clone(&store) as Arc<dyn EventSource>, options.clone());
    let body_bytes_max = options.body_bytes_max;
    let writing = Router::new()
        .route("/append", post(append::append))
        .route("/append/batch", post(batch::append_batch))
        .route("/streams/{stream}/truncate", post(streams::truncate))
        .route("/streams/{stream}/snapshot", get(snapshots::load).put(snapshots::save))
        .with_state(Arc::new(Writing { store, options }));
    reading_routes(&reading)
        .merge(feed_routes("/feed", &reading))
        .merge(writing)
        .route("/openapi.json", get(openapi::document))
        .method_not_allowed_fallback(problem::method_not_allowed)
        .fallback(problem::no_such_route)
        .layer(DefaultBodyLimit::max(body_bytes_max))
}

/// The reading half alone, over any source: what a service serves of its published events under its `/feed`. Its
/// Atom pages are under `/atom/{category}`.
pub fn feed_router(source: Arc<dyn EventSource>, options: ServerOptions) -> Router {
    let reading = Reading::new(source, options);
    reading_routes(&reading).merge(feed_routes("/atom", &reading))
}

fn reading_routes(reading: &Arc<Reading>) -> Router {
    Router::new()
        .route("/events", get(events::page))
        .route("/events/live", get(live::follow))
        .route("/head", get(events::head))
        .route("/position-at", get(events::position_at))
        .route("/streams/{stream}", get(streams::read))
        .with_state(Arc::clone(reading))
}

fn feed_routes(base: &str, reading: &Arc<Reading>) -> Router {
    Router::new()
        .route(&format!("{base}/{{category}}"), get(feed::newest))
        .route(&format!("{base}/{{category}}/{{page}}"), get(feed::archived))
        .with_state(Arc::clone(reading))
}
