//! A feed over HTTP: the reading half of the event store's own API, so that one client reads both.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::Router;
use axum::extract::{FromRequestParts, Path, Query as UrlQuery, State};
use axum::http::request::Parts;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tradewind_events::{
    CloudEvent, Direction, ErrorCode, EventSource, EventType, Page, Position, Query, QueryItem, ReadError, Recorded,
    Revision, StreamId, Tag, Timestamp,
};

use super::{atom, live};
use crate::Problem;
use crate::host::POSITION_HEADER;

const EVENTS_MAX: usize = 10_000;
const EVENTS_DEFAULT: usize = 1_000;
const WAIT_SECONDS_MAX: f64 = 60.0;

/// What the routes share.
pub(crate) struct FeedRoutes {
    pub(crate) source: Arc<dyn EventSource>,
    /// How the feed names itself in its events.
    pub(crate) name: String,
    pub(crate) draining: CancellationToken,
}

/// The routes, to be nested under `/feed`.
pub(crate) fn feed_routes(feed: FeedRoutes) -> Router {
    Router::new()
        .route("/events", get(events))
        .route("/events/live", get(live::follow))
        .route("/head", get(head))
        .route("/position-at", get(position_at))
        .route("/streams/{stream}", get(stream))
        .route("/atom/{feed}", get(atom::newest))
        .route("/atom/{feed}/{page}", get(atom::archived))
        .with_state(Arc::new(feed))
}

/// The URL's query, or a problem that says what is wrong with it.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params = UrlQuery::<T>::from_request_parts(parts, state).await;
        let params = params.map_err(|wrong| Problem::new(ErrorCode::INVALID_READ, wrong.body_text()))?;
        Ok(Self(params.0))
    }
}

/// What a read of everything asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct EventsParams {
    pub(super) after: Option<Position>,
    limit: Option<usize>,
    wait: Option<f64>,
    categories: Option<String>,
    types: Option<String>,
    tags: Option<String>,
    query: Option<String>,
}

impl EventsParams {
    pub(super) fn query(&self) -> Result<Query, Problem> {
        let invalid = |problem: String| Problem::new(ErrorCode::INVALID_READ, problem);
        let query = match &self.query {
            Some(json) => serde_json::from_str(json).map_err(|error| invalid(format!("query: {error}")))?,
            None => {
                let types = names(self.types.as_deref()).map(EventType::new).collect::<Result<_, _>>();
                let tags = names(self.tags.as_deref()).map(Tag::new).collect::<Result<_, _>>();
                Query {
                    items: vec![QueryItem {
                        categories: names(self.categories.as_deref()).map(str::to_owned).collect(),
                        types: types.map_err(|error| invalid(error.to_string()))?,
                        tags: tags.map_err(|error| invalid(error.to_string()))?,
                    }],
                }
            }
        };
        if query.is_within_limits() { Ok(query) } else { Err(invalid("the query is too large".to_owned())) }
    }
}

fn names(list: Option<&str>) -> impl Iterator<Item = &str> {
    list.unwrap_or_default().split(',').filter(|name| !name.is_empty())
}

pub(super) fn to_cloud_events(events: &[Recorded], source: &str) -> Vec<CloudEvent> {
    events.iter().map(|event| CloudEvent::of(event, source)).collect()
}

async fn events(
    State(feed): State<Arc<FeedRoutes>>,
    Params(params): Params<EventsParams>,
) -> Result<Response, Problem> {
    let query = params.query()?;
    let after = params.after.unwrap_or_default();
    let limit = params.limit.unwrap_or(EVENTS_DEFAULT).clamp(1, EVENTS_MAX);
    let mut page = feed.source.read(after, &query, limit).await?;
    if page.events.is_empty() && page.through >= page.head {
        let wait = params.wait.unwrap_or(0.0).clamp(0.0, WAIT_SECONDS_MAX);
        if wait > 0.0 {
            page = wait_for_events(&feed, after, query, limit, Duration::from_secs_f64(wait), page).await?;
        }
    }
    let events = to_cloud_events(&page.events, &feed.name);
    let body = Json(json!({ "events": events, "through": page.through, "head": page.head }));
    Ok(([(POSITION_HEADER, page.through.to_string())], body).into_response())
}

/// Waits for the first delivery with an event in it, and reads from where the reader stands.
async fn wait_for_events(
    feed: &FeedRoutes,
    after: Position,
    query: Query,
    limit: usize,
    wait: Duration,
    empty: Page,
) -> Result<Page, ReadError> {
    let mut deliveries = feed.source.subscribe(empty.through.max(after), query.clone()).await?;
    let first = async {
        while let Some(delivery) = futures_util::StreamExt::next(&mut deliveries).await {
            if !delivery?.events.is_empty() {
                break;
            }
        }
        Ok::<(), ReadError>(())
    };
    tokio::select! {
        found = first => found?,
        () = tokio::time::sleep(wait) => {}
        () = feed.draining.cancelled() => {}
    }
    feed.source.read(after, &query, limit).await
}

async fn head(State(feed): State<Arc<FeedRoutes>>) -> Result<Json<serde_json::Value>, Problem> {
    Ok(Json(json!({ "position": feed.source.head().await? })))
}

#[derive(Debug, Deserialize)]
struct AtParams {
    time: Timestamp,
}

async fn position_at(
    State(feed): State<Arc<FeedRoutes>>,
    Params(params): Params<AtParams>,
) -> Result<Json<serde_json::Value>, Problem> {
    Ok(Json(json!({ "position": feed.source.position_at(params.time).await? })))
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Order {
    #[default]
    Forward,
    Backward,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct StreamParams {
    from: Option<Revision>,
    direction: Order,
    limit: Option<usize>,
}

async fn stream(
    State(feed): State<Arc<FeedRoutes>>,
    Path(name): Path<String>,
    Params(params): Params<StreamParams>,
) -> Result<Response, Problem> {
    let stream = StreamId::new(name).map_err(|error| Problem::new(ErrorCode::INVALID_READ, error.to_string()))?;
    let (direction, start) = match params.direction {
        Order::Forward => (Direction::Forward, Revision::FIRST),
        Order::Backward => (Direction::Backward, Revision::END),
    };
    let limit = params.limit.unwrap_or(EVENTS_DEFAULT).clamp(1, EVENTS_MAX);
    let slice = feed.source.read_stream(&stream, params.from.unwrap_or(start), direction, limit).await?;
    let events = to_cloud_events(&slice.events, &feed.name);
    let body = json!({ "events": events, "last": slice.last, "first": slice.first, "end": slice.end });
    Ok(Json(body).into_response())
}
