//! One request's way to its service and back.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderMap, Request, Response, StatusCode, Version, header};
use http_body_util::Full;
use hyper::body::Incoming;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::body::{Passing, ResponseBody};
use crate::headers::{self, From, add_via, remove_hop_by_hop, set_request_id};
use crate::metrics::{InFlight, Metrics, NO_SERVICE};
use crate::policy::chain::{After, Client};
use crate::policy::sizes::body_too_large;
use crate::policy::{Sizes, cors, framing, trace};
use crate::problem::Problem;
use crate::route::{OWN_PREFIX, covers, without_port};
use crate::server::ClientConnection;
use crate::upstream::{CallPolicy, Deadline, RequestBody, Upstream};
use crate::{Action, Asked, Authorizer, Captures, NotFound, Options, Plan, Route, own, page, upgrade};

/// What all requests share.
pub(crate) struct Proxy {
    pub(crate) options: Options,
    pub(crate) plan: ArcSwap<Plan>,
    pub(crate) metrics: Metrics,
    /// The gateway drains.
    pub(crate) stop: CancellationToken,
    /// How services are called.
    policy: CallPolicy,
    /// Those that have a listener of their own, and perhaps no route.
    fronted: Mutex<Vec<Upstream>>,
}

impl Proxy {
    pub(crate) fn new(options: Options, plan: Plan, stop: CancellationToken) -> Self {
        let policy = CallPolicy::new(options.timeouts);
        let (plan, fronted) = (ArcSwap::from_pointee(plan), Mutex::new(Vec::new()));
        Self { options, plan, metrics: Metrics::new(), stop, policy, fronted }
    }

    /// Remembers a service that has a listener of its own.
    pub(crate) fn note(&self, upstream: &Upstream) {
        upstream.start();
        self.fronted.lock().unwrap_or_else(PoisonError::into_inner).push(upstream.clone());
    }

    /// All services, each once.
    pub(crate) fn upstreams(&self) -> Vec<Upstream> {
        let mut all = self.fronted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        all.extend(self.plan.load().upstreams());
        let mut once: Vec<Upstream> = Vec::with_capacity(all.len());
        for upstream in all {
            if !once.contains(&upstream) {
                once.push(upstream);
            }
        }
        once
    }

    /// Answers one request by its path, in any case.
    pub(crate) async fn answer(&self, request: Request<Incoming>, client: ClientConnection) -> Response<ResponseBody> {
        if covers(OWN_PREFIX, request.uri().path()) {
            let _in_flight = self.metrics.begin();
            return own::answer(self, &request).map(ResponseBody::Own);
        }
        let routed = Routed::find(&self.plan.load(), &request);
        self.pass(request, client, routed).await
    }

    /// Answers one request by its route, or with what kept it from having one.
    pub(crate) async fn pass(
        &self,
        request: Request<Incoming>,
        client: ClientConnection,
        routed: Result<Routed, Problem>,
    ) -> Response<ResponseBody> {
        let begun = Instant::now();
        let in_flight = self.metrics.begin();
        let request_id = headers::request_id(request.headers());
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let as_page = page::is_wanted(&method, request.headers());
        let service =
            routed.as_ref().map_or_else(|_| NO_SERVICE.into(), |routed| Arc::clone(routed.route.to.service()));
        let who = Client { address: client.address.ip(), over_tls: client.over_tls };
        let (answered, after) = match routed {
            Ok(routed) => {
                let mut after = After::new(&routed.route.policies, who, &request);
                let answered = match after.before(&request, who, routed.authorizer.as_deref()).await {
                    Ok(None) => self.act(request, client, &routed, &request_id, in_flight).await,
                    Ok(Some(answer)) => Ok(answer.map(|()| ResponseBody::Own(Full::default()))),
                    Err(problem) => Err(problem),
                };
                (answered, Some(after))
            }
            Err(problem) => (Err(problem), None),
        };
        let mut response = answered.unwrap_or_else(|problem| {
            tracing::warn!(%method, path, %service, request_id, code = %problem.code, "{}", problem.detail);
            problem.response(&request_id, as_page).map(ResponseBody::Own)
        });
        if let Some(after) = after {
            response = after.mark(response);
        }
        set_request_id(response.headers_mut(), &request_id);
        let took = begun.elapsed();
        self.metrics.answered(&service, response.status(), took);
        let status = response.status().as_u16();
        tracing::debug!(%method, path, %service, request_id, status, took_ms = took.as_millis(), "answered");
        response
    }

    /// Does what the route says.
    async fn act(
        &self,
        mut request: Request<Incoming>,
        client: ClientConnection,
        routed: &Routed,
        request_id: &str,
        in_flight: InFlight,
    ) -> Result<Response<ResponseBody>, Problem> {
        let Routed { route, captures, .. } = routed;
        if let Some(rewrite) = &route.rewrite {
            rewrite.apply(request.uri_mut(), captures);
        }
        match &route.to {
            Action::Forward(upstream) => {
                let (sizes, deadline) = (route.policies.sizes, route.policies.deadline);
                let answer = self.forward(request, client, (upstream, sizes, deadline), request_id, in_flight).await?;
                match sizes.takes_answer(answer.headers()) {
                    true => Ok(answer),
                    false => Err(Problem::headers_too_large(upstream.name())),
                }
            }
        }
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
        client: ClientConnection,
        (upstream, sizes, within): (&Upstream, Sizes, Option<Duration>),
        request_id: &str,
        in_flight: InFlight,
    ) -> Result<Response<ResponseBody>, Problem> {
        let from_client = hyper::upgrade::on(&mut request);
        let (mut parts, body) = request.into_parts();
        let asked_to_upgrade = upgrade::is_wanted(&parts);
        let from =
            From { address: client.address, over_tls: client.over_tls, is_trusted: self.options.trust_forwarded };
        headers::prepare_request(&mut parts, from, request_id);
        trace::pass_on(&mut parts.headers);
        if asked_to_upgrade {
            upgrade::ask(&mut parts.headers);
        }
        let body = RequestBody::passing(body, sizes.body_bytes_max);
        let deadline = Deadline::of(&parts.headers)
            .map_err(|error| Problem::refused(StatusCode::BAD_REQUEST, &error.to_string()))?;
        let deadline = within.map_or(deadline, |within| deadline.or_sooner(Deadline::after(within)));
        let answered = upstream.call(Request::from_parts(parts, body.clone()), deadline, &self.policy).await;
        let mut response = match (answered, sizes.body_bytes_max) {
            (Err(_), Some(max)) if body.is_too_large() => return Err(body_too_large(max)),
            (answered, _) => answered.map_err(|why| Problem::no_answer(upstream.name(), why))?,
        };

        let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
        if switched && asked_to_upgrade {
            let to_service = hyper::upgrade::on(&mut response);
            let (parts, body) = response.into_parts();
            upgrade::join(from_client, to_service, client.stop.clone(), (client, body));
            return Ok(Response::from_parts(parts, ResponseBody::Own(Full::default())));
        }
        if switched {
            return Err(Problem::broken(upstream.name()));
        }
        remove_hop_by_hop(response.headers_mut());
        let received_as = response.version();
        add_via(response.headers_mut(), received_as);
        *response.version_mut() = Version::HTTP_11;
        let until = is_event_stream(response.headers()).then(|| client.stop.clone().cancelled_owned());
        Ok(response.map(|body| ResponseBody::Passing(Passing::new(body, until, in_flight))))
    }
}

/// A request's route, and what its path has in place of the route's parameters.
pub(crate) struct Routed {
    route: Arc<Route>,
    captures: Captures,
    authorizer: Option<Arc<dyn Authorizer>>,
}

impl Routed {
    fn find(plan: &Plan, request: &Request<Incoming>) -> Result<Self, Problem> {
        let (uri, headers) = (request.uri(), request.headers());
        framing::check(request.method(), request.version(), uri, headers)?;
        // HTTP/2 carries it in the target, and so does a request to a proxy.
        let in_target = uri.authority().map(http::uri::Authority::as_str);
        let host = in_target.or_else(|| headers.get(header::HOST).and_then(|host| host.to_str().ok()));
        let asked = Asked { method: request.method(), host: host.map(without_port), path: uri.path(), headers };
        let asked_about = cors::asked_method(request).and_then(|method| {
            let found = plan.routes.find(Asked { method: &method, ..asked });
            found.ok().filter(|(route, _)| route.policies.cors.is_some())
        });
        match asked_about.map_or_else(|| plan.routes.find(asked), Ok) {
            Ok((route, captures)) => {
                Ok(Self { route: Arc::clone(route), captures, authorizer: plan.authorizer.clone() })
            }
            Err(NotFound::DotSegment) => {
                Err(Problem::refused(StatusCode::BAD_REQUEST, "the path has a . or .. segment"))
            }
            Err(NotFound::NoRoute) => Err(Problem::no_route(uri.path())),
            Err(NotFound::OtherMethods(methods)) => Err(Problem::other_methods(&methods)),
        }
    }

    /// A route that needs no finding, since all goes there.
    pub(crate) fn by(route: &Arc<Route>) -> Self {
        Self { route: Arc::clone(route), captures: Captures::default(), authorizer: None }
    }
}

fn is_event_stream(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|kind| kind.trim_start().starts_with("text/event-stream"))
}
