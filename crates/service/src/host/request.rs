//! What happens around every request: its id, its figures, its line in the log.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use tradewind_events::ErrorCode;
use uuid::Uuid;

use super::body::BodyWithin;
use crate::Problem;
use crate::commands::metrics::seconds;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request: the client's own, or a new one.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RouteLabels {
    method: String,
    route: String,
    status: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct DurationLabels {
    method: String,
    route: String,
}

/// The figures of all requests.
#[derive(Clone)]
pub(crate) struct HttpMetrics {
    requests: Family<RouteLabels, Counter>,
    durations: Family<DurationLabels, Histogram, fn() -> Histogram>,
    in_flight: Gauge,
}

impl HttpMetrics {
    pub(crate) fn registered(registry: &mut Registry) -> Self {
        let it = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(seconds as fn() -> Histogram),
            in_flight: Gauge::default(),
        };
        registry.register("http_requests", "Requests answered", it.requests.clone());
        registry.register("http_request_duration_seconds", "Until the answer's head", it.durations.clone());
        registry.register("http_requests_in_flight", "Requests being answered", it.in_flight.clone());
        it
    }

    pub(crate) fn in_flight(&self) -> i64 {
        self.in_flight.get()
    }
}

/// What the middleware shares.
pub(crate) struct Around {
    pub(crate) metrics: HttpMetrics,
    pub(crate) draining: CancellationToken,
    pub(crate) service: String,
    pub(super) body_within: BodyWithin,
    pub(crate) counter: AtomicU64,
    /// Distinguishes this run's request ids from those of others.
    pub(crate) run: Uuid,
}

/// Ends the count of a request however it ends.
struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Around {
    fn request_id(&self, request: &Request) -> Arc<str> {
        let given = request.headers().get(&REQUEST_ID).and_then(|id| id.to_str().ok());
        match given.filter(|id| !id.is_empty() && id.len() <= 200) {
            Some(id) => id.into(),
            // This run's random id and a number: unique, and cheaper than asking for randomness each time.
            None => {
                let number = u128::from(self.counter.fetch_add(1, Ordering::Relaxed));
                format!("{:032x}", self.run.as_u128().wrapping_add(number)).into()
            }
        }
    }
}

pub(crate) async fn around(State(it): State<Arc<Around>>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    it.metrics.in_flight.inc();
    let _in_flight = InFlight(it.metrics.in_flight.clone());
    let id = it.request_id(&request);
    request.extensions_mut().insert(RequestId(id.clone()));
    request.extensions_mut().insert(it.body_within);
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or_else(|| "none".to_owned(), |p| p.as_str().to_owned());
    let span = tracing::debug_span!("request", service = it.service, %method, path = request.uri().path(), id = %id);
    let mut response = if it.draining.is_cancelled() && !is_probe(&route) {
        Problem::new(ErrorCode::DRAINING, "the service is going down; ask another instance").into_response()
    } else {
        next.run(request).instrument(span.clone()).await
    };
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, id);
    }
    let status = response.status();
    let took = started.elapsed();
    span.in_scope(|| tracing::debug!(status = status.as_u16(), took_us = took.as_micros() as u64, "answered"));
    it.metrics.observe(&method, route, status.as_u16(), took.as_secs_f64());
    response
}

fn is_probe(route: &str) -> bool {
    route.starts_with("/health/") || route == "/metrics"
}

impl HttpMetrics {
    fn observe(&self, method: &Method, route: String, status: u16, seconds: f64) {
        // Whoever invents methods must not invent time series.
        let known =
            [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::PATCH, Method::HEAD, Method::OPTIONS];
        let method = if known.contains(method) { method.to_string() } else { "other".to_owned() };
        let labels = DurationLabels { method: method.clone(), route: route.clone() };
        self.durations.get_or_create(&labels).observe(seconds);
        self.requests.get_or_create(&RouteLabels { method, route, status }).inc();
    }
}
