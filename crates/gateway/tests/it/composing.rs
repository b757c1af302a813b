//! Answers that are composed of several services', over real connections.

mod failing;
mod passing;
mod serving;
mod sharing;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy, OnFailure as WhenStale};
use tradewind_gateway::compose::{
    CallText, Composition, CompositionLimits, Fragments, OnFailure, Parameters, Profile, ProfileText,
};
use tradewind_gateway::{
    Action, CallPolicy, CallRule, Composing, Limits, PathPattern, Plan, Policies, Route, RouteTable, Upstream,
    UpstreamOptions,
};

use crate::acting::{Acting, body, ok};
use crate::calling::policy;
use crate::{Running, gateway_before, status_of};

/// The services behind a product page.
pub(super) struct Shop {
    pub(super) catalog: Acting,
    pub(super) inventory: Acting,
    upstreams: [Upstream; 2],
}

pub(super) struct Wanted {
    pub(super) on_failure: OnFailure,
    pub(super) fresh: Option<Duration>,
    pub(super) timeout: Duration,
    pub(super) credentials: bool,
    /// Whose positions a service's answers tell.
    pub(super) positions: fn(&str) -> Option<Arc<str>>,
    pub(super) policies: Policies,
}

impl Default for Wanted {
    fn default() -> Self {
        let timeout = Duration::from_millis(600);
        let positions = |service: &str| Some(service.into());
        let (on_failure, policies) = (OnFailure::ERROR, Policies::default());
        Self { on_failure, fresh: None, timeout, credentials: false, positions, policies }
    }
}

const PAGE: &str = "{ product { name } stock { available } }";

impl Shop {
    pub(super) async fn new() -> Self {
        let catalog = |head: &str| match head.split(' ').nth(1).unwrap_or_default() {
            "/products/7" => ok("tradewind-position: 42\r\n", r#"{"id":7,"name":"Tea","secret":1}"#),
            path if path.starts_with("/products?ids=") => ok("", r#"{"items":[{"id":8},{"id":9}]}"#),
            path if path.starts_with("/reviews/7?limit=") => {
                ok("", &format!("{{\"limit\":{}}}", path.rsplit('=').next().unwrap_or_default()))
            }
            _ => "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n".to_owned(),
        };
        let (catalog, inventory) =
            (Acting::begin(catalog).await, Acting::answering("tradewind-position: 5\r\n", r#"{"available":3}"#).await);
        // Long before a page's time is over, on a busy machine too: the two are told apart.
        let calls = CallPolicy { unreachable: Duration::from_millis(100), ..policy() };
        let options = UpstreamOptions { calls: Some(Arc::new(calls)), ..UpstreamOptions::default() };
        let upstream = |name, acting: &Acting| Upstream::with_options(name, [acting.address], options.clone());
        let upstreams = [upstream("catalog", &catalog), upstream("inventory", &inventory)];
        Self { catalog, inventory, upstreams }
    }

    /// A plan that serves the page under `/web`, and a smaller one under `/ios`. What becomes of the stock when its
    /// service fails is as wanted.
    pub(super) fn plan(&self, wanted: &Wanted) -> Plan {
        let call = |name, get| CallText { name, get, each: None, on_failure: OnFailure::ERROR, timeout: None };
        let stock = CallText { on_failure: wanted.on_failure.clone(), ..call("stock", "inventory:/products/{id}") };
        let reviews = call("reviews", "catalog:/reviews/{id}?limit={limit:10}");
        let calls = [call("product", "catalog:/products/{id}"), stock, reviews];
        let limits = CompositionLimits { piece_bytes: 10_000, ..CompositionLimits::default() };
        let composition = Composition::parse("product", "/products/{id}", &calls, limits).unwrap();
        let profile = |name, prefix, selection| {
            let serves = [("product", selection)];
            let defaults = Parameters::new().with("limit", "3");
            let text = ProfileText { name, prefix, serves: &serves, defaults, fixed: Parameters::new(), report: false };
            Profile::parse(&text, std::slice::from_ref(&composition), &Fragments::default()).unwrap()
        };
        let profiles = [
            profile("web", "/web", PAGE),
            profile("ios", "/ios", "{ product @flatten { name } }"),
            profile("all", "/all", "{ product { name } reviews { limit } }"),
        ];
        let routes = profiles.iter().flat_map(|profile| profile.served().iter().map(move |served| (profile, served)));
        let routes = routes.map(|(profile, served)| {
            let composing = Composing {
                name: format!("{}/product", profile.name()).into(),
                composed: Arc::clone(&served.composed),
                calls: calls.iter().map(|call| self.rule(call, wanted)).collect(),
                timeout: wanted.timeout,
                credentials: wanted.credentials,
            };
            let path = PathPattern::parse(&served.pattern).unwrap();
            let mut route = Route::to(path, Action::Compose(Arc::new(composing)));
            (route.methods, route.policies) = (vec![http::Method::GET], Arc::new(wanted.policies.clone()));
            route
        });
        Plan {
            routes: RouteTable::new(routes.collect()).unwrap(),
            cache: Some(Cache::new(CacheOptions::default(), Arc::new(SystemClock))),
            own_writes: Some(Duration::from_secs(60)),
            ..Plan::default()
        }
    }

    fn rule(&self, call: &CallText<'_>, wanted: &Wanted) -> CallRule {
        let service = call.get.split(':').next().unwrap();
        let upstream = self.upstreams.iter().find(|upstream| **upstream.name() == *service).unwrap().clone();
        let mut cache = CachePolicy::new(call.name, service);
        cache.fresh_for = wanted.fresh;
        cache.tags = vec!["product:{id}".parse().unwrap()];
        if let Some(bound) = call.on_failure.stale {
            cache.on_failure = WhenStale::Stale(bound);
        }
        let is_cached = wanted.fresh.is_some() || call.on_failure.stale.is_some();
        CallRule {
            name: call.name.into(),
            get: call.get.into(),
            upstream,
            cache: is_cached.then(|| Arc::new(cache)),
            positions: (wanted.positions)(service),
        }
    }

    pub(super) async fn gateway(&self, wanted: &Wanted) -> Running {
        gateway_before(self.plan(wanted), Limits::default()).await
    }
}

/// A composed answer's JSON.
pub(super) fn json(answer: &str) -> Value {
    assert_eq!(status_of(answer), 200, "{answer}");
    serde_json::from_str(body(answer)).unwrap_or_else(|_| panic!("no JSON: {answer}"))
}

impl Running {
    pub(super) async fn page(&self, lines: &str) -> String {
        self.ask(&format!("GET /web/products/7 HTTP/1.1\r\n{lines}x-rest:"), "").await
    }
}
