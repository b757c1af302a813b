//! The gateway that is measured, as the program runs it: the same server, runtime and allocator, with routes for each
//! figure.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tradewind_events::SystemClock;
use tradewind_gateway::cache::{Cache, CacheOptions, CachePolicy, OnFailure};
use tradewind_gateway::compose::{self, CallText, Composition, CompositionLimits, Fragments};
use tradewind_gateway::{
    Action, AuthRule, CallRule, Composing, Gateway, Options, PathPattern, Plan, Policies, RateKey, RateLimit, Route,
    RouteTable, Sizes, Upstream,
};

use super::answers::{CACHED, COMPOSED, GUARDED, Kind, PARTS, PLAIN, STALE, STALE_MOST};
use super::verifier::{SCOPE, Verifier};
use crate::BenchError;

/// How often one client may ask within a second: all that it can, since what is measured is the counting.
const REQUESTS_MAX: u32 = 1_000_000;
/// What the cache may take: less than a million answers do.
const CACHE_BYTES: u64 = 64 << 20;

fn invalid(error: impl std::fmt::Display) -> BenchError {
    BenchError::Option(error.to_string())
}

/// The gateway's routes, its cache and what it composes.
struct Routes {
    service: Upstream,
}

impl Routes {
    fn plain(&self, kind: Kind) -> Result<Route, BenchError> {
        Route::new(&format!("/{}", kind.segment), self.service.clone()).map_err(invalid)
    }

    /// A token's signature, a rate, sizes and a deadline.
    fn guarded(&self, kind: Kind) -> Result<Route, BenchError> {
        let rate = RateLimit::new("each-client", RateKey::Client, REQUESTS_MAX, Duration::from_secs(1));
        let policies = Policies {
            deadline: Some(Duration::from_secs(10)),
            sizes: Sizes {
                body_bytes_max: Some(1 << 20),
                headers_max: Some(64),
                header_bytes_max: Some(16 << 10),
                answer_header_bytes_max: Some(16 << 10),
            },
            auth: Some(AuthRule { scopes: vec![SCOPE.to_owned()] }),
            rate: Some(rate.map_err(invalid)?),
            ..Policies::default()
        };
        let mut route = self.plain(kind)?;
        route.policies = Arc::new(policies);
        Ok(route)
    }

    /// Stored for as long as the service says, and given for so long after that if it fails.
    fn cached(&self, kind: Kind) -> Result<Route, BenchError> {
        let mut cache = CachePolicy::new(kind.segment, self.service.name());
        cache.on_failure = OnFailure::Stale(STALE_MOST);
        let policies = Policies { cache: Some(Arc::new(cache)), ..Policies::default() };
        let mut route = self.plain(kind)?;
        route.policies = Arc::new(policies);
        Ok(route)
    }

    /// Three answers in one, each without a field that it has.
    fn composed(&self) -> Result<Route, BenchError> {
        let get = |kind: &Kind| (kind.segment, format!("{}:/{}/{{id}}", self.service.name(), kind.segment));
        let owned: Vec<(&str, String)> = PARTS.iter().map(get).collect();
        let calls: Vec<CallText<'_>> = owned
            .iter()
            .map(|(name, get)| CallText { name, get, each: None, on_failure: compose::OnFailure::ERROR, timeout: None })
            .collect();
        let path = format!("/{COMPOSED}/{{id}}");
        let composition = Composition::parse(COMPOSED, &path, &calls, CompositionLimits::default()).map_err(invalid)?;
        let fields = "{ kind name price_cents items { id text } note }";
        let selected: Vec<String> = PARTS.iter().map(|kind| format!("{} {fields}", kind.segment)).collect();
        let fragments = Fragments::default();
        let composed = composition.select(&format!("{{ {} }}", selected.join(" ")), &fragments).map_err(invalid)?;
        let rule = |(name, get): &(&str, String)| CallRule {
            name: (*name).into(),
            get: get.as_str().into(),
            upstream: self.service.clone(),
            cache: None,
            positions: None,
        };
        let composing = Composing {
            name: COMPOSED.into(),
            composed: Arc::new(composed),
            calls: owned.iter().map(rule).collect(),
            timeout: Composing::TIMEOUT,
            credentials: false,
        };
        let pattern = PathPattern::parse(&path).map_err(invalid)?;
        Ok(Route::to(pattern, Action::Compose(Arc::new(composing))))
    }
}

/// The gateway's whole configuration.
fn plan(service: SocketAddr) -> Result<Plan, BenchError> {
    let routes = Routes { service: Upstream::new("service", [service]) };
    let all = vec![
        routes.plain(PLAIN)?,
        routes.guarded(GUARDED)?,
        routes.cached(CACHED)?,
        routes.cached(STALE)?,
        routes.composed()?,
    ];
    let cache = CacheOptions { bytes_max: CACHE_BYTES, ..CacheOptions::default() };
    Ok(Plan {
        routes: RouteTable::new(all).map_err(invalid)?,
        authorizer: Some(Arc::new(Verifier::new())),
        cache: Some(Cache::new(cache, Arc::new(SystemClock))),
        ..Plan::default()
    })
}

/// Serves until the process is ended. `listening` is told the address.
///
/// # Errors
/// [`BenchError`].
pub(super) fn serve(service: SocketAddr, listening: impl FnOnce(SocketAddr)) -> Result<(), BenchError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = Options::new((Ipv4Addr::LOCALHOST, 0).into());
        let gateway = Gateway::bind(options, plan(service)?).await.map_err(invalid)?;
        listening(gateway.address());
        gateway.run(CancellationToken::new()).await;
        Ok(())
    })
}
