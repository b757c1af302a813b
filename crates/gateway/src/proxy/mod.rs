//! One request's way to its service and back.
//!
//! [`routed`] finds the route; then it goes [`forward`], or through the [`cached`] answers, or is [`composed`] of
//! several, for which services are asked by [`asking`]; [`refusals`] are what they have said for clients when they
//! refused, [`unfetched`] is why there is no answer, and [`as_of`] is the one moment that all are asked about.
//! [`positions`] are what the client has written, so that it sees nothing older. What answers `HEAD` loses its content
//! in [`head`].

mod as_of;
mod asking;
mod cached;
mod composed;
mod forward;
mod head;
mod positions;
mod refusals;
mod routed;
mod unfetched;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use http::{HeaderMap, Method, Request, Response, header};
use http_body_util::Full;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tradewind_http::ClientBody;

use crate::access::Watch;
use crate::body::ResponseBody;
use crate::cache::ContentCoding;
use crate::docs::Documents;
use crate::forwarded::{self, Client};
use crate::headers::RequestId;
use crate::metrics::{InFlight, Metrics, NO_SERVICE};
use crate::policy::Policies;
use crate::policy::chain::After;
use crate::policy::{compress, framing};
use crate::problem::Problem;
use crate::route::{OWN_PREFIX, covers};
use crate::server::ClientConnection;
use crate::upstream::{CallPolicy, RequestBody, Upstream};
use crate::{Action, Options, Plan, Route, own, page, upgrade};

pub(crate) use cached::decoded;
use positions::Asked;
pub(crate) use routed::Routed;

/// How long a service of which no instance can be reached is waited for where something stale may stand in.
pub(crate) const IMPATIENT: Duration = Duration::from_millis(100);

/// The same, but nobody waits for long for a service to come back, since something stale may stand in.
fn impatient(calls: &CallPolicy) -> CallPolicy {
    CallPolicy { unreachable: calls.unreachable.min(IMPATIENT), ..calls.clone() }
}

/// What all requests share.
pub(crate) struct Proxy {
    pub(crate) options: Options,
    pub(crate) plan: ArcSwap<Plan>,
    /// What is told of the services' interfaces.
    pub(crate) documents: ArcSwap<Documents>,
    pub(crate) metrics: Metrics,
    /// The gateway is told to stop, and no longer ready.
    pub(crate) leaving: CancellationToken,
    /// How services are called of which nothing else is said.
    policy: Arc<CallPolicy>,
    whose: composed::Whose,
    furthest: positions::Furthest,
    /// Where bodies are held while they are looked at.
    #[cfg(feature = "validate")]
    room: crate::policy::validate::Room,
    /// The routes to those that have a listener of their own.
    fronted: Mutex<Vec<Arc<Route>>>,
}

impl Proxy {
    pub(crate) fn new(options: Options, plan: Plan) -> Self {
        let policy = Arc::new(CallPolicy::new(options.timeouts));
        let (plan, fronted) = (ArcSwap::from_pointee(plan), Mutex::new(Vec::new()));
        Self {
            options,
            plan,
            documents: ArcSwap::default(),
            metrics: Metrics::new(),
            leaving: CancellationToken::new(),
            policy,
            whose: composed::Whose::default(),
            furthest: positions::Furthest::default(),
            #[cfg(feature = "validate")]
            room: crate::policy::validate::Room::default(),
            fronted,
        }
    }

    /// Remembers the route of a listener of its own.
    pub(crate) fn note(&self, route: &Arc<Route>) {
        if let Action::Forward(upstream) = &route.to {
            upstream.start();
        }
        self.fronted.lock().unwrap_or_else(PoisonError::into_inner).push(Arc::clone(route));
    }

    fn fronted(&self) -> Vec<Arc<Route>> {
        self.fronted.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// All services, each once.
    pub(crate) fn upstreams(&self) -> Vec<Upstream> {
        let fronted = self.fronted().into_iter().filter_map(|route| match &route.to {
            Action::Forward(upstream) => Some(upstream.clone()),
            Action::Compose(_) => None,
        });
        let mut once: Vec<Upstream> = Vec::new();
        for upstream in fronted.chain(self.plan.load().upstreams()) {
            if !once.contains(&upstream) {
                once.push(upstream);
            }
        }
        once
    }

    /// All that is counted, as text.
    pub(crate) fn counted(&self) -> String {
        let plan = self.plan.load();
        let mut routes = self.fronted();
        routes.extend(plan.routes.routes().iter().cloned());
        self.metrics.text(&routes, self.upstreams(), plan.cache.as_ref(), self.options.access.as_ref())
    }

    /// How a service is called: as the route says, else as what is said of the service, else as all are.
    fn calls(&self, policies: Option<&Policies>, upstream: &Upstream) -> Arc<CallPolicy> {
        let of_route = policies.and_then(|policies| policies.calls.as_ref());
        Arc::clone(of_route.or(upstream.options().calls.as_ref()).unwrap_or(&self.policy))
    }

    /// Answers one request by its path, in any case.
    pub(crate) async fn answer(
        &self,
        mut request: Request<ClientBody>,
        client: ClientConnection,
    ) -> Response<ResponseBody> {
        if covers(OWN_PREFIX, request.uri().path()) {
            let _in_flight = self.metrics.begin();
            let through_stranger = !client.is_trusted && forwarded::is_forwarded(request.headers());
            let who = self.who(request.headers_mut(), &client);
            let answer = own::answer(self, &request, who.address, through_stranger).map(ResponseBody::Own);
            return if *request.method() == Method::HEAD { head::without_content(answer) } else { answer };
        }
        self.pass(request, client, None).await
    }

    /// Answers one request by its route, or with what kept it from having one; by this route, if all go there.
    pub(crate) async fn pass(
        &self,
        mut request: Request<ClientBody>,
        client: ClientConnection,
        only: Option<&Arc<Route>>,
    ) -> Response<ResponseBody> {
        let begun = Instant::now();
        let framed = match only {
            Some(_) => Ok(()),
            None => framing::check(request.method(), request.version(), request.uri(), request.headers()),
        };
        // Before anybody has looked at it: what does not reach the service must not decide what becomes of the request.
        let wants_upgrade = upgrade::leave_to_routes(&mut request);
        let who = self.who(request.headers_mut(), &client);
        let routed = match only {
            Some(route) => Ok(Routed::by(route)),
            None => framed.and_then(|()| Routed::find(self.plan.load_full(), &request)),
        };
        request.headers_mut().remove(header::UPGRADE);
        let route = routed.as_ref().ok().map(|routed| Arc::clone(&routed.route));
        let request_id = RequestId::of(request.headers());
        let access = self.options.access.as_ref();
        let watch = access.map(|log| Watch::begin(log, &mut request, who.address, route.as_ref(), &request_id));
        let (in_flight, unanswered) = self.metrics.begin_at(route.as_deref(), begun);
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let as_page = page::is_wanted(&method, request.headers());
        let service = route.as_ref().map_or(NO_SERVICE, |route| &**route.to.service());
        let (answered, after) = match routed {
            Ok(routed) => {
                let mut after = After::new(&routed.route.policies, who, &request);
                let answered = match after.before(&request, who, routed.authorizer()).await {
                    Ok(None) => {
                        let coding = after.stored_coding();
                        let (client, request_id) = (&client, &request_id);
                        let on_its_way = OnItsWay { client, who, request_id, coding, wants_upgrade, in_flight };
                        self.act(request, &routed, on_its_way).await
                    }
                    Ok(Some(answer)) => Ok(answer.map(|()| ResponseBody::Own(Full::default()))),
                    Err(problem) => Err(problem),
                };
                (answered, Some(after))
            }
            Err(problem) => (Err(problem), None),
        };
        let mut response = answered.unwrap_or_else(|problem| {
            let (path, id) = (uri.path(), request_id.as_str());
            tracing::warn!(%method, path, service, request_id = id, code = %problem.code, "{}", problem.detail);
            problem.response(id, as_page).map(ResponseBody::Own)
        });
        if method == Method::HEAD {
            // Before it is looked at whether it is worth packing, which depends on its length.
            response = head::without_content(response);
        }
        if let Some(after) = after {
            response = after.mark(response);
        }
        request_id.mark(response.headers_mut());
        let took = begun.elapsed();
        unanswered.answered(response.status(), took);
        let (status, path, id) = (response.status().as_u16(), uri.path(), request_id.as_str());
        tracing::debug!(%method, path, service, request_id = id, status, took_ms = took.as_millis(), "answered");
        match watch {
            Some(watch) => watch.follow(response),
            None => response,
        }
    }

    /// Who asks: whoever is connected, or whom a trusted proxy asks for. The headers say the same from here on.
    fn who(&self, headers: &mut HeaderMap, client: &ClientConnection) -> Client {
        match client.is_trusted {
            true => forwarded::believe(headers, client.peer(), &self.options.trusted),
            false => forwarded::disbelieve(headers, client.peer()),
        }
    }

    /// Does what the route says.
    async fn act(
        &self,
        mut request: Request<ClientBody>,
        routed: &Routed,
        on_its_way: OnItsWay<'_>,
    ) -> Result<Response<ResponseBody>, Problem> {
        let Routed { route, plan, .. } = routed;
        routed.rewrite(request.uri_mut())?;
        let upstream = match &route.to {
            Action::Forward(upstream) => upstream,
            Action::Compose(composing) => return Box::pin(self.compose(request, composing, routed, on_its_way)).await,
        };
        if route.policies.compress {
            compress::ask_in_services_words(request.headers_mut());
        }
        let mut request = self.taken(request, &route.policies).await?;
        // Those inside carry positions themselves, and are answered by nobody but the service.
        let Some(plan) = plan else {
            return self.forward(request, upstream, &route.policies, on_its_way).await;
        };
        let service = route.policies.positions.of(upstream.name());
        let own = service.unwrap_or(upstream.name());
        let life = plan.own_writes.map(|_| &*self.options.life);
        let mut asked = Asked::take(request.headers_mut(), Some(own), life)?;
        let is_safe = request.method().is_safe();
        asked.tell(service, is_safe, request.headers_mut());
        let over_tls = on_its_way.who.over_tls;
        let mut answer = match &plan.cache {
            Some(cache) if route.policies.cache.is_some() || !is_safe => {
                // Boxed, as what is composed: who takes the one way does not carry the other's size.
                Box::pin(self.through_cache(request, cache, asked.after(service), routed, upstream, on_its_way)).await?
            }
            _ => self.forward(request, upstream, &route.policies, on_its_way).await?,
        };
        if let (false, Some(service), Some(remembered_for)) = (is_safe, service, plan.own_writes) {
            asked.remember(service, &mut answer, (remembered_for, &self.options.life), over_tls, &self.furthest);
        }
        Ok(answer)
    }

    /// A request whose body goes on to a service; looked at before, if its route says so.
    async fn taken(&self, request: Request<ClientBody>, policies: &Policies) -> Result<Request<RequestBody>, Problem> {
        #[cfg(feature = "validate")]
        if let Some(validation) = &policies.validate {
            return validation.check(request, policies.sizes, &self.room).await;
        }
        Ok(request.map(|body| RequestBody::passing(body, policies.sizes.body_bytes_max)))
    }
}

/// What is known of a request on its way.
pub(crate) struct OnItsWay<'a> {
    client: &'a ClientConnection,
    who: Client,
    request_id: &'a RequestId,
    /// How stored answers are packed for this client.
    coding: Option<&'static dyn ContentCoding>,
    /// It has asked to go on in another protocol, with headers that are of its connection alone.
    wants_upgrade: bool,
    /// Counts it until its answer has ended.
    in_flight: InFlight,
}
