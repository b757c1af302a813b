//! Routes whose answers are composed of several services'.

use std::collections::BTreeMap;
use std::time::Duration;

use http::StatusCode;
use tradewind_events::ErrorCode;

use super::plain::patience;
use super::{Answered, Because, FragmentOutlook, Lacking, RouteOutlook, RouteTaking, Stored};
use crate::compose::{Failed, Instead, Planned};
use crate::{Composing, Route};

/// Nothing, if the service is not asked for it.
pub(super) fn outlook(route: &Route, composing: &Composing, service: &str, has_cache: bool) -> Option<RouteOutlook> {
    let planned = composing.composed.planned();
    if !planned.iter().any(|call| call.service == service) {
        return None;
    }
    let rule = |call: &Planned<'_>| composing.call(call.name)?.cache.as_ref().filter(|_| has_cache);
    let is_stored = |call: &Planned<'_>| rule(call).is_some();
    // What the author says of the call bounds what its rule allows while the service is asked anew.
    let stale_most = |call: &Planned<'_>| rule(call).and_then(|rule| call.stale.or(rule.while_revalidating()));
    let mut fragments: Vec<FragmentOutlook> = Vec::new();
    // What is wrong with each call, of those that come before.
    let mut lacking: BTreeMap<&str, Lacking> = BTreeMap::new();
    for call in &planned {
        let is_dead = call.service == service;
        let from = call.after.iter().find(|earlier| lacking.contains_key(**earlier));
        let because = match (is_dead, from) {
            (true, _) => Because::Service,
            (false, Some(earlier)) => Because::TakesFrom((*earlier).to_owned()),
            (false, None) => continue,
        };
        let has_values = call
            .after
            .iter()
            .all(|earlier| matches!(lacking.get(earlier), None | Some(Lacking::Default(_) | Lacking::AskedByDefault)));
        let otherwise = match &call.instead {
            _ if !is_dead && has_values => Lacking::AskedByDefault,
            Instead::Error => Lacking::Fails,
            Instead::Omit => Lacking::Omitted,
            Instead::Default(value) => Lacking::Default(value.clone()),
        };
        lacking.insert(call.name, otherwise.clone());
        let stale = stale_most(call).filter(|_| is_dead);
        let (fragment, service) = (call.name.to_owned(), call.service.to_owned());
        fragments.push(FragmentOutlook { fragment, service, because, stale, otherwise });
    }

    let call_of = |fragment: &FragmentOutlook| planned.iter().find(|call| call.name == fragment.fragment);
    let failing = |fragment: &&FragmentOutlook| fragment.otherwise == Lacking::Fails;
    let failed = |fragment: &FragmentOutlook| answered(route, composing, call_of(fragment), &fragment.because);
    let otherwise = fragments.iter().find(failing).map_or(Answered::OK, failed);
    // With all that may be stored in place, what takes values of it has them.
    let dead = || fragments.iter().filter(|fragment| fragment.because == Because::Service);
    let stored = dead().any(|fragment| fragment.stale.is_some() || call_of(fragment).is_some_and(is_stored));
    let stands_in = |fragment: &FragmentOutlook| fragment.stale.is_some() || call_of(fragment).is_some_and(is_stored);
    let still_fails = fragments.iter().filter(failing).find(|fragment| {
        let mut culprit = *fragment;
        // Back to the call whose service is dead.
        while let Because::TakesFrom(earlier) = &culprit.because {
            match fragments.iter().find(|other| other.fragment == *earlier) {
                Some(other) => culprit = other,
                None => return true,
            }
        }
        !stands_in(culprit)
    });
    let stale = dead().filter(|fragment| stands_in(fragment)).map(|fragment| fragment.stale);
    let stored = stored.then(|| Stored {
        // Where one may not be stale at all, neither may the whole.
        stale: stale.min_by_key(|stale| stale.unwrap_or_default()).flatten(),
        answered: still_fails.map_or(Answered::OK, failed),
    });
    Some(RouteOutlook { route: RouteTaking::of(route), stored, otherwise, changes: None, fragments })
}

/// The answer when this call ends the whole.
fn answered(route: &Route, composing: &Composing, call: Option<&Planned<'_>>, because: &Because) -> Answered {
    let rule = call.and_then(|call| composing.call(call.name));
    let patience = rule.map(|rule| patience(None, &rule.upstream, call.is_some_and(|call| call.stale.is_some())));
    let times = [Some(composing.timeout), route.policies.deadline, call.and_then(|call| call.timeout)];
    let until = times.into_iter().flatten().min().unwrap_or(Duration::MAX);
    let (failed, within) = match (because, patience) {
        (Because::TakesFrom(_), _) => (Failed::Dependency, None),
        (Because::Service, Some(patience)) if patience < until => (Failed::Unavailable, Some(patience)),
        (Because::Service, _) => (Failed::Timeout, Some(until)),
    };
    let status = StatusCode::from_u16(failed.status()).unwrap_or(StatusCode::BAD_GATEWAY);
    Answered { status, code: Some(ErrorCode::NOT_COMPOSED), within }
}
