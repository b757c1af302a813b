//! The store over HTTP: a router over any event store. Its reading half is `tradewind_http::reading`.

mod append;
mod batch;
mod body;
mod openapi;
mod serve;
mod snapshots;
mod truncate;
mod within;

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio_util::sync::CancellationToken;
use tradewind_events::{Clock, EventSource, EventStore, SystemClock};
use tradewind_http::Limits;
use tradewind_http::reading::{self, Failure, ReadingOptions};

pub use serve::{ServeError, Server};

/// How the store is served. Everything has a limit.
#[derive(Clone)]
pub struct ServerOptions {
    /// How it is read. Its `answer_within` is also how long an append may take, and the body of a request.
    pub reading: ReadingOptions,
    /// What is put up with of connections. Only [`Server`] goes by it.
    pub limits: Limits,
    /// The most bytes of a request's body.
    pub body_bytes_max: usize,
    /// The most appends in one batch.
    pub batch_appends_max: usize,
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
            reading: ReadingOptions::default(),
            // Batches are read in pieces, the larger the better.
            limits: Limits {
                connections_max: 16_384,
                head_bytes_max: 256 << 10,
                streams_max: 1_024,
                ..Limits::default()
            },
            body_bytes_max: 32 << 20,
            batch_appends_max: 1_024,
            drain_within: Duration::from_secs(10),
            clock: Arc::new(SystemClock),
            shutdown: CancellationToken::new(),
        }
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
    let source = Arc::clone(&store) as Arc<dyn EventSource>;
    let reading = reading::router(source, "/feed", options.reading.clone(), options.shutdown.clone());
    let body_bytes_max = options.body_bytes_max;
    let writing = Router::new()
        .route("/append", post(append::append))
        .route("/append/batch", post(batch::append_batch))
        .route("/streams/{stream}/truncate", post(truncate::truncate))
        .route("/streams/{stream}/snapshot", get(snapshots::load).put(snapshots::save))
        .with_state(Arc::new(Writing { store, options }));
    reading
        .merge(writing)
        .route("/openapi.json", get(openapi::document))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(no_such_route)
        .layer(DefaultBodyLimit::max(body_bytes_max))
}

async fn no_such_route() -> Failure {
    Failure::not_found("no such path; /openapi.json lists them")
}

async fn method_not_allowed() -> Failure {
    Failure::bad_request(StatusCode::METHOD_NOT_ALLOWED, "this path does not take this method")
}
