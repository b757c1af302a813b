//! `GET /events`, `/head` and `/position-at`: everything by position, a page at a time, with a wait if there is
//! nothing yet.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde::Deserialize;
use tokio::time::Instant;
use tradewind_events::{Page, Position, Query, Timestamp};

use super::params::{EventsParams, Params};
use super::problem::read_within;
use super::{Failure, Reading, reflects};
use crate::wire::page::{AtPosition, write_page};

pub(super) async fn page(
    State(it): State<Arc<Reading>>,
    Params(params): Params<EventsParams>,
) -> Result<Response, Failure> {
    let options = &it.options;
    let after = params.after.unwrap_or(Position::START);
    let limit = params.limit.unwrap_or(options.page_events_default).min(options.page_events_max);
    if limit == 0 {
        return Err(Failure::invalid_read("limit is zero"));
    }
    let query = params.query()?;
    let wait = wait(params.wait, options.wait_max)?;
    let mut page = read_within(options.answer_within, it.events.read(after, &query, limit)).await?;
    if page.events.is_empty() && page.through >= page.head && !wait.is_zero() {
        page = wait_for_events(&it, page, query, limit, wait).await?;
    }
    let headers = [(header::CONTENT_TYPE, HeaderValue::from_static("application/json")), reflects(page.through)];
    Ok((headers, write_page(&page, &options.source)).into_response())
}

fn wait(seconds: Option<f64>, most: Duration) -> Result<Duration, Failure> {
    let seconds = seconds.unwrap_or(0.0);
    let wait = Duration::try_from_secs_f64(seconds).map_err(|_| Failure::invalid_read("wait is no time in seconds"))?;
    Ok(wait.min(most))
}

/// Follows the store until it has something, the time is over, or the server drains.
async fn wait_for_events(
    it: &Reading,
    empty: Page,
    query: Query,
    limit: usize,
    wait: Duration,
) -> Result<Page, Failure> {
    let Ok(_permit) = it.live.try_acquire() else { return Ok(empty) };
    let until = Instant::now() + wait;
    let mut page = empty;
    let mut subscription = read_within(it.options.answer_within, it.events.subscribe(page.through, query)).await?;
    loop {
        let delivery = tokio::select! {
            delivery = subscription.next() => delivery,
            () = tokio::time::sleep_until(until) => return Ok(page),
            () = it.shutdown.cancelled() => return Ok(page),
        };
        let Some(delivery) = delivery.transpose()? else { return Ok(page) };
        if delivery.through > page.through {
            page.through = delivery.through;
            page.head = page.head.max(page.through);
        }
        if !delivery.events.is_empty() {
            page.events = delivery.events;
            if page.events.len() > limit {
                page.events.truncate(limit);
                page.through = page.events.last().map_or(page.through, |event| event.position());
            }
            return Ok(page);
        }
    }
}

pub(super) async fn head(State(it): State<Arc<Reading>>) -> Result<Response, Failure> {
    let head = read_within(it.options.answer_within, it.events.head()).await?;
    Ok(([reflects(head)], Json(AtPosition { position: head })).into_response())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MomentParams {
    time: Timestamp,
}

pub(super) async fn position_at(
    State(it): State<Arc<Reading>>,
    Params(params): Params<MomentParams>,
) -> Result<Response, Failure> {
    let found = read_within(it.options.answer_within, it.events.position_at(params.time)).await?;
    Ok(([reflects(found)], Json(AtPosition { position: found })).into_response())
}
