//! What the gateway answers about itself, under `/_gateway`.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;
use tradewind_http::ClientBody;

use crate::Action;
use crate::docs;
use crate::headers::RequestId;
use crate::policy::framing;
use crate::problem::Problem;
use crate::proxy::Proxy;

#[derive(Serialize)]
struct RouteView<'a> {
    name: &'a str,
    /// The path; a prefix if it has no parameters.
    prefix: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hosts: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    methods: Vec<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    headers: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rewrite: Option<String>,
    service: &'a str,
    upstreams: Vec<SocketAddr>,
}

/// What is for operators.
const METRICS: &str = "/_gateway/metrics";
const ROUTES: &str = "/_gateway/routes";

/// `health/live`, `health/ready`, `metrics` and `routes`, and what `docs` has.
/// `through_stranger` says that somebody who is not believed says that another one asks.
pub(crate) fn answer(
    proxy: &Proxy,
    request: &Request<ClientBody>,
    client: IpAddr,
    through_stranger: bool,
) -> Response<Full<Bytes>> {
    let request_id = RequestId::of(request.headers());
    if let Err(problem) = framing::check(request.method(), request.version(), request.uri(), request.headers()) {
        return problem.response(request_id.as_str(), false);
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem::other_methods(&[Method::GET]).response(request_id.as_str(), false);
    }
    match request.uri().path() {
        "/_gateway/health/live" => text(StatusCode::OK, "live\n".to_owned()),
        "/_gateway/health/ready" if proxy.leaving.is_cancelled() => {
            text(StatusCode::SERVICE_UNAVAILABLE, "draining\n".to_owned())
        }
        "/_gateway/health/ready" => text(StatusCode::OK, "ready\n".to_owned()),
        // A proxy beside the gateway has this machine's address, whoever asks there.
        METRICS | ROUTES if through_stranger => {
            let detail = format!("{client} asks for somebody else, and is not among the `trusted` of [gateway]");
            Problem::refused(StatusCode::FORBIDDEN, &detail).response(request_id.as_str(), false)
        }
        METRICS | ROUTES if !is_operator(proxy, client) => {
            let detail = format!("{client} is not among the `operators` of [gateway]");
            Problem::refused(StatusCode::FORBIDDEN, &detail).response(request_id.as_str(), false)
        }
        METRICS => {
            let mut response = text(StatusCode::OK, proxy.counted());
            let kind = HeaderValue::from_static("application/openmetrics-text; version=1.0.0; charset=utf-8");
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        ROUTES => routes(proxy),
        path => docs::answer(&proxy.documents.load(), request.method(), path, request.headers())
            .unwrap_or_else(|| Problem::no_route(path).response(request_id.as_str(), false)),
    }
}

/// Whether somebody may see what is for operators.
fn is_operator(proxy: &Proxy, client: IpAddr) -> bool {
    proxy.options.operators.iter().any(|network| network.contains(client))
}

fn routes(proxy: &Proxy) -> Response<Full<Bytes>> {
    let plan = proxy.plan.load();
    let views = plan.routes.routes().iter().map(|route| RouteView {
        name: &route.name,
        prefix: route.path.as_str(),
        hosts: route.hosts.iter().map(ToString::to_string).collect(),
        methods: route.methods.iter().map(Method::as_str).collect(),
        headers: route.headers.iter().map(ToString::to_string).collect(),
        rewrite: route.rewrite.as_ref().map(ToString::to_string),
        service: route.to.service(),
        upstreams: match &route.to {
            Action::Forward(upstream) => upstream.addresses(),
            Action::Compose(composing) => composing
                .calls
                .iter()
                .flat_map(|call| call.upstream.addresses())
                .collect::<BTreeSet<_>>()
                .into_iter()
                .collect(),
        },
    });
    // Plain texts always become JSON.
    let json = serde_json::to_string(&views.collect::<Vec<_>>()).unwrap_or_default();
    let mut response = text(StatusCode::OK, json);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn text(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
