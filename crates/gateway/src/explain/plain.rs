//! Routes that lead to one service.

use std::time::Duration;

use http::{Method, StatusCode};
use tradewind_events::ErrorCode;

use super::{Answered, RouteOutlook, RouteTaking, Stored};
use crate::cache::OnFailure;
use crate::proxy::IMPATIENT;
use crate::upstream::{CallPolicy, Upstream};
use crate::{Policies, Route};

pub(super) fn outlook(route: &Route, upstream: &Upstream, has_cache: bool) -> RouteOutlook {
    let answers_queries = route.takes_method(&Method::GET);
    let rule = route.policies.cache.as_ref().filter(|_| has_cache && answers_queries);
    let on_failure = rule.and_then(|rule| match rule.on_failure {
        OnFailure::Error => None,
        OnFailure::Stale(bound) => Some(bound),
    });
    // While the service is asked anew, whatever comes of that.
    let stale = rule.and_then(|rule| on_failure.max(rule.while_revalidating()));
    let stored = rule.map(|_| Stored { stale, answered: Answered::OK });
    let otherwise = unreachable(&route.policies, upstream, on_failure.is_some());
    let changes = unreachable(&route.policies, upstream, false);
    let changes = Some(changes).filter(|changes| *changes != otherwise && takes_more_than_queries(route));
    RouteOutlook { route: RouteTaking::of(route), stored, otherwise, changes, fragments: Vec::new() }
}

fn takes_more_than_queries(route: &Route) -> bool {
    route.methods.is_empty() || route.methods.iter().any(|method| !matches!(*method, Method::GET | Method::HEAD))
}

/// The answer when nothing listens: the service is waited for for a while, but not beyond the deadline.
fn unreachable(policies: &Policies, upstream: &Upstream, may_be_stale: bool) -> Answered {
    let patience = patience(policies.calls.as_deref(), upstream, may_be_stale);
    match policies.deadline.filter(|deadline| *deadline <= patience) {
        Some(deadline) => Answered {
            status: StatusCode::GATEWAY_TIMEOUT,
            code: Some(ErrorCode::UPSTREAM_TIMEOUT),
            within: Some(deadline),
        },
        None => Answered {
            status: StatusCode::SERVICE_UNAVAILABLE,
            code: Some(ErrorCode::UPSTREAM_UNREACHABLE),
            within: Some(patience),
        },
    }
}

/// How long a service that cannot be reached is waited for.
pub(super) fn patience(calls: Option<&CallPolicy>, upstream: &Upstream, may_be_stale: bool) -> Duration {
    let of_service = upstream.options().calls.clone();
    let calls = calls.or(of_service.as_deref()).map_or_else(|| CallPolicy::default().unreachable, |c| c.unreachable);
    if may_be_stale { calls.min(IMPATIENT) } else { calls }
}
