//! `GET /api/ordering/orders/{id}/timeline/live`: an order's timeline as server-sent events, first what has happened,
//! then what happens. Each has its revision as `id`, so that a client that reconnects goes on where it was. The
//! stream ends with the order; asking to go on after that is answered with 204, which stops browsers.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use tradewind_events::{Direction, EventSource, ReadError, Recorded, Revision, StreamId};
use tradewind_service::{Problem, QueryContext, decode, stream_of};

use super::OrderingApi;
use crate::events::OrderEvent;
use crate::live::Watcher;
use crate::order::{Order, Status};
use crate::timeline::Stage;

const HEARTBEAT: Duration = Duration::from_secs(15);
/// An order's whole life has fewer events.
const READ_MAX: usize = 64;

/// Somebody who follows an order.
struct Follower {
    source: Arc<dyn EventSource>,
    stream: StreamId,
    watcher: Watcher,
    next: Revision,
    read: VecDeque<Recorded>,
    ended: bool,
}

pub(super) async fn follow(
    State(api): State<OrderingApi>,
    Path(id): Path<String>,
    context: QueryContext,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if context.as_of.is_some() {
        return Err(Problem::bad_request("what happens live has no past; ask for the order itself as of then"));
    }
    let stream = stream_of::<Order>(&id).map_err(|error| Problem::bad_request(error.to_string()))?;
    let next = match headers.get("last-event-id") {
        None => Revision::FIRST,
        Some(last) => behind(last).ok_or_else(|| Problem::bad_request("Last-Event-ID is no revision"))?,
    };
    // Watched first and read then: what happens in between is read, and wakes the watcher for nothing.
    let watcher = api.live.watch(&id);
    let last = api.orders.read_stream(&stream, Revision::END, Direction::Backward, 1).await?;
    let Some(last) = last.events.first() else { return Err(Problem::not_found(format!("order {id}"))) };
    if next > last.revision() && is_end(last) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follower = Follower { source: api.orders, stream, watcher, next, read: VecDeque::new(), ended: false };
    let stages = stream::unfold(follower, |mut follower| async move {
        match follower.next().await {
            Ok(Some(event)) => Some((Ok::<_, Infallible>(event), follower)),
            Ok(None) => None,
            Err(problem) => {
                // The client reconnects, and goes on where it was.
                tracing::warn!(stream = %follower.stream, %problem, "failed to read an order for who follows it");
                None
            }
        }
    });
    // A service that goes down does not wait for orders to end; their followers reconnect.
    let stages = stages.take_until(api.draining.cancelled_owned());
    Ok(Sse::new(stages).keep_alive(KeepAlive::new().interval(HEARTBEAT)).into_response())
}

/// The revision behind the one that a client has heard last.
fn behind(last: &HeaderValue) -> Option<Revision> {
    last.to_str().ok()?.parse::<u64>().ok()?.checked_add(1).map(Revision)
}

impl Follower {
    /// The next stage as an event, however long it takes; none after the last.
    async fn next(&mut self) -> Result<Option<Event>, ReadError> {
        loop {
            while let Some(event) = self.read.pop_front() {
                self.next = event.revision().next();
                self.ended = is_end(&event);
                if let Some(stage) = to_stage(&event) {
                    return Ok(Some(stage));
                }
            }
            if self.ended {
                return Ok(None);
            }
            let slice = self.source.read_stream(&self.stream, self.next, Direction::Forward, READ_MAX).await?;
            self.read.extend(slice.events);
            if self.read.is_empty() {
                self.watcher.changed().await;
            }
        }
    }
}

fn is_end(event: &Recorded) -> bool {
    matches!(decode::<OrderEvent>(event), Ok(Some(happened)) if Status::after(&happened).is_final())
}

/// None for an event that this version of the code does not know.
fn to_stage(event: &Recorded) -> Option<Event> {
    let happened = decode::<OrderEvent>(event).ok().flatten()?;
    let json = serde_json::to_string(&Stage::of(&happened, event.time())).ok()?;
    Some(Event::default().event("stage").id(event.revision().to_string()).data(json))
}
