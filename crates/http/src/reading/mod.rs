//! Any event source over HTTP: the reading half of an event store's interface, and all of a service's feed.
//!
//! `events` tells everything by position, `live` the same as it happens, `streams` one stream, `feed` everything as
//! Atom, whose documents `atom` writes; `digest` tells how much there is of it and a checksum, so that who has read it can see
//! whether it is all. `params` are what they take, `problem` is what they answer otherwise,
//! `openapi` describes them for machines.

mod atom;
mod digest;
mod events;
mod feed;
mod live;
mod openapi;
mod params;
mod problem;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderName, HeaderValue};
use axum::routing::get;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tradewind_events::{EventSource, Position};

use crate::wire::POSITION_HEADER;

pub use openapi::{Description, described};
pub use params::StreamPath;
pub use problem::{Failure, read_within};

/// How a source is served. Everything has a limit.
#[derive(Debug, Clone)]
pub struct ReadingOptions {
    /// The `source` of the CloudEvents: a URI reference that names this store or service.
    pub source: String,
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
    /// How long the source may take to answer anything else.
    pub answer_within: Duration,
}

impl Default for ReadingOptions {
    fn default() -> Self {
        Self {
            source: "/".to_owned(),
            page_events_max: 4_096,
            page_events_default: 100,
            wait_max: Duration::from_secs(30),
            heartbeat: Duration::from_secs(15),
            live_max: 10_000,
            answer_within: Duration::from_secs(30),
        }
    }
}

/// What the routes share.
struct Reading {
    events: Arc<dyn EventSource>,
    options: ReadingOptions,
    live: Arc<Semaphore>,
    /// Cancelled when the server drains: live streams end, long polls answer.
    shutdown: CancellationToken,
}

/// The paths that [`router`] answers, beside the Atom feeds.
pub const PATHS: [&str; 6] = ["/digest", "/events", "/events/live", "/head", "/position-at", "/streams/{stream}"];

/// The routes over a source, with its Atom feeds under `atom`. They name each other by relative references, so that
/// the router may be nested under any prefix. Live streams end, and long polls answer, when `shutdown` is cancelled.
pub fn router(
    source: Arc<dyn EventSource>,
    atom: &str,
    options: ReadingOptions,
    shutdown: CancellationToken,
) -> Router {
    let live = Arc::new(Semaphore::new(options.live_max));
    let [digest, all, follow, head, position_at, stream] = PATHS;
    Router::new()
        .route(digest, get(digest::told))
        .route(all, get(events::page))
        .route(follow, get(live::follow))
        .route(head, get(events::head))
        .route(position_at, get(events::position_at))
        .route(stream, get(streams::read))
        .route(&format!("{atom}/{{category}}"), get(feed::newest))
        .route(&format!("{atom}/{{category}}/{{page}}"), get(feed::archived))
        .with_state(Arc::new(Reading { events: source, options, live, shutdown }))
}

/// The header that tells which position an answer reflects.
#[must_use]
pub fn reflects(position: Position) -> (HeaderName, HeaderValue) {
    (HeaderName::from_static(POSITION_HEADER), HeaderValue::from(position.0))
}
