//! Rates that go on being counted when another table is put in place.
//!
//! What is counted is a limit's and not a route's: all routes may have one together, and two of one name, as for two methods
//! of a path, one each. So whoever has used up a limit has not got it back when something else is changed, and nobody's
//! requests are counted against somebody else's.

use std::collections::HashMap;
use std::sync::Arc;

use crate::policy::{Policies, RateLimit};

use super::Route;

/// One limit, and the routes that it is counted for together.
struct Counted {
    limit: RateLimit,
    of: Vec<Takes>,
}

/// What a route takes, in whichever order it says so.
#[derive(PartialEq, Eq, Hash)]
struct Takes {
    path: String,
    hosts: Vec<String>,
    methods: Vec<String>,
    headers: Vec<String>,
}

impl Takes {
    fn of(route: &Route) -> Self {
        let path = route.path.as_str().to_owned();
        Self { path, hosts: sorted(&route.hosts), methods: sorted(&route.methods), headers: sorted(&route.headers) }
    }
}

fn sorted(all: &[impl ToString]) -> Vec<String> {
    let mut texts: Vec<String> = all.iter().map(ToString::to_string).collect();
    texts.sort_unstable();
    texts
}

/// Goes on counting where the same limits are: those of a route that takes the same, else the only ones of that name and
/// rate that are left.
pub(super) fn continue_counting(routes: &mut [Arc<Route>], before: &[Arc<Route>]) {
    let (limits, known) = (limits_of(routes), limits_of(before));
    let continued = pairs(&limits, &known);
    for route in routes {
        let Some(rate) = &route.policies.rate else { continue };
        let place = limits.iter().position(|counted| counted.limit.counts_with(rate));
        let Some(before) = place.and_then(|place| continued[place]) else { continue };
        let rate = Some(rate.continuing(&known[before].limit));
        let policies = Policies { rate, ..(*route.policies).clone() };
        Arc::make_mut(route).policies = Arc::new(policies);
    }
}

/// Each limit once.
fn limits_of(routes: &[Arc<Route>]) -> Vec<Counted> {
    let mut limits: Vec<Counted> = Vec::new();
    for (route, limit) in routes.iter().filter_map(|route| Some((route, route.policies.rate.as_ref()?))) {
        match limits.iter_mut().find(|counted| counted.limit.counts_with(limit)) {
            Some(counted) => counted.of.push(Takes::of(route)),
            None => limits.push(Counted { limit: limit.clone(), of: vec![Takes::of(route)] }),
        }
    }
    limits
}

/// For each limit the place of the one that it continues. None is continued twice: two that were one would be counted
/// together still.
fn pairs(limits: &[Counted], known: &[Counted]) -> Vec<Option<usize>> {
    let mut of_routes: HashMap<&Takes, usize> = HashMap::new();
    for (place, counted) in known.iter().enumerate() {
        of_routes.extend(counted.of.iter().map(|takes| (takes, place)));
    }
    let mut is_free = vec![true; known.len()];
    let mut pairs = vec![None; limits.len()];
    for (pair, counted) in pairs.iter_mut().zip(limits) {
        let mut places = counted.of.iter().filter_map(|takes| of_routes.get(takes).copied());
        *pair = places.find(|place| is_free[*place] && known[*place].limit.is_like(&counted.limit));
        if let Some(place) = *pair {
            is_free[place] = false;
        }
    }
    let left: Vec<usize> = (0..limits.len()).filter(|place| pairs[*place].is_none()).collect();
    for place in &left {
        let is_like = |other: &Counted| other.limit.is_like(&limits[*place].limit);
        let is_only_one = left.iter().filter(|other| is_like(&limits[**other])).count() == 1;
        let mut before = (0..known.len()).filter(|before| is_free[*before] && is_like(&known[*before]));
        if let (true, Some(before), None) = (is_only_one, before.next(), before.next()) {
            pairs[*place] = Some(before);
        }
    }
    pairs
}
