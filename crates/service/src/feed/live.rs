//! A feed as server-sent events (WHATWG HTML, section 9.2): from a position onwards, first those that are there,
//! then new ones. The message `caught-up` tells that nothing is left behind, `progress` how far a filter has come.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_core::Stream;
use futures_util::{StreamExt, stream};
use tradewind_events::{CloudEvent, Delivery, ErrorCode, Position};

use super::http::{EventsParams, FeedRoutes, Params};
use crate::Problem;

pub(super) async fn follow(
    State(feed): State<Arc<FeedRoutes>>,
    headers: HeaderMap,
    Params(params): Params<EventsParams>,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, Problem> {
    let after = match headers.get("last-event-id").map(|id| id.to_str().map(str::parse)) {
        // A browser reconnects with the URL of its first request: where it has come since is in the header.
        Some(Ok(Ok(position))) => position,
        Some(_) => return Err(Problem::new(ErrorCode::INVALID_READ, "Last-Event-ID is no position")),
        None => params.after.unwrap_or(Position::START),
    };
    let deliveries = feed.source.subscribe(after, params.query()?).await?;
    let (name, draining) = (feed.name.clone(), feed.draining.clone());
    let messages = deliveries.flat_map(move |delivery| {
        let messages = match delivery {
            Ok(delivery) => to_messages(&delivery, &name),
            Err(error) => {
                let problem = serde_json::to_string(&Problem::from(error).body()).unwrap_or_default();
                vec![Event::default().event("problem").data(problem)]
            }
        };
        stream::iter(messages.into_iter().map(Ok))
    });
    let messages = messages.take_until(draining.cancelled_owned());
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(Duration::from_secs(15))))
}

fn to_messages(delivery: &Delivery, source: &str) -> Vec<Event> {
    let mut messages: Vec<Event> = delivery
        .events
        .iter()
        .filter_map(|event| {
            let json = serde_json::to_string(&CloudEvent::of(event, source)).ok()?;
            Some(Event::default().id(event.position().to_string()).data(json))
        })
        .collect();
    let told = delivery.events.last().map_or(Position::START, |event| event.position());
    let mark = match (delivery.caught_up, delivery.through > told) {
        (true, _) => "caught-up",
        (false, true) => "progress",
        (false, false) => return messages,
    };
    let through = format!("{{\"through\":{}}}", delivery.through);
    messages.push(Event::default().id(delivery.through.to_string()).event(mark).data(through));
    messages
}
