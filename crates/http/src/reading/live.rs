//! `GET /events/live`: server-sent events from a position onwards, first those that are there, then new ones.
//!
//! The client's own reading speed is the only pace: a delivery is asked of the store when the last one has been
//! taken, so that a slow client holds up nothing but itself.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use tokio::sync::OwnedSemaphorePermit;
use tokio_util::sync::CancellationToken;
use tradewind_events::{Position, ReadError, Subscription};

use super::params::{EventsParams, Params};
use super::problem::read_within;
use super::{Failure, Reading};
use crate::wire::live::{HEARTBEAT, write_delivery, write_failure};

pub(super) async fn follow(
    State(it): State<Arc<Reading>>,
    headers: HeaderMap,
    Params(params): Params<EventsParams>,
) -> Result<Response, Failure> {
    let after = match headers.get("last-event-id") {
        // The browser reconnects with the URL of its first request: where it has come since is in the header.
        Some(id) => resume(id)?,
        None => params.after.unwrap_or(Position::START),
    };
    let query = params.query()?;
    let permit = Arc::clone(&it.live)
        .try_acquire_owned()
        .map_err(|_| ReadError::Unavailable("as many live streams as may be are open".to_owned()))?;
    let subscription = read_within(it.options.answer_within, it.events.subscribe(after, query)).await?;
    let live = Live {
        subscription,
        source: it.options.source.clone(),
        heartbeat: it.options.heartbeat,
        shutdown: it.shutdown.clone(),
        ended: false,
        _permit: permit,
    };
    // At once, so that the client knows that it is connected before anything happens.
    let opening = stream::once(async { Ok(Bytes::from_static(b"retry: 1000\n: open\n\n")) });
    let body = Body::from_stream(opening.chain(stream::unfold(live, Live::next)));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no")),
    ];
    Ok((headers, body).into_response())
}

fn resume(id: &HeaderValue) -> Result<Position, Failure> {
    let id = id.to_str().ok().and_then(|text| text.trim().parse().ok());
    id.ok_or_else(|| Failure::invalid_read("Last-Event-ID is no position"))
}

struct Live {
    subscription: Subscription,
    source: String,
    heartbeat: Duration,
    shutdown: CancellationToken,
    ended: bool,
    _permit: OwnedSemaphorePermit,
}

impl Live {
    async fn next(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        if self.ended {
            return None;
        }
        let mut out = Vec::new();
        while out.is_empty() {
            tokio::select! {
                biased;
                () = self.shutdown.cancelled() => return None,
                delivery = self.subscription.next() => match delivery {
                    Some(Ok(delivery)) => write_delivery(&mut out, &delivery, &self.source),
                    Some(Err(error)) => {
                        write_failure(&mut out, &error);
                        self.ended = true;
                    }
                    None => return None,
                },
                () = tokio::time::sleep(self.heartbeat) => out.extend_from_slice(HEARTBEAT),
            }
        }
        Some((Ok(out.into()), self))
    }
}
