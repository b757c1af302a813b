//! One request's way to its service and back.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use http::uri::{PathAndQuery, Scheme};
use http::{HeaderMap, Method, Request, Response, StatusCode, Uri, Version, header, request};
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::body::{Passing, ResponseBody, SharedBody};
use crate::headers::{self, add_via, remove_hop_by_hop, set_request_id};
use crate::metrics::{InFlight, Metrics, NO_SERVICE};
use crate::problem::Problem;
use crate::route::{OWN_PREFIX, covers, has_dot_segment};
use crate::server::ClientConnection;
use crate::upstream::{Connection, NoAnswer, Upstreams};
use crate::{Options, Route, RouteTable, own, page, upgrade};

/// What all requests share.
pub(crate) struct Proxy {
    pub(crate) options: Options,
    pub(crate) routes: RwLock<Arc<RouteTable>>,
    pub(crate) metrics: Metrics,
    pub(crate) stop: CancellationToken,
    upstreams: Upstreams,
}

/// How long to wait before asking an unreachable service again.
const PAUSE: Duration = Duration::from_millis(50);

impl Proxy {
    pub(crate) fn new(options: Options, routes: RouteTable, stop: CancellationToken) -> Self {
        let upstreams = Upstreams::new(options.timeouts);
        Self { options, routes: RwLock::new(Arc::new(routes)), metrics: Metrics::new(), stop, upstreams }
    }

    pub(crate) fn routes(&self) -> Arc<RouteTable> {
        Arc::clone(&self.routes.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Answers one request, in any case.
    pub(crate) async fn answer(&self, request: Request<Incoming>, client: ClientConnection) -> Response<ResponseBody> {
        let begun = Instant::now();
        let in_flight = self.metrics.begin();
        let request_id = headers::request_id(request.headers());
        if covers(OWN_PREFIX, request.uri().path()) {
            return own::answer(self, &request).map(ResponseBody::Own);
        }
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let as_page = page::is_wanted(&method, request.headers());
        let routes = self.routes();
        let route = find_route(&routes, request.uri());
        let service = route.as_ref().map_or_else(|_| NO_SERVICE.into(), |route| Arc::clone(&route.service));
        let answered = match route {
            Ok(route) => self.forward(request, client, route, &request_id, in_flight).await,
            Err(problem) => Err(problem),
        };
        let mut response = answered.unwrap_or_else(|problem| {
            tracing::warn!(%method, path, %service, request_id, code = %problem.code, "{}", problem.detail);
            problem.response(&request_id, as_page).map(ResponseBody::Own)
        });
        set_request_id(response.headers_mut(), &request_id);
        let took = begun.elapsed();
        self.metrics.answered(&service, response.status(), took);
        let status = response.status().as_u16();
        tracing::debug!(%method, path, %service, request_id, status, took_ms = took.as_millis(), "answered");
        response
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        client: ClientConnection,
        route: &Route,
        request_id: &str,
        in_flight: InFlight,
    ) -> Result<Response<ResponseBody>, Problem> {
        let from_client = hyper::upgrade::on(&mut request);
        let (mut parts, body) = request.into_parts();
        let asked_to_upgrade = upgrade::is_wanted(&parts);
        headers::prepare_request(&mut parts, client.address, request_id, self.options.trust_forwarded);
        parts.uri = target(&parts.uri, route);
        if asked_to_upgrade {
            upgrade::ask(&mut parts.headers);
        }
        let mut response = self.send(parts, SharedBody::new(body), route).await?;

        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switched && asked_to_upgrade {
            upgrade::join(from_client, hyper::upgrade::on(&mut response), self.stop.clone(), client);
            return Ok(response.map(|body| ResponseBody::Passing(Passing::new(body, None, in_flight))));
        }
        if switched {
            return Err(Problem::broken(&route.service));
        }
        remove_hop_by_hop(response.headers_mut());
        let received_as = response.version();
        add_via(response.headers_mut(), received_as);
        *response.version_mut() = Version::HTTP_11;
        let until = is_event_stream(response.headers()).then(|| self.stop.clone().cancelled_owned());
        Ok(response.map(|body| ResponseBody::Passing(Passing::new(body, until, in_flight))))
    }

    /// Sends a request. Once more on a fresh connection if the first one broke and repeating it is harmless: a kept
    /// connection may be closed by the service just when the request is on its way. Again and again for a short
    /// while if there is no connection at all, since nothing was sent then: a service that fell is soon back.
    async fn send(
        &self,
        parts: request::Parts,
        body: SharedBody,
        route: &Route,
    ) -> Result<Response<Incoming>, Problem> {
        let patience = Instant::now() + self.options.timeouts.unreachable;
        let mut connection = Connection::Pooled;
        let result = loop {
            let attempt = Request::from_parts(parts.clone(), body.clone());
            let result = self.upstreams.send(attempt, connection).await;
            let can_repeat = body.can_be_sent_again() && !self.stop.is_cancelled();
            match result {
                Err(NoAnswer::Broken) if can_repeat && connection == Connection::Pooled && is_repeatable(&parts) => {
                    connection = Connection::Fresh;
                    self.metrics.retried(&route.service);
                }
                Err(NoAnswer::Unreachable) if can_repeat && Instant::now() < patience => {
                    tokio::time::sleep(PAUSE).await;
                }
                settled => break settled,
            }
        };
        result.map_err(|why| match why {
            NoAnswer::Unreachable => Problem::unreachable(&route.service),
            NoAnswer::Broken => Problem::broken(&route.service),
            NoAnswer::Timeout => Problem::timeout(&route.service),
            NoAnswer::RequestBody => {
                Problem::refused(StatusCode::BAD_REQUEST, "the request's body broke off or is malformed")
            }
        })
    }
}

fn find_route<'a>(routes: &'a RouteTable, uri: &Uri) -> Result<&'a Route, Problem> {
    if has_dot_segment(uri.path()) {
        return Err(Problem::refused(StatusCode::BAD_REQUEST, "the path has a . or .. segment"));
    }
    routes.find(uri.path()).ok_or_else(|| Problem::no_route(uri.path()))
}

/// The same path and query, at the service's address.
fn target(uri: &Uri, route: &Route) -> Uri {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(route.upstream.clone());
    parts.path_and_query = uri.path_and_query().cloned().or_else(|| Some(PathAndQuery::from_static("/")));
    // All three parts are there, which is what a URI needs.
    Uri::from_parts(parts).unwrap_or_default()
}

/// Idempotent by its method (RFC 9110 §9.2.2), or by a key that the service recognises it by.
fn is_repeatable(parts: &request::Parts) -> bool {
    let by_method = [Method::GET, Method::HEAD, Method::OPTIONS, Method::TRACE, Method::PUT, Method::DELETE];
    by_method.contains(&parts.method) || parts.headers.contains_key("idempotency-key")
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
}
