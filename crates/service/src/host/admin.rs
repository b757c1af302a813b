//! What operators ask: is it well, how are its followers doing, and go on.

use std::sync::Arc;

use axum::Json;
use axum::Router;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use prometheus_client::registry::Registry;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use tradewind_broker::RelayHandle;
use tradewind_events::ErrorCode;

use super::parts::Fallen;
use super::subscriptions::{self, Subscription};
use super::{dead_letters, headers};
use crate::follow::{Control, Status};
use crate::{DeadLetters, FollowerState, FollowerStatus, Problem};

/// A follower, as seen from outside.
#[derive(Clone)]
pub(crate) struct Watched {
    pub(crate) status: Arc<Status>,
    pub(crate) control: Control,
    /// What it has set aside; none, if it stops instead.
    pub(crate) dead_letters: Option<DeadLetters>,
    /// What it follows, if that is another service.
    pub(crate) subscription: Option<Subscription>,
}

/// What the routes share.
pub(crate) struct Admin {
    pub(crate) service: String,
    pub(crate) followers: Vec<Watched>,
    pub(crate) registry: Registry,
    pub(crate) openapi: Value,
    /// Nothing, if the service tells others nothing.
    pub(crate) asyncapi: Option<Value>,
    pub(crate) draining: CancellationToken,
    pub(super) fallen: Fallen,
    pub(crate) relay: Option<RelayHandle>,
    /// Who publishes, if the instances of the service share that.
    pub(crate) relay_lease: Option<Arc<Status>>,
}

impl Admin {
    pub(crate) fn statuses(&self) -> Vec<FollowerStatus> {
        self.followers.iter().map(|watched| watched.status.read()).collect()
    }

    /// Ready once every follower has caught up or cannot go on by itself, unless a part has fallen.
    pub(crate) fn is_ready(&self) -> bool {
        let stands = !self.draining.is_cancelled() && self.fallen.all().is_empty();
        stands && self.followers.iter().all(|watched| watched.status.is_settled())
    }

    pub(super) fn find(&self, name: &str) -> Result<&Watched, Problem> {
        let found = self.followers.iter().find(|watched| watched.status.name() == name);
        found.ok_or_else(|| Problem::not_found(format!("projection, reaction or process {name}")))
    }
}

pub(crate) fn admin_routes(admin: Arc<Admin>) -> Router {
    Router::new()
        .route("/health/live", get(live))
        .route("/health/ready", get(ready))
        .route("/metrics", get(metrics))
        .route("/openapi.json", get(openapi))
        .route("/asyncapi.json", get(asyncapi))
        .route("/admin/projections", get(list))
        .route("/admin/relay", get(relay))
        .route("/admin/subscriptions", get(subscriptions::list))
        .route("/admin/subscriptions/{name}/seed", post(subscriptions::seed))
        .route("/admin/projections/{name}", get(one))
        .route("/admin/projections/{name}/retry", post(retry))
        .route("/admin/projections/{name}/skip", post(skip))
        .route("/admin/projections/{name}/rebuild", post(rebuild))
        .merge(dead_letters::routes())
        .route_layer(from_fn(deliberate))
        .with_state(admin)
}

/// None of this may happen because somebody who can reach the service looks at a web page.
async fn deliberate(request: Request, next: Next) -> Response {
    match headers::require_deliberate(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(problem) => problem.into_response(),
    }
}

async fn live(State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(json!({ "status": "live", "service": admin.service }))
}

/// A follower that has stopped, pauses or has parked something does not make the service unready: everything else works,
/// and what it has can be asked for. It is told here all the same. A part that has fallen does, since only a new start helps it.
async fn ready(State(admin): State<Arc<Admin>>) -> Response {
    let statuses = admin.statuses();
    let stopped: Vec<_> = statuses.iter().filter(|status| status.state == FollowerState::Stopped).collect();
    let behind: Vec<_> = statuses.iter().filter(|status| status.state == FollowerState::CatchingUp).collect();
    let names = |all: &[&FollowerStatus]| all.iter().map(|status| status.name.clone()).collect::<Vec<_>>();
    let paused =
        statuses.iter().filter_map(|status| Some(json!({ "name": status.name, "paused": status.paused.as_ref()? })));
    let paused: Vec<Value> = paused.collect();
    let parked = statuses.iter().filter(|status| status.aside.parked.keys > 0);
    let parked: Vec<Value> =
        parked.map(|status| json!({ "name": status.name, "parked": status.aside.parked })).collect();
    let told = json!({ "service": admin.service, "stopped": stopped, "paused": paused, "parked": parked,
        "catching_up": names(&behind) });
    if admin.is_ready() {
        let is_well = stopped.is_empty() && paused.is_empty() && parked.is_empty();
        let status = if is_well { "ready" } else { "degraded" };
        let mut told = told;
        told["status"] = status.into();
        return Json(told).into_response();
    }
    let fallen = admin.fallen.all();
    let (code, why) = if admin.draining.is_cancelled() {
        (ErrorCode::DRAINING, "it is going down")
    } else if !fallen.is_empty() {
        (ErrorCode::INTERNAL, "a part of it has fallen; start it again")
    } else {
        (ErrorCode::NOT_CAUGHT_UP, "its read models are catching up")
    };
    let problem = Problem::new(code, why).with_status(StatusCode::SERVICE_UNAVAILABLE);
    let problem = problem.with("service", admin.service.clone()).with("catching_up", names(&behind));
    problem.with("fallen", json!(fallen)).into_response()
}

async fn metrics(State(admin): State<Arc<Admin>>) -> Result<Response, Problem> {
    let mut text = String::with_capacity(16 << 10);
    prometheus_client::encoding::text::encode(&mut text, &admin.registry)
        .map_err(|error| Problem::new(ErrorCode::INTERNAL, error.to_string()))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

async fn asyncapi(State(admin): State<Arc<Admin>>) -> Result<Json<Value>, Problem> {
    let told = admin.asyncapi.clone();
    told.map(Json).ok_or_else(|| Problem::not_found("a contract: this service tells others nothing"))
}

async fn openapi(State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(admin.openapi.clone())
}

async fn relay(State(admin): State<Arc<Admin>>) -> Result<Response, Problem> {
    let relay = admin
        .relay
        .as_ref()
        .ok_or_else(|| Problem::not_found("relay: this service publishes on no broker".to_owned()))?;
    let lease = admin.relay_lease.as_ref().and_then(|status| status.read().lease);
    let mut told =
        serde_json::to_value(relay.status()).map_err(|error| Problem::new(ErrorCode::INTERNAL, error.to_string()))?;
    if let Some(lease) = lease {
        told["lease"] = json!(lease);
    }
    Ok(Json(told).into_response())
}

async fn list(State(admin): State<Arc<Admin>>) -> Json<Value> {
    Json(json!({ "items": admin.statuses() }))
}

async fn one(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Result<Json<FollowerStatus>, Problem> {
    Ok(Json(admin.find(&name)?.status.read()))
}

async fn retry(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    admin.find(&name)?.control.retry().await?;
    Ok(StatusCode::ACCEPTED)
}

async fn skip(
    State(admin): State<Arc<Admin>>,
    Path(name): Path<String>,
    told: HeaderMap,
) -> Result<StatusCode, Problem> {
    let actor = headers::text(&told, &headers::ACTOR)?.map(str::to_owned);
    admin.find(&name)?.control.skip(actor).await?;
    Ok(StatusCode::ACCEPTED)
}

async fn rebuild(State(admin): State<Arc<Admin>>, Path(name): Path<String>) -> Result<StatusCode, Problem> {
    admin.find(&name)?.control.rebuild().await?;
    Ok(StatusCode::ACCEPTED)
}
