//! `GET /feed/{category}` and `/feed/{category}/{page}`: the events as an Atom feed, for readers that know nothing
//! of Tradewind.
//!
//! Page `n` holds the events of the positions `100 n - 99` to `100 n`, for every category the same: a page is full
//! when the store has come past its last position, and from then on it never changes. Only truncating a stream takes
//! events away, from new readers. A category's empty pages are passed over by the links: the last event before a
//! page is found by looking back in steps that double, and then by halving, so that it costs a handful of reads of
//! the index and no memory.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tradewind_events::{EventSource, Position, Query, ReadError, Recorded, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

use super::atom::{Document, Kind, PAGE_POSITIONS, page_of};
use super::problem::read_within;
use super::{Failure, Reading, reflects};

/// The feed of everything.
const ALL: &str = "all";

pub(super) async fn newest(
    State(it): State<Arc<Reading>>,
    Path(feed): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let query = query_of(&feed);
    let read = async {
        let head = it.events.head().await?;
        let full = Position(head.0 / PAGE_POSITIONS * PAGE_POSITIONS);
        let events = events_in(&*it.events, &query, full, Position(full.0 + PAGE_POSITIONS)).await?;
        let before = last_up_to(&*it.events, &query, full).await?;
        Ok((head, events, before))
    };
    let (head, events, before) = read_within(it.options.answer_within, read).await?;
    let document = Document {
        kind: Kind::Newest,
        feed: &feed,
        source: &it.options.source,
        updated: newest_of(&events, before.as_ref()),
        previous: before.map(|event| page_of(event.position())),
        events: &events,
    };
    Ok(answer(&headers, document.write(), HeaderValue::from_static("no-cache"), head))
}

pub(super) async fn archived(
    State(it): State<Arc<Reading>>,
    Path((feed, page)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let no_page = || Failure::not_found(format!("the feed {feed} has no archived page {page}"));
    let number = page.parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(no_page)?;
    let through = number.checked_mul(PAGE_POSITIONS).map(Position).ok_or_else(no_page)?;
    let query = query_of(&feed);
    let start = Position(through.0 - PAGE_POSITIONS);
    let read = async {
        if it.events.head().await? < through {
            return Ok(None);
        }
        let events = events_in(&*it.events, &query, start, through).await?;
        Ok(Some((events, last_up_to(&*it.events, &query, start).await?)))
    };
    let (events, before) = read_within(it.options.answer_within, read).await?.ok_or_else(no_page)?;
    let document = Document {
        kind: Kind::Archive(number),
        feed: &feed,
        source: &it.options.source,
        updated: newest_of(&events, before.as_ref()),
        previous: before.map(|event| page_of(event.position())),
        events: &events,
    };
    let for_ever = HeaderValue::from_static("public, max-age=31536000, immutable");
    Ok(answer(&headers, document.write(), for_ever, through))
}

fn query_of(feed: &str) -> Query {
    if feed == ALL { Query::all() } else { Query::category(feed) }
}

fn newest_of(events: &[Recorded], before: Option<&Recorded>) -> Timestamp {
    events.iter().chain(before).map(Recorded::recorded_at).max().unwrap_or(Timestamp::EPOCH)
}

/// The document, or that the client has it already.
fn answer(request: &HeaderMap, document: String, cache: HeaderValue, position: Position) -> Response {
    let tag = format!("\"{:032x}\"", xxh3_128(document.as_bytes()));
    let known = request
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == tag);
    let tag = HeaderValue::from_str(&tag).unwrap_or_else(|_| HeaderValue::from_static("\"\""));
    let validators = [(header::ETAG, tag), (header::CACHE_CONTROL, cache), reflects(position)];
    if known {
        return (StatusCode::NOT_MODIFIED, validators).into_response();
    }
    let kind = (header::CONTENT_TYPE, HeaderValue::from_static("application/atom+xml; charset=utf-8"));
    (validators, [kind], document).into_response()
}

/// All matching events after one position and up to another.
async fn events_in(
    source: &dyn EventSource,
    query: &Query,
    mut after: Position,
    through: Position,
) -> Result<Vec<Recorded>, ReadError> {
    let mut events = Vec::new();
    while after < through {
        let page = source.read(after, query, PAGE_POSITIONS as usize).await?;
        events.extend(page.events.into_iter().take_while(|event| event.position() <= through));
        if page.through <= after {
            break;
        }
        after = page.through;
    }
    Ok(events)
}

/// The first matching event after one position and up to another.
async fn first_in(
    source: &dyn EventSource,
    query: &Query,
    mut after: Position,
    through: Position,
) -> Result<Option<Recorded>, ReadError> {
    while after < through {
        let page = source.read(after, query, 1).await?;
        if let Some(event) = page.events.into_iter().next() {
            return Ok((event.position() <= through).then_some(event));
        }
        if page.through <= after {
            break;
        }
        after = page.through;
    }
    Ok(None)
}

/// The last matching event up to a position.
async fn last_up_to(source: &dyn EventSource, query: &Query, through: Position) -> Result<Option<Recorded>, ReadError> {
    let (mut high, mut step) = (through.0, PAGE_POSITIONS);
    let mut best = loop {
        if high == 0 {
            return Ok(None);
        }
        let low = high.saturating_sub(step);
        if let Some(event) = first_in(source, query, Position(low), Position(high)).await? {
            break event;
        }
        high = low;
        step = step.saturating_mul(2);
    };
    // One is found, and none is behind `high`: halve what is between them.
    let mut low = best.position().0;
    while low < high {
        let middle = low + (high - low) / 2;
        match first_in(source, query, Position(middle), Position(high)).await? {
            Some(event) => {
                low = event.position().0;
                best = event;
            }
            None => high = middle,
        }
    }
    Ok(Some(best))
}
