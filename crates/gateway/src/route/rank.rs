//! Which of two routes is more specific.

use std::cmp::Ordering;

use http::Method;

use super::path::{End, Segment};
use super::{HostPattern, PathPattern, Route};

/// A route, for one of the hosts that it takes, or for any.
#[derive(Clone, Copy)]
pub(super) struct Ranked<'a> {
    pub(super) route: &'a Route,
    pub(super) host: Option<&'a HostPattern>,
}

/// The more specific first: by host, then by path, segment by segment from the left, then by methods, then by how many
/// headers must be right.
pub(super) fn most_specific_first(one: Ranked<'_>, other: Ranked<'_>) -> Ordering {
    let by_host = other.host.map(HostPattern::rank).cmp(&one.host.map(HostPattern::rank));
    let (one, other) = (one.route, other.route);
    by_host
        .then_with(|| compare_paths(&one.path, &other.path))
        .then_with(|| one.methods.is_empty().cmp(&other.methods.is_empty()))
        .then_with(|| other.headers.len().cmp(&one.headers.len()))
}

fn compare_paths(one: &PathPattern, other: &PathPattern) -> Ordering {
    let kind = |segment: &Segment| u8::from(matches!(segment, Segment::Parameter(_)));
    for (mine, its) in one.segments.iter().zip(&other.segments) {
        let by_kind = kind(mine).cmp(&kind(its));
        if by_kind.is_ne() {
            return by_kind;
        }
    }
    let end = |pattern: &PathPattern| match pattern.end {
        End::Whole => 0,
        End::Rest(_) => 1,
        End::Prefix => 2,
    };
    other.segments.len().cmp(&one.segments.len()).then_with(|| end(one).cmp(&end(other)))
}

/// Whether there is a request that both take, and neither is more specific.
pub(super) fn are_ambiguous(one: Ranked<'_>, other: Ranked<'_>) -> bool {
    // Of hosts of the same rank, only those that are the same meet.
    most_specific_first(one, other).is_eq()
        && one.host == other.host
        && paths_meet(&one.route.path, &other.route.path)
        && methods_meet(one.route, other.route)
        && headers_meet(one.route, other.route)
}

fn paths_meet(one: &PathPattern, other: &PathPattern) -> bool {
    // Of the same rank, both have their parameters at the same places.
    one.segments.iter().zip(&other.segments).all(|pair| match pair {
        (Segment::Fixed(mine), Segment::Fixed(its)) => mine == its,
        _ => true,
    })
}

fn methods_meet(one: &Route, other: &Route) -> bool {
    let takes_get = |route: &Route| route.methods.contains(&Method::GET);
    one.methods.is_empty()
        || one.methods.iter().any(|method| other.methods.contains(method))
        || (takes_get(one) && other.methods.contains(&Method::HEAD))
        || (takes_get(other) && one.methods.contains(&Method::HEAD))
}

fn headers_meet(one: &Route, other: &Route) -> bool {
    // A header with two values at once is no reason to send a request to one of two.
    !one.headers.iter().any(|mine| {
        other.headers.iter().any(|its| {
            mine.name == its.name && matches!((&mine.value, &its.value), (Some(mine), Some(its)) if mine != its)
        })
    })
}
