//! What of a service follows others, and how it is seeded.

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query as UrlQuery, Request, State};
use serde::Deserialize;
use serde_json::{Value, json};
use tradewind_events::{ErrorCode, EventSource, Position, Query};
use tradewind_http::wire::page::read_page;

use super::admin::Admin;
use super::body::whole;
use super::options::BODY_WITHIN;
use crate::projection::{HandoverError, Seeds};
use crate::{Problem, StartFrom};

/// The most bytes of what is handed over at once.
const SEED_BYTES_MAX: usize = 64 << 20;

/// What a follower of another source follows.
#[derive(Clone)]
pub(crate) struct Subscription {
    pub(crate) source: Arc<dyn EventSource>,
    pub(crate) from: StartFrom,
    pub(crate) query: Query,
    /// None for what acts on events: a past that is handed over must not be acted on.
    pub(crate) seeds: Option<Seeds>,
}

pub(super) async fn list(State(admin): State<Arc<Admin>>) -> Json<Value> {
    let items = admin.followers.iter().filter_map(|watched| {
        let Subscription { source, from, query, seeds } = watched.subscription.as_ref()?;
        let status = watched.status.read();
        Some(json!({
            "name": status.name, "kind": status.kind, "source": source.url(), "from": from, "query": query,
            "position": status.position, "state": status.state, "can_be_seeded": seeds.is_some(),
        }))
    });
    Json(json!({ "items": items.collect::<Vec<_>>() }))
}

#[derive(Debug, Deserialize)]
pub(super) struct SeedParams {
    /// Behind which position the events are.
    after: Position,
    /// Whether they are the last.
    #[serde(default)]
    last: bool,
}

/// Takes a page of what the source told, as the source gives it.
pub(super) async fn seed(
    State(admin): State<Arc<Admin>>,
    Path(name): Path<String>,
    params: Result<UrlQuery<SeedParams>, QueryRejection>,
    request: Request,
) -> Result<Json<Value>, Problem> {
    let UrlQuery(SeedParams { after, last }) =
        params.map_err(|malformed| Problem::bad_request(malformed.body_text()))?;
    let subscription = admin.find(&name)?.subscription.as_ref();
    let subscription = subscription.ok_or_else(|| cannot(format!("{name} follows no other service")))?;
    let seeds = subscription.seeds.clone();
    let seeds = seeds.ok_or_else(|| cannot(format!("{name} acts on events: a past must not be handed to it")))?;
    let bytes = whole(request.into_body(), SEED_BYTES_MAX, BODY_WITHIN).await?;
    let read = tokio::task::spawn_blocking(move || read_page(&bytes)).await;
    let page = read.map_err(|fallen| Problem::new(ErrorCode::INTERNAL, fallen.to_string()))?;
    let page = page.map_err(|malformed| Problem::bad_request(malformed.to_string()))?;
    let mut before = after;
    for event in &page.events {
        let position = event.position();
        if position <= before || position > page.through {
            return Err(Problem::bad_request(format!("the event at position {position} is out of order")));
        }
        before = position;
    }
    let events = page.events.into_iter().filter(|event| subscription.query.matches(event)).collect();
    let position = seeds.hand_over(after, events, page.through, last).await.map_err(|error| not_taken(&error))?;
    Ok(Json(json!({ "position": position })))
}

fn cannot(detail: String) -> Problem {
    Problem::new(ErrorCode::CANNOT_SEED, detail)
}

fn not_taken(error: &HandoverError) -> Problem {
    let problem = cannot(error.to_string());
    match error {
        HandoverError::Elsewhere(position) => problem.with("position", position.0),
        HandoverError::NotNow(_) | HandoverError::Stopped { .. } => problem,
    }
}
